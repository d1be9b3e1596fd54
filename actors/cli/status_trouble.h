/* What is wrong with a house, in words, from a status as status_live.h has it. Pure. */
#ifndef ES_STATUS_TROUBLE_H
#define ES_STATUS_TROUBLE_H

#include <jansson.h>

#define ES_STATUS_LATE_MS 3000   /* audio or a request that waits longer is late */
#define ES_STATUS_SILENT_MS 2000 /* an actor that was not heard for longer; they are heard each 500 ms */

/* Sentences, the worst first; empty: all is well. What others say in them is as they said it. To be freed. */
json_t *es_status_troubles(const json_t *status);

#endif
