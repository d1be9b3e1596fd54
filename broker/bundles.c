#include "bundles.h"

#include <stdlib.h>

#include "alloc.h"

typedef struct {
    uint64_t to;
    es_bundle_t *bundle; /* kept for the next turns */
} slot_t;

struct es_bundles {
    es_bundles_fn send;
    void *ctx;
    unsigned used; /* slots with something in them stand first */
    slot_t slots[ES_BUNDLES_MAX];
};

es_bundles_t *es_bundles_new(es_bundles_fn send, void *ctx)
{
    es_bundles_t *self = es_alloc_zero(sizeof *self);
    self->send = send;
    self->ctx = ctx;
    return self;
}

void es_bundles_destroy(es_bundles_t **self_p)
{
    if (!*self_p) return;
    for (unsigned i = 0; i < ES_BUNDLES_MAX; i++) free((*self_p)->slots[i].bundle);
    free(*self_p);
    *self_p = NULL;
}

static slot_t *find(es_bundles_t *self, uint64_t to)
{
    for (unsigned i = 0; i < self->used; i++)
        if (self->slots[i].to == to) return &self->slots[i];
    return NULL;
}

/* Sends and gives the slot back: the last used one takes its place. */
static void leave(es_bundles_t *self, slot_t *slot)
{
    slot_t gone = *slot, *last = &self->slots[--self->used];
    *slot = *last;
    *last = gone;
    self->send(self->ctx, gone.to, gone.bundle);
    es_bundle_clear(gone.bundle);
}

static slot_t *fullest(es_bundles_t *self)
{
    slot_t *most = &self->slots[0];
    for (unsigned i = 1; i < self->used; i++)
        if (self->slots[i].bundle->len > most->bundle->len) most = &self->slots[i];
    return most;
}

static slot_t *begin(es_bundles_t *self, uint64_t to)
{
    if (self->used == ES_BUNDLES_MAX) leave(self, fullest(self));
    slot_t *slot = &self->slots[self->used++];
    slot->to = to;
    if (!slot->bundle) slot->bundle = es_alloc(sizeof *slot->bundle);
    es_bundle_clear(slot->bundle);
    return slot;
}

bool es_bundles_add(es_bundles_t *self, uint64_t to, const es_bundle_item_t *item)
{
    slot_t *slot = find(self, to);
    if (!slot) slot = begin(self, to);
    if (es_bundle_append(slot->bundle, item)) return true;
    if (slot->bundle->count > 0) {
        leave(self, slot);
        slot = begin(self, to);
        if (es_bundle_append(slot->bundle, item)) return true;
    }
    self->used--; /* begun for nothing: it is the last one */
    return false;
}

void es_bundles_flush_one(es_bundles_t *self, uint64_t to)
{
    slot_t *slot = find(self, to);
    if (slot) leave(self, slot);
}

void es_bundles_flush(es_bundles_t *self)
{
    while (self->used > 0) leave(self, &self->slots[self->used - 1]);
}
