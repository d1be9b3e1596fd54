#include "timers.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"

static void put(es_timers_t *self, size_t place, es_timer_t *timer)
{
    self->heap[place] = timer;
    timer->place = place;
}

static void up(es_timers_t *self, size_t place, es_timer_t *timer)
{
    for (; place > 1 && self->heap[place / 2]->at > timer->at; place /= 2) put(self, place, self->heap[place / 2]);
    put(self, place, timer);
}

static void down(es_timers_t *self, size_t place, es_timer_t *timer)
{
    for (;;) {
        size_t child = place * 2;
        if (child > self->count) break;
        if (child < self->count && self->heap[child + 1]->at < self->heap[child]->at) child++;
        if (self->heap[child]->at >= timer->at) break;
        put(self, place, self->heap[child]);
        place = child;
    }
    put(self, place, timer);
}

void es_timers_fini(es_timers_t *self)
{
    free(self->heap);
    *self = (es_timers_t){0};
}

void es_timers_arm(es_timers_t *self, es_timer_t *timer, uint64_t at)
{
    if (at == UINT64_MAX || (timer->place && timer->at <= at)) return;
    timer->at = at;
    if (timer->place) {
        up(self, timer->place, timer);
        return;
    }
    if (self->count + 1 >= self->cap) {
        size_t cap = self->cap ? self->cap * 2 : 64;
        es_timer_t **heap = es_alloc(cap * sizeof(void *));
        if (self->count) memcpy(heap, self->heap, (self->count + 1) * sizeof(void *));
        free(self->heap);
        self->heap = heap;
        self->cap = cap;
    }
    up(self, ++self->count, timer);
}

void es_timers_disarm(es_timers_t *self, es_timer_t *timer)
{
    size_t place = timer->place;
    if (!place) return;
    timer->place = 0;
    es_timer_t *last = self->heap[self->count--];
    if (last == timer) return;
    if (place > 1 && self->heap[place / 2]->at > last->at)
        up(self, place, last);
    else
        down(self, place, last);
}

es_timer_t *es_timers_due(es_timers_t *self, uint64_t now_us)
{
    if (!self->count || self->heap[1]->at > now_us) return NULL;
    es_timer_t *timer = self->heap[1];
    es_timers_disarm(self, timer);
    return timer;
}

uint64_t es_timers_next(const es_timers_t *self)
{
    return self->count ? self->heap[1]->at : UINT64_MAX;
}
