#include "waiting.h"

#include <string.h>

#include "alloc.h"

void es_waiting_init(es_waiting_t *self)
{
    memset(self, 0, sizeof *self);
    for (size_t i = 0; i < ES_LANES; i++) TAILQ_INIT(&self->lanes[i]);
}

es_waiter_t *es_waiting_add(es_waiting_t *self, es_lane_t lane, es_span_t key, void *owner)
{
    es_waiter_t *waiter = es_alloc_zero(sizeof *waiter + key.len);
    memcpy(waiter->key, key.ptr, key.len);
    waiter->len = key.len;
    waiter->lane = lane;
    waiter->owner = owner;
    waiter->ticket = self->next[lane]++;
    TAILQ_INSERT_TAIL(&self->lanes[lane], waiter, link);
    self->counts[lane]++;
    return waiter;
}

void es_waiting_remove(es_waiting_t *self, es_waiter_t *waiter)
{
    TAILQ_REMOVE(&self->lanes[waiter->lane], waiter, link);
    self->counts[waiter->lane]--;
}

size_t es_waiting_count(const es_waiting_t *self)
{
    return (size_t)es_waiting_ahead(self, ES_LANE_BATCH);
}

const es_waiter_t *es_waiting_first(const es_waiting_t *self)
{
    for (size_t lane = 0; lane < ES_LANES; lane++)
        if (!TAILQ_EMPTY(&self->lanes[lane])) return TAILQ_FIRST(&self->lanes[lane]);
    return NULL;
}

uint64_t es_waiting_ahead(const es_waiting_t *self, es_lane_t lane)
{
    uint64_t n = 0;
    for (size_t i = 0; i <= (size_t)lane; i++) n += self->counts[i];
    return n;
}

uint64_t es_waiting_place(const es_waiting_t *self, const es_waiter_t *waiter)
{
    uint64_t before = es_waiting_ahead(self, waiter->lane) - self->counts[waiter->lane];
    return before + (waiter->ticket - TAILQ_FIRST(&self->lanes[waiter->lane])->ticket) + 1;
}

void es_waiting_expire(es_waiting_t *self, uint64_t before_us, void (*fn)(void *ctx, es_waiter_t *waiter), void *ctx)
{
    for (size_t lane = 0; lane < ES_LANES; lane++) {
        uint64_t ticket = 0;
        es_waiter_t *next;
        for (es_waiter_t *w = TAILQ_FIRST(&self->lanes[lane]); w; w = next) {
            next = TAILQ_NEXT(w, link);
            if (w->last_us < before_us)
                fn(ctx, w);
            else
                w->ticket = ticket++;
        }
        self->next[lane] = ticket;
    }
}
