/* The queue of one service: streams that wait for a place, in three lanes.
 *
 * A place is the number of waiters ahead plus one. It is told from tickets, so that asking costs nothing: the difference to the lane's first ticket is exact
 * while waiters leave at the head, and too high by those that left in the middle until es_waiting_expire numbers the lane anew. Too high is safe:
 * nobody overtakes. Pure; one thread.
 */
#ifndef ES_WAITING_H
#define ES_WAITING_H

#include <sys/queue.h>

#include "envelope.h"

typedef enum {
    ES_LANE_GOING, /* live, with words committed: its worker died in the middle */
    ES_LANE_LIVE,
    ES_LANE_BATCH,
    ES_LANES
} es_lane_t;

typedef struct es_waiter {
    TAILQ_ENTRY(es_waiter) link;
    uint64_t ticket, epoch;
    uint64_t since_us, last_us; /* of its first and its last START */
    es_lane_t lane;
    void *owner; /* the service, for who finds the waiter by its key */
    size_t len;
    char key[]; /* len bytes */
} es_waiter_t;

typedef TAILQ_HEAD(es_lane_head, es_waiter) es_lane_head_t;

typedef struct {
    es_lane_head_t lanes[ES_LANES];
    uint64_t next[ES_LANES]; /* ticket of the next to come */
    size_t counts[ES_LANES];
} es_waiting_t;

void es_waiting_init(es_waiting_t *self);
/* Adds a waiter at the end of the lane. The caller owns it, takes it out with es_waiting_remove and frees it with free(3). */
es_waiter_t *es_waiting_add(es_waiting_t *self, es_lane_t lane, es_span_t key, void *owner);
void es_waiting_remove(es_waiting_t *self, es_waiter_t *waiter);
size_t es_waiting_count(const es_waiting_t *self);
/* Who is at place 1; NULL: nobody waits. */
const es_waiter_t *es_waiting_first(const es_waiting_t *self);
/* Its place, from 1. */
uint64_t es_waiting_place(const es_waiting_t *self, const es_waiter_t *waiter);
/* How many would be ahead of one that came now. */
uint64_t es_waiting_ahead(const es_waiting_t *self, es_lane_t lane);
/* Hands every waiter without a START since `before_us` to fn, which must remove and free it, and numbers the others anew. */
void es_waiting_expire(es_waiting_t *self, uint64_t before_us, void (*fn)(void *ctx, es_waiter_t *waiter), void *ctx);

#endif
