#include "partials.h"

#include <assert.h>
#include <stdlib.h>

#include "alloc.h"
#include "decoder_link.h"

enum {
    ASK_EVERY = 4800,                 /* samples between two questions: 300 ms */
    LAG_MAX = 10,                     /* questions without an answer: 3 s behind, not worth the cost any more */
    NICE = 10,                        /* finals before partials */
    IDS_FROM = ES_ZYGOTE_CHILDREN / 2 /* the pools' decoders have the ids below */
};

static ES_METRIC_COUNTER(asked, "earshot_transcriber_partials_asked_total",
                         "Times that decoders were asked for partials.");
static ES_METRIC_COUNTER(without, "earshot_transcriber_partials_refused_total",
                         "Segments without partials, because all slots were taken.");
static ES_METRIC_COUNTER(dropped, "earshot_transcriber_partials_dropped_total",
                         "Segments whose partials were dropped, because the decoder fell behind or ended.");

es_metric_t *const *es_partials_metrics(void)
{
    static es_metric_t *const list[] = {&asked, &without, &dropped, NULL};
    return list;
}

typedef struct {
    es_partials_t *all;
    es_decoder_link_t *link;
    void *owner; /* NULL: free */
    uint64_t start, id;
    size_t fed, asked, answered; /* samples; asked and answered in questions */
    bool dropped;                /* goes on without partials until the owner ends the segment */
} slot_t;

struct es_partials {
    es_zygote_t *zygote;
    es_loop_t *loop;
    es_partials_fn fn;
    uint64_t last_id;
    const void *refused; /* counted once a segment */
    uint64_t refused_start;
    uint32_t n;
    slot_t slots[];
};

static void drop(slot_t *slot)
{
    es_decoder_link_destroy(&slot->link);
    if (!slot->owner || slot->dropped) return;
    slot->dropped = true;
    es_metric_add(&dropped, 1);
}

static void on_ready(void *ctx, int pid)
{
    (void)ctx;
    (void)pid;
}

static void on_gone(void *ctx)
{
    drop(ctx);
}

static void on_result(void *ctx, uint64_t id, const es_engine_result_t *result)
{
    slot_t *slot = ctx;
    if (!slot->owner || id != slot->id) return;
    slot->answered++;
    if (result->text.len > 0) slot->all->fn(slot->owner, result->text, slot->answered * ASK_EVERY);
}

es_partials_t *es_partials_new(uint32_t slots, es_zygote_t *zygote, es_loop_t *loop, es_partials_fn fn)
{
    assert(slots <= ES_ZYGOTE_CHILDREN / 2);
    es_partials_t *self = es_alloc_zero(sizeof *self + slots * sizeof *self->slots);
    self->zygote = zygote;
    self->loop = loop;
    self->fn = fn;
    self->n = slots;
    for (uint32_t i = 0; i < slots; i++) self->slots[i].all = self;
    return self;
}

void es_partials_destroy(es_partials_t **self_p)
{
    es_partials_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    for (uint32_t i = 0; i < self->n; i++) es_decoder_link_destroy(&self->slots[i].link);
    free(self);
}

static slot_t *slot_of(es_partials_t *self, const void *owner)
{
    for (uint32_t i = 0; i < self->n; i++)
        if (self->slots[i].owner == owner) return &self->slots[i];
    return NULL;
}

static slot_t *begin(es_partials_t *self, void *owner, uint64_t start)
{
    static const es_decoder_link_ops_t ops = {.ready = on_ready, .result = on_result, .gone = on_gone};
    slot_t *slot = slot_of(self, NULL);
    if (!slot) {
        if (self->refused != owner || self->refused_start != start) es_metric_add(&without, 1);
        self->refused = owner;
        self->refused_start = start;
        return NULL;
    }
    const es_decoder_role_t role = {.live = true, .nice = NICE};
    uint32_t id = IDS_FROM + (uint32_t)(slot - self->slots);
    if (!slot->link) slot->link = es_decoder_link_new(self->zygote, self->loop, id, role, &ops, slot);
    slot->owner = owner;
    slot->start = start;
    slot->id = ++self->last_id;
    slot->fed = slot->asked = slot->answered = 0;
    slot->dropped = false;
    if (slot->link)
        es_decoder_link_send(slot->link, ES_DW_OPEN, slot->id, NULL, 0);
    else
        drop(slot);
    return slot;
}

static void feed(slot_t *slot, const int16_t *pcm, size_t samples)
{
    while (!slot->dropped && slot->fed + ES_ENGINE_FEED <= samples) {
        es_decoder_link_send(slot->link, ES_DW_FEED, slot->id, pcm + slot->fed, ES_ENGINE_FEED * sizeof *pcm);
        slot->fed += ES_ENGINE_FEED;
        if (slot->fed % ASK_EVERY != 0) continue;
        es_decoder_link_send(slot->link, ES_DW_ASK, slot->id, NULL, 0);
        slot->asked++;
        es_metric_add(&asked, 1);
    }
}

void es_partials_hear(es_partials_t *self, void *owner, uint64_t start, const int16_t *pcm, size_t samples)
{
    slot_t *slot = slot_of(self, owner);
    if (slot && slot->start != start) {
        es_partials_end(self, owner);
        slot = NULL;
    }
    if (!slot) slot = begin(self, owner, start);
    if (!slot || slot->dropped) return;
    if (slot->asked > slot->answered + LAG_MAX) {
        drop(slot); /* it is killed: what it still had to do would keep the next segment waiting */
        return;
    }
    feed(slot, pcm, samples);
}

void es_partials_end(es_partials_t *self, const void *owner)
{
    slot_t *slot = slot_of(self, owner);
    if (!slot || !owner) return;
    if (slot->link) es_decoder_link_send(slot->link, ES_DW_CANCEL, slot->id, NULL, 0);
    slot->owner = NULL;
}
