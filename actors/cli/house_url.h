/* The addresses of /ws of the house that runs here. */
#ifndef ES_HOUSE_URL_H
#define ES_HOUSE_URL_H

#include "config.h"

/* Of all edges in --data (settled here under `program`), with commas, or ws://127.0.0.1:8000/ws where none runs there; to be freed. NULL with a message printed where the directory
 * cannot be used. */
char *es_house_urls(es_common_config_t *common, const char *program);

#endif
