/* Deadlines of many streams: an indexed binary heap. A timer that is not armed costs nothing; to move one later is free until
 * it is due, because the caller looks again then (es_timers_arm only ever moves a timer earlier). */
#ifndef ES_TIMERS_H
#define ES_TIMERS_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint64_t at;
    size_t place; /* 1.. in the heap; 0: not armed */
} es_timer_t;

typedef struct {
    es_timer_t **heap; /* heap[1..count] */
    size_t count, cap;
} es_timers_t;

void es_timers_fini(es_timers_t *self);
/* Due at `at` at the latest; UINT64_MAX changes nothing. Dies on lack of memory. */
void es_timers_arm(es_timers_t *self, es_timer_t *timer, uint64_t at);
/* Takes a timer out, armed or not. */
void es_timers_disarm(es_timers_t *self, es_timer_t *timer);
/* Takes out and returns the earliest timer that is due, or NULL. */
es_timer_t *es_timers_due(es_timers_t *self, uint64_t now_us);
/* When the earliest is due, UINT64_MAX where none is armed. */
uint64_t es_timers_next(const es_timers_t *self);

#endif
