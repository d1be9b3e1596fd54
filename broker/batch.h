/* Batch streams that have a place (file jobs), in the order in which they got it, and what they owe to live ones. Part of placement, which alone uses it.
 *
 * They leave `reserve` places of each worker free, so that a live stream finds one at once. Only the first of a service may take any place: where workers have one place
 * each, or live streams stay for ever, no job would be done otherwise.
 *
 * A live stream that waits all the same has one of them asked to give its place back (YIELD). Of those that wait beyond the places that are free the first has the first
 * asked, the second the second: so each has another one asked, and the same again until it moves. The oldest goes first; it has had its turn.
 *
 * A stream without a frame for ES_BATCH_QUIET_US comes after the others, and does not count as first: of another broker's streams, which a HELLO has taught us, we do not
 * hear when they end.
 *
 * Pure; one thread.
 */
#ifndef ES_BATCH_H
#define ES_BATCH_H

#include "placed.h"

#define ES_BATCH_QUIET_US UINT64_C(5000000) /* who has anything to send sends more often: probes */

typedef struct {
    TAILQ_HEAD(, es_placed) list;
    size_t count;
    uint64_t reserve; /* places of each worker */
} es_batch_t;

void es_batch_init(es_batch_t *self, uint64_t reserve);
/* Says of a stream that has a place whether it is batch; what it was before does not matter. */
void es_batch_set(es_batch_t *self, es_placed_t *stream, bool batch);
/* Of `free` places of a service: how many batch streams may take. */
size_t es_batch_free(const es_batch_t *self, const es_pool_t *pool, const es_service_t *service, size_t free,
                     uint64_t now_us);
/* Where a batch stream may be put that es_batch_free lets in. clean_us as in pool.h. NULL: nowhere. */
es_pool_worker_t *es_batch_pick(const es_batch_t *self, const es_pool_t *pool, const es_service_t *service,
                                uint64_t clean_us, uint64_t now_us);
/* The batch stream of this service that gives its place to live stream number `number` (from 0) of those for whom nothing is free; NULL: there is none. */
const es_placed_t *es_batch_to_yield(const es_batch_t *self, const es_service_t *service, uint64_t number,
                                     uint64_t now_us);

#endif
