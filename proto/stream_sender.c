#include "stream_sender.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "sender_state.h"

#define SILENT_MAX 3u
#define ALLOCATION 16u /* bytes that the allocator adds to each */

static const char default_service[] = "transcribe";

es_sender_config_t es_sender_defaults(void)
{
    return (es_sender_config_t){.window_frames = 512,
                                .window_bytes = 1u << 20,
                                .retain_frames = 16384,
                                .retain_bytes = 8u << 20,
                                .rto_min_us = 300000,
                                .rto_max_us = 5000000,
                                .probe_us = 1500000,
                                .wait_retry_us = 500000,
                                .service = default_service};
}

/* Copies unless it is the default, which nearly all streams have: idle senders are counted in bytes. */
static void own_strings(es_sender_t *self)
{
    const char *service = self->config.service;
    if (!service || strcmp(service, default_service) == 0)
        self->config.service = default_service;
    else
        self->config.service = self->service = es_alloc_copy(service, strlen(service));
    const char *language = self->config.language;
    if (language) self->config.language = self->language = es_alloc_copy(language, strlen(language));
}

es_sender_t *es_sender_new(const es_sender_config_t *config, const es_sender_ops_t *ops, void *ctx, uint64_t last_epoch)
{
    es_sender_t *self = es_alloc_zero(sizeof *self);
    self->config = config ? *config : es_sender_defaults();
    assert(self->config.window_frames > 0 && self->config.retain_frames > 0);
    self->ops = ops;
    self->ctx = ctx;
    own_strings(self);
    es_rto_init(&self->rto, self->config.rto_min_us, self->config.rto_max_us);
    self->epoch = last_epoch + 1;
    self->next_seq = self->cursor = 1;
    self->rto_at = self->probe_at = self->start_at = self->mark_at = ES_NEVER;
    return self;
}

void es_sender_set_checkpoint(es_sender_t *self, es_span_t checkpoint)
{
    if (checkpoint.len != self->checkpoint_len) { /* mostly they are of one size */
        free(self->checkpoint);
        self->checkpoint = checkpoint.len > 0 ? es_alloc(checkpoint.len) : NULL;
        self->checkpoint_len = (uint32_t)checkpoint.len;
    }
    if (checkpoint.len > 0) memcpy(self->checkpoint, checkpoint.ptr, checkpoint.len);
}

void es_sender_begin_at(es_sender_t *self, uint64_t committed, es_span_t checkpoint)
{
    assert(self->next_seq == 1 && self->committed == 0);
    assert(committed < UINT64_MAX / 2 && checkpoint.len <= ES_CHECKPOINT_MAX);
    self->base = self->committed = self->received = self->told = self->sent = committed;
    self->released = self->marked = committed;
    self->next_seq = self->cursor = committed + 1;
    es_sender_set_checkpoint(self, checkpoint);
}

void es_sender_destroy(es_sender_t **self_p)
{
    es_sender_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    for (void *frame; (frame = es_ring_pop(&self->frames));) free(frame);
    es_ring_fini(&self->frames);
    free(self->checkpoint);
    free(self->service);
    free(self->language);
    free(self);
}

es_frame_t *es_sender_frame_at(const es_sender_t *self, uint64_t seq)
{
    return seq > self->released ? es_ring_at(&self->frames, seq - self->released - 1) : NULL;
}

static void arm(es_sender_t *self, uint64_t now_us)
{
    if (self->place > 0) {
        self->start_at = now_us + self->config.wait_retry_us;
        return;
    }
    if (self->rto_at == ES_NEVER && self->received < self->sent) self->rto_at = now_us + es_rto_timeout(&self->rto);
    if (self->probe_at == ES_NEVER && self->committed < self->sent) self->probe_at = now_us + self->config.probe_us;
}

static void describe_start(const es_sender_t *self, es_msg_t *msg)
{
    msg->flags |= ES_F_START | (self->config.partials ? ES_F_PARTIALS : 0);
    ES_SET(msg, ES_M_BASE, base, self->base);
    ES_SET(msg, ES_M_SERVICE, service, es_span(self->config.service));
    ES_SET(msg, ES_M_PRIORITY, priority, self->config.priority);
    if (self->checkpoint_len > 0)
        ES_SET(msg, ES_M_CHECKPOINT, checkpoint, es_span_of(self->checkpoint, self->checkpoint_len));
    if (self->deaths > 0) ES_SET(msg, ES_M_DEATHS, deaths, self->deaths);
    if (self->shared > 0) ES_SET(msg, ES_M_SHARED, shared, self->shared);
    if (self->config.language) ES_SET(msg, ES_M_LANGUAGE, language, es_span(self->config.language));
}

static void transmit(es_sender_t *self, uint64_t seq, uint64_t now_us)
{
    es_frame_t *frame = es_sender_frame_at(self, seq);
    assert(frame);
    frame->resent = seq <= self->sent;
    frame->sent_us = now_us;
    if (frame->resent)
        self->retransmits++;
    else
        self->sent = seq;
    self->started = true;
    arm(self, now_us);

    es_msg_t msg = {.kind = ES_FRAME, .epoch = self->epoch, .seq = seq};
    ES_SET(&msg, ES_M_FLAGS, flags, frame->flags);
    ES_SET(&msg, ES_M_POS, pos, frame->pos);
    ES_SET(&msg, ES_M_COMMITTED, committed, self->committed);
    if (frame->size != 0 && frame->size != frame->len) ES_SET(&msg, ES_M_SIZE, size, frame->size);
    if (seq == self->base + 1) describe_start(self, &msg);
    self->ops->transmit(self->ctx, &msg, frame->body, frame->len);
}

void es_sender_say_start(es_sender_t *self, uint64_t now_us)
{
    transmit(self, self->base + 1, now_us);
}

static bool window_open(const es_sender_t *self)
{
    if (self->held) return false;
    if (self->cursor == self->received + 1) return true; /* nothing in flight: a frame of any size may go */
    if (self->place > 0 || self->recovering) return false;
    return self->cursor - 1 - self->received < self->config.window_frames &&
           self->flight_bytes + es_sender_frame_at(self, self->cursor)->len <= self->config.window_bytes;
}

void es_sender_pump(es_sender_t *self, uint64_t now_us)
{
    while (self->cursor < self->next_seq && window_open(self)) {
        uint64_t seq = self->cursor++;
        self->flight_bytes += es_sender_frame_at(self, seq)->len;
        transmit(self, seq, now_us);
    }
}

void es_sender_probe(es_sender_t *self, uint64_t now_us)
{
    self->probes++;
    self->probe_from = now_us + es_rto_round_trip(&self->rto);
    self->probe_at = now_us + self->config.probe_us;
    transmit(self, self->committed + 1, now_us);
}

static void reset_epoch(es_sender_t *self, bool quiet)
{
    self->raises++;
    self->epoch++;
    self->base = self->received = self->told = self->sent = self->committed;
    self->cursor = self->committed + 1;
    self->flight_bytes = 0;
    self->heard_to = self->heard_end = 0;
    self->bound = false;
    self->silent = 0;
    self->recovering = quiet;
    self->yielding = self->elsewhere = self->held = false;
    self->rto_at = self->probe_at = self->start_at = ES_NEVER;
    self->rewind_from = self->probe_from = 0;
    if (!quiet) es_rto_calm(&self->rto);
}

void es_sender_begin_epoch(es_sender_t *self, bool quiet, uint64_t now_us)
{
    reset_epoch(self, quiet);
    es_sender_pump(self, now_us);
}

static void say_close(es_sender_t *self)
{
    es_msg_t msg = {.kind = ES_CLOSE, .epoch = self->epoch, .seq = self->committed};
    self->ops->transmit(self->ctx, &msg, NULL, 0);
}

void es_sender_give_back(es_sender_t *self, uint64_t now_us)
{
    bool hold = self->elsewhere;
    self->yields++;
    say_close(self);
    reset_epoch(self, false);
    self->held = hold;
    if (hold) self->start_at = now_us + ES_YIELD_ELSEWHERE_US;
    es_sender_pump(self, now_us);
}

static void start_due(es_sender_t *self, uint64_t now_us)
{
    if (!self->held) {
        es_sender_say_start(self, now_us);
        return;
    }
    self->held = false;
    self->start_at = ES_NEVER;
    es_sender_pump(self, now_us);
}

void es_sender_raise(es_sender_t *self, uint64_t now_us)
{
    if (!self->done && !self->closed) es_sender_begin_epoch(self, false, now_us);
}

static es_frame_t *frame_new(uint64_t flags, uint64_t pos, const void *body, size_t len, size_t size, uint64_t now_us)
{
    assert((flags & ~(uint64_t)(ES_F_MARK | ES_F_EOS)) == 0);
    assert(len <= ES_BODY_MAX && size <= UINT32_MAX && !((flags & ES_F_MARK) && len > 0));
    es_frame_t *frame = es_alloc(sizeof *frame + len);
    *frame = (es_frame_t){
        .pos = pos, .pushed_us = now_us, .len = (uint32_t)len, .size = (uint32_t)size, .flags = (uint8_t)flags};
    if (len > 0) memcpy(frame->body, body, len);
    return frame;
}

uint64_t es_sender_push(es_sender_t *self, uint64_t flags, uint64_t pos, const void *body, size_t len, size_t size,
                        uint64_t now_us)
{
    if (self->eos_seq > 0 || self->closed) return 0;
    if (!(flags & (ES_F_MARK | ES_F_EOS)) && es_sender_full(self)) {
        self->was_full = true;
        return 0;
    }
    es_ring_push(&self->frames, frame_new(flags, pos, body, len, size, now_us));
    self->retained_bytes += len;
    uint64_t seq = self->next_seq++;
    if (flags & ES_F_EOS) self->eos_seq = seq;
    /* Told by the next tick, not here: the caller does not know the seq yet. */
    if ((flags & ES_F_MARK) && seq == self->committed + 1) self->mark_at = now_us;
    if (es_sender_full(self)) self->was_full = true;
    es_sender_pump(self, now_us);
    return seq;
}

bool es_sender_full(const es_sender_t *self)
{
    return self->frames.count >= self->config.retain_frames || self->retained_bytes >= self->config.retain_bytes;
}

size_t es_sender_memory(const es_sender_t *self)
{
    return self->retained_bytes + self->frames.count * (sizeof(es_frame_t) + ALLOCATION);
}

size_t es_sender_backlog(const es_sender_t *self)
{
    const es_frame_t *oldest = es_ring_at(&self->frames, 0);
    return oldest ? self->retained_bytes - oldest->len : 0;
}

void es_sender_tell_marks(es_sender_t *self)
{
    self->mark_at = ES_NEVER;
    while (self->marked <= self->committed && self->marked + 1 < self->next_seq) {
        uint64_t seq = ++self->marked;
        if (es_sender_frame_at(self, seq)->flags & ES_F_MARK) self->ops->marked(self->ctx, seq);
    }
}

void es_sender_release(es_sender_t *self)
{
    while (self->released < self->committed) {
        es_frame_t *frame = es_ring_pop(&self->frames);
        self->released++;
        self->retained_bytes -= frame->len;
        free(frame);
    }
}

void es_sender_tell_writable(es_sender_t *self)
{
    if (!self->was_full || es_sender_full(self)) return;
    self->was_full = false;
    self->ops->writable(self->ctx);
}

static void rto_expired(es_sender_t *self, uint64_t now_us)
{
    es_rto_expired(&self->rto);
    if (++self->silent >= SILENT_MAX) {
        es_sender_begin_epoch(self, true, now_us);
        return;
    }
    self->cursor = self->received + 1;
    self->flight_bytes = 0;
    self->recovering = true;
    self->rto_at = now_us + es_rto_timeout(&self->rto);
    es_sender_pump(self, now_us);
}

/* With all received the retransmission timer rests, so silence is counted here: a living receiver acknowledges every probe. One that lost its state and
 * began again at a START that was probed with acknowledges too, yet will never ask for what it lost. */
static void probe_expired(es_sender_t *self, uint64_t now_us)
{
    if (self->told < self->received)
        es_sender_begin_epoch(self, false, now_us);
    else if (self->received >= self->sent && ++self->silent > SILENT_MAX)
        es_sender_begin_epoch(self, true, now_us);
    else
        es_sender_probe(self, now_us);
}

uint64_t es_sender_tick(es_sender_t *self, uint64_t now_us)
{
    if (now_us < es_sender_deadline(self)) return es_sender_deadline(self);
    if (self->mark_at <= now_us) es_sender_tell_marks(self);
    if (self->start_at <= now_us) start_due(self, now_us);
    if (self->rto_at <= now_us) rto_expired(self, now_us);
    if (self->probe_at <= now_us) probe_expired(self, now_us);
    return es_sender_deadline(self);
}

uint64_t es_sender_deadline(const es_sender_t *self)
{
    uint64_t at = self->rto_at < self->probe_at ? self->rto_at : self->probe_at;
    if (self->start_at < at) at = self->start_at;
    return self->mark_at < at ? self->mark_at : at;
}

void es_sender_each(const es_sender_t *self, void (*fn)(void *ctx, const void *body, size_t len), void *ctx)
{
    for (uint64_t seq = self->committed + 1; seq < self->next_seq; seq++) {
        const es_frame_t *frame = es_sender_frame_at(self, seq);
        fn(ctx, frame->body, frame->len);
    }
}

void es_sender_close(es_sender_t *self)
{
    if (self->closed) return;
    self->closed = true;
    self->rto_at = self->probe_at = self->start_at = self->mark_at = ES_NEVER;
    if (self->started) say_close(self); /* else nobody has heard of it */
}

void es_sender_stats(const es_sender_t *self, es_sender_stats_t *out)
{
    const es_frame_t *oldest = es_sender_frame_at(self, self->received + 1);
    *out = (es_sender_stats_t){.epoch = self->epoch,
                               .next_seq = self->next_seq,
                               .sent = self->sent,
                               .received = self->received,
                               .committed = self->committed,
                               .place = self->place,
                               .retained_frames = self->frames.count,
                               .retained_bytes = self->retained_bytes,
                               .retransmits = self->retransmits,
                               .raises = self->raises,
                               .probes = self->probes,
                               .rewinds = self->rewinds,
                               .yields = self->yields,
                               .stale = self->stale,
                               .oldest_us = oldest ? oldest->pushed_us : 0,
                               .done = self->done};
}
