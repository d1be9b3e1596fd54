#include "engines.h"
const es_engine_t es_engine_pocketsphinx = {.name = "pocketsphinx"};
