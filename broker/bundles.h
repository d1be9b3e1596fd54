/* Bundles under way, one for each destination (a worker, an edge's prefix), to be sent at the end of a turn. Pure: what is sent goes through a
 * function. One thread. */
#ifndef ES_BUNDLES_H
#define ES_BUNDLES_H

#include "bundle.h"

#define ES_BUNDLES_MAX 32u /* destinations in one turn; at the bound the fullest leaves early */

typedef struct es_bundles es_bundles_t;

/* The bundle is cleared after the call. */
typedef void (*es_bundles_fn)(void *ctx, uint64_t to, const es_bundle_t *bundle);

es_bundles_t *es_bundles_new(es_bundles_fn send, void *ctx);
/* What was not flushed is lost. */
void es_bundles_destroy(es_bundles_t **self_p);
/* Appends; a bundle without room is sent first. False: larger than an item may be, nothing was done. */
bool es_bundles_add(es_bundles_t *self, uint64_t to, const es_bundle_item_t *item);
/* Sends what there is for one destination, or for all. */
void es_bundles_flush_one(es_bundles_t *self, uint64_t to);
void es_bundles_flush(es_bundles_t *self);

#endif
