/* The inside of placement, shared by placement.c (routing, queue, time) and placement_workers.c (workers that come and go). Nobody else includes it. */
#ifndef ES_PLACEMENT_STATE_H
#define ES_PLACEMENT_STATE_H

#include "batch.h"
#include "map.h"
#include "placement.h"

enum {
    ES_PLACEMENT_RECENT = 1024 /* streams remembered as just rewound; a collision only costs a second REWIND */
};

struct es_placement {
    es_placement_config_t config;
    es_placement_stats_t stats;
    uint64_t settled_us, learned_us; /* when those times are over */
    es_map_t *streams, *waiters;
    es_pool_t pool;
    es_batch_t batch;
    TAILQ_HEAD(, es_placed) ages; /* by seen_us, oldest first */
    struct {
        uint64_t hash, at_us;
    } recent[ES_PLACEMENT_RECENT];
};

/* Streams that frames have come of: what max_streams bounds. */
size_t es_placement_own(const es_placement_t *self);
/* Places of a service (NULL: of all) that are free, whoever waits. */
size_t es_placement_free_places(const es_placement_t *self, const es_service_t *service, uint64_t now_us);
/* A stream gets a place with this worker. */
es_placed_t *es_placement_add_stream(es_placement_t *self, es_span_t key, es_pool_worker_t *worker, uint64_t epoch,
                                     uint64_t now_us);
void es_placement_remove_stream(es_placement_t *self, es_placed_t *stream);
/* Out of its queue; the service may be nobody's then. */
void es_placement_remove_waiter(es_placement_t *self, es_waiter_t *waiter);

#endif
