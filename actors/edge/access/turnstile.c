#include "turnstile.h"

#include <stddef.h>

#include "edge_metrics.h"

void es_turnstile_join(es_turnstile_t *self, es_turnstile_place_t *place)
{
    if (place->waits) return;
    place->waits = true;
    place->joined = self->turns;
    place->next = NULL;
    *(self->last ? &self->last->next : &self->first) = place;
    self->last = place;
}

void es_turnstile_leave(es_turnstile_t *self, es_turnstile_place_t *place)
{
    es_turnstile_place_t *before = NULL;
    if (!place->waits) return;
    for (es_turnstile_place_t *at = self->first; at != place; at = at->next) before = at;
    *(before ? &before->next : &self->first) = place->next;
    if (self->last == place) self->last = before;
    place->waits = false;
}

static void pass(es_turnstile_t *self)
{
    es_turnstile_place_t *place = self->first;
    if (self->turns - place->joined > 1) es_metric_add(&es_edge_tokens_late, 1);
    es_turnstile_leave(self, place);
    place->pass(place);
}

void es_turnstile_turn(es_turnstile_t *self, uint64_t (*clock)(void))
{
    self->turns++;
    if (!self->first) return;
    const uint64_t end = clock() + ES_TURNSTILE_US;
    do pass(self);
    while (self->first && self->first->joined < self->turns && clock() < end);
}
