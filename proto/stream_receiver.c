#include "stream_receiver.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "ring.h"

#define NEVER UINT64_MAX

/* A final as it is kept; text, reason, checkpoint and words follow one another in `data`. */
typedef struct {
    uint64_t from_seq, to_seq, flags, start, end;
    uint32_t confidence, text_len, reason_len, checkpoint_len, words_len;
    char data[];
} kept_t;

struct es_receiver {
    const es_receiver_ops_t *ops;
    void *ctx;
    es_receiver_config_t config;
    uint64_t epoch, expected, committed;
    uint64_t eos_seq;   /* 0: not taken yet */
    uint64_t confirmed; /* highest `committed` that the sender told */
    es_ring_t kept;
    uint32_t unacked;                           /* frames taken since the last message that carried `expected` */
    bool ack_due;                               /* something is to be acknowledged */
    uint64_t ack_from, rewind_from, again_from; /* ACK, REWIND, the kept finals: not again before */
    uint64_t last_us;
    uint64_t old, gaps, rewinds, stale, refused;
};

es_receiver_config_t es_receiver_defaults(void)
{
    return (es_receiver_config_t){.ack_us = 100000, .ack_frames = 128, .rewind_us = 100000, .kept_max = 16384};
}

es_receiver_t *es_receiver_new(const es_receiver_config_t *config, const es_receiver_ops_t *ops, void *ctx)
{
    es_receiver_t *self = es_alloc_zero(sizeof *self);
    self->config = config ? *config : es_receiver_defaults();
    if (self->config.kept_max == 0) self->config.kept_max = es_receiver_defaults().kept_max;
    self->ops = ops;
    self->ctx = ctx;
    return self;
}

static void forget_kept(es_receiver_t *self)
{
    for (void *kept; (kept = es_ring_pop(&self->kept));) free(kept);
}

void es_receiver_destroy(es_receiver_t **self_p)
{
    es_receiver_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    forget_kept(self);
    es_ring_fini(&self->kept);
    free(self);
}

/* What goes out now tells `expected`. */
static void acknowledged(es_receiver_t *self, uint64_t now_us)
{
    self->ack_due = false;
    self->unacked = 0;
    self->ack_from = now_us + self->config.ack_us;
}

static void tell_state(const es_receiver_t *self, es_msg_t *msg)
{
    ES_SET(msg, ES_M_EXPECTED, expected, self->expected);
    ES_SET(msg, ES_M_COMMITTED, committed, self->committed);
}

static void send_ack(es_receiver_t *self, uint64_t now_us)
{
    es_msg_t msg = {.kind = ES_ACK, .epoch = self->epoch, .seq = self->expected - 1};
    tell_state(self, &msg);
    acknowledged(self, now_us);
    self->ops->send(self->ctx, &msg, NULL, 0);
}

static void ack_if_time(es_receiver_t *self, uint64_t now_us)
{
    if (!self->ack_due) return;
    if (now_us >= self->ack_from || self->unacked >= self->config.ack_frames) send_ack(self, now_us);
}

/* frame's epoch; `expected` only where this is the epoch that we have. */
static void send_rewind(es_receiver_t *self, const es_msg_t *frame, bool state, uint64_t now_us)
{
    if (now_us < self->rewind_from) return;
    self->rewind_from = now_us + self->config.rewind_us;
    self->rewinds++;
    es_msg_t msg = {.kind = ES_REWIND, .epoch = frame->epoch, .seq = frame->seq};
    if (state) ES_SET(&msg, ES_M_EXPECTED, expected, self->expected);
    self->ops->send(self->ctx, &msg, NULL, 0);
}

static void send_final(es_receiver_t *self, const kept_t *kept, uint64_t now_us)
{
    const char *at = kept->data;
    es_msg_t msg = {.kind = ES_FINAL, .epoch = self->epoch, .seq = kept->to_seq};
    tell_state(self, &msg);
    ES_SET(&msg, ES_M_FLAGS, flags, kept->flags);
    ES_SET(&msg, ES_M_FROM, from_seq, kept->from_seq);
    ES_SET(&msg, ES_M_TO, to_seq, kept->to_seq);
    ES_SET(&msg, ES_M_START, start, kept->start);
    ES_SET(&msg, ES_M_END, end, kept->end);
    ES_SET(&msg, ES_M_CONFIDENCE, confidence, kept->confidence);
    ES_SET(&msg, ES_M_TEXT, text, es_span_of(at, kept->text_len));
    at += kept->text_len;
    if (kept->reason_len > 0) ES_SET(&msg, ES_M_REASON, reason, es_span_of(at, kept->reason_len));
    at += kept->reason_len;
    if (kept->checkpoint_len > 0) ES_SET(&msg, ES_M_CHECKPOINT, checkpoint, es_span_of(at, kept->checkpoint_len));
    at += kept->checkpoint_len;
    acknowledged(self, now_us);
    self->ops->send(self->ctx, &msg, kept->words_len > 0 ? at : NULL, kept->words_len);
}

static void publish_again(es_receiver_t *self, uint64_t now_us)
{
    if (now_us < self->again_from || self->kept.count == 0) return;
    self->again_from = now_us + self->config.rewind_us;
    for (uint32_t i = 0; i < self->kept.count; i++) send_final(self, es_ring_at(&self->kept, i), now_us);
}

static void confirm(es_receiver_t *self, uint64_t committed)
{
    if (committed <= self->confirmed) return;
    self->confirmed = committed;
    for (const kept_t *kept; (kept = es_ring_at(&self->kept, 0)) && kept->to_seq <= committed;)
        free(es_ring_pop(&self->kept));
}

static void take(es_receiver_t *self, const es_msg_t *msg, const void *body, size_t len, uint64_t now_us)
{
    if (self->kept.count >= self->config.kept_max) {
        self->refused++;
        publish_again(self, now_us);
        return;
    }
    self->expected++;
    self->unacked++;
    self->ack_due = true;
    if (msg->flags & ES_F_EOS) self->eos_seq = msg->seq;
    self->ops->frame(self->ctx, msg, body, len);
    ack_if_time(self, now_us); /* nothing is due where a final went out from inside */
}

/* Returns false where the START contradicts itself. */
static bool begin(es_receiver_t *self, const es_msg_t *start)
{
    if (!ES_HAS(start, ES_M_BASE) || start->base != start->seq - 1 || start->committed != start->base) return false;
    forget_kept(self);
    self->epoch = start->epoch;
    self->committed = self->confirmed = start->base;
    self->expected = start->seq;
    self->eos_seq = 0;
    self->unacked = 0;
    self->ack_from = self->rewind_from = self->again_from = 0; /* the sender waits for the first word of this epoch */
    self->ops->begin(self->ctx, start);
    return true;
}

static bool sane(const es_msg_t *msg)
{
    return msg->kind == ES_FRAME && msg->epoch > 0 && msg->seq > 0 && msg->seq < UINT64_MAX / 2 &&
           ES_HAS(msg, ES_M_COMMITTED) && msg->committed < msg->seq;
}

void es_receiver_frame(es_receiver_t *self, const es_msg_t *msg, const void *body, size_t len, uint64_t now_us)
{
    if (!sane(msg) || msg->epoch < self->epoch ||
        (self->eos_seq > 0 && msg->epoch == self->epoch && msg->seq > self->eos_seq)) {
        self->stale++;
        return;
    }
    if (msg->epoch > self->epoch && (msg->flags & ES_F_START) && !begin(self, msg)) {
        self->stale++;
        return;
    }
    /* No state; or the sender has commits in this epoch that are not ours: it listens to another. */
    if (msg->epoch > self->epoch || msg->committed > self->committed) {
        send_rewind(self, msg, false, now_us);
        return;
    }
    self->last_us = now_us;
    confirm(self, msg->committed);
    if (msg->seq == self->expected) {
        take(self, msg, body, len, now_us);
    } else if (msg->seq < self->expected) {
        self->old++;
        self->ack_due = true;
        publish_again(self, now_us);
        ack_if_time(self, now_us);
    } else {
        self->gaps++;
        send_rewind(self, msg, true, now_us);
    }
}

/* At most max bytes, not ending inside a character. */
static es_span_t cut(es_span_t text, size_t max)
{
    if (text.len <= max) return text;
    size_t len = max;
    while (len > 0 && ((unsigned char)text.ptr[len] & 0xC0) == 0x80) len--;
    return es_span_of(text.ptr, len);
}

static char *append(char *at, const void *data, size_t len)
{
    if (len > 0) memcpy(at, data, len);
    return at + len;
}

static kept_t *keep(es_receiver_t *self, const es_final_t *final)
{
    es_span_t text = cut(final->text, ES_TEXT_MAX), reason = cut(final->reason, ES_REASON_MAX);
    size_t words_len = final->words && final->words_len <= ES_WORDS_MAX ? final->words_len : 0;
    kept_t *kept = es_alloc(sizeof *kept + text.len + reason.len + final->checkpoint.len + words_len);
    *kept = (kept_t){.from_seq = self->committed + 1,
                     .to_seq = final->to_seq,
                     .flags = final->flags,
                     .start = final->start,
                     .end = final->end,
                     .confidence = final->confidence,
                     .text_len = (uint32_t)text.len,
                     .reason_len = (uint32_t)reason.len,
                     .checkpoint_len = (uint32_t) final->checkpoint.len,
                     .words_len = (uint32_t)words_len};
    char *at = append(kept->data, text.ptr, text.len);
    at = append(at, reason.ptr, reason.len);
    at = append(at, final->checkpoint.ptr, final->checkpoint.len);
    append(at, final->words, words_len);
    es_ring_push(&self->kept, kept);
    return kept;
}

void es_receiver_final(es_receiver_t *self, const es_final_t *final, uint64_t now_us)
{
    assert(self->epoch > 0 && final->to_seq > self->committed && final->to_seq < self->expected);
    assert(final->checkpoint.len <= ES_CHECKPOINT_MAX);
    const kept_t *kept = keep(self, final);
    self->committed = final->to_seq;
    send_final(self, kept, now_us);
}

void es_receiver_partial(es_receiver_t *self, uint64_t to_seq, es_span_t text, uint64_t start, uint64_t end)
{
    assert(self->epoch > 0 && to_seq < self->expected);
    if (to_seq <= self->committed) return; /* its words are final already */
    es_msg_t msg = {.kind = ES_PARTIAL, .epoch = self->epoch, .seq = to_seq};
    ES_SET(&msg, ES_M_FROM, from_seq, self->committed + 1);
    ES_SET(&msg, ES_M_TO, to_seq, to_seq);
    ES_SET(&msg, ES_M_TEXT, text, cut(text, ES_TEXT_MAX));
    ES_SET(&msg, ES_M_START, start, start);
    ES_SET(&msg, ES_M_END, end, end);
    self->ops->send(self->ctx, &msg, NULL, 0);
}

uint64_t es_receiver_tick(es_receiver_t *self, uint64_t now_us)
{
    ack_if_time(self, now_us);
    return self->ack_due ? self->ack_from : NEVER;
}

void es_receiver_repeat(es_receiver_t *self, uint64_t now_us)
{
    if (self->epoch > 0) send_ack(self, now_us);
}

void es_receiver_stats(const es_receiver_t *self, es_receiver_stats_t *out)
{
    *out = (es_receiver_stats_t){.epoch = self->epoch,
                                 .expected = self->expected,
                                 .committed = self->committed,
                                 .kept = self->kept.count,
                                 .last_us = self->last_us,
                                 .eos = self->eos_seq > 0 && self->committed >= self->eos_seq,
                                 .old = self->old,
                                 .gaps = self->gaps,
                                 .rewinds = self->rewinds,
                                 .stale = self->stale,
                                 .refused = self->refused};
}
