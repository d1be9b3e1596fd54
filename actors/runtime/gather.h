/* The adaptive tick: when the loop sleeps on purpose so that messages are taken in batches. Half of loop.c, which alone uses it. Pure: no clock.
 *
 * A wake-up costs some 25 us, a message in a batch under one. Once ES_GATHER_QUICK wake-ups in a row came within half a tick of one another, the loop
 * gathers: after a turn that had messages it sleeps for as long as ES_GATHER_BATCH messages take to arrive at the present rate, at most a tick. A turn
 * without messages ends that, and so does a sleep that gathers nothing: then every sleep only delays the answer that somebody waits for.
 */
#ifndef ES_GATHER_H
#define ES_GATHER_H

#include <stdbool.h>
#include <stdint.h>

enum {
    ES_GATHER_QUICK = 16,      /* quick wake-ups in a row before the loop gathers */
    ES_GATHER_BATCH = 32,      /* messages worth a wake-up */
    ES_GATHER_HOLD_US = 500000 /* after useless gathering */
};

/* All zero: off. */
typedef struct {
    uint64_t tick_us;
    bool gathering, counted;
    unsigned quick, reviewed;
    uint64_t turn_us;      /* start of the last turn with messages */
    uint64_t gap_us;       /* smoothed time from turn to turn */
    uint64_t messages;     /* counted in this turn */
    uint64_t reviewed_sum; /* counted since the last review */
    uint64_t hold_us;      /* not again before this time */
} es_gather_t;

/* At most so long; 0: never. */
void es_gather_set_tick(es_gather_t *self, uint64_t tick_us);
/* This turn took so many messages. */
void es_gather_count(es_gather_t *self, uint64_t messages);
/* The turn that began at now_us had messages: the time until which to sleep, or 0. */
uint64_t es_gather_until(es_gather_t *self, uint64_t now_us);
/* A turn had none. */
void es_gather_idle(es_gather_t *self);

#endif
