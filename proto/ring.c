#include "ring.h"

#include <stdlib.h>

#include "alloc.h"

#define CAP_MIN 8u /* kept when empty, so that a stream with one frame in flight does not allocate slots for each */

void es_ring_fini(es_ring_t *self)
{
    free(self->slots);
    *self = (es_ring_t){0};
}

static void resize(es_ring_t *self, uint32_t cap)
{
    void **slots = es_alloc(cap * sizeof *slots);
    for (uint32_t i = 0; i < self->count; i++) slots[i] = es_ring_at(self, i);
    free(self->slots);
    self->slots = slots;
    self->head = 0;
    self->cap = cap;
}

void es_ring_push(es_ring_t *self, void *item)
{
    if (self->count == self->cap) resize(self, self->cap > 0 ? self->cap * 2 : CAP_MIN);
    self->slots[(self->head + self->count) & (self->cap - 1)] = item;
    self->count++;
}

void *es_ring_pop(es_ring_t *self)
{
    if (self->count == 0) return NULL;
    void *item = self->slots[self->head];
    self->head = (self->head + 1) & (self->cap - 1);
    self->count--;
    /* An eighth, not a half: growing and shrinking must not take turns. */
    if (self->cap > CAP_MIN && self->count <= self->cap / 8)
        resize(self, self->cap / 4 > CAP_MIN ? self->cap / 4 : CAP_MIN);
    return item;
}
