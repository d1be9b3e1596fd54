/* A queue of pointers that grows with what it holds and shrinks again: no memory before the first push, 64 bytes when idle. Embedded; the items are the
 * owner's. */
#ifndef ES_RING_H
#define ES_RING_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    void **slots;
    uint32_t head, count, cap; /* cap: a power of two, or 0 */
} es_ring_t;

/* An all-zero ring is empty and valid. Frees the slots, not the items. */
void es_ring_fini(es_ring_t *self);
void es_ring_push(es_ring_t *self, void *item);
/* Takes the oldest out; NULL where empty. */
void *es_ring_pop(es_ring_t *self);
/* The i-th oldest, or NULL where there are not so many. */
static inline void *es_ring_at(const es_ring_t *self, uint64_t i)
{
    return i < self->count ? self->slots[(self->head + (uint32_t)i) & (self->cap - 1)] : NULL;
}

#endif
