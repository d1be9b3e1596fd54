/* The engines that are built in. */
#ifndef ES_ENGINES_H
#define ES_ENGINES_H

#include "engine.h"

extern const es_engine_t es_engine_mock;
extern const es_engine_t es_engine_pocketsphinx;

/* As --engine counts them. */
#define ES_ENGINE_CHOICES "mock|pocketsphinx"
/* The engine of that index; asserts the range. */
const es_engine_t *es_engine_at(uint64_t index);

#endif
