/* A run's present stream: to a transcriber first, to an analysis actor then. */
#include <stdio.h>
#include <string.h>

#include "job_run_state.h"
#include "sender_link.h"

#define NOTE_US UINT64_C(1000000) /* what passes within it is not noted */

static void on_transmit(void *ctx, const es_msg_t *msg, const void *body, size_t len)
{
    es_job_run_t *self = ctx;
    self->past.frames += msg->kind == ES_FRAME;
    self->past.bytes += len;
    self->ops->send(self->ctx, es_span_of(self->key, ES_CLIENT_ID_LEN), msg, body, len);
}

static void on_deliver(void *ctx, const es_msg_t *final, const void *words, size_t len)
{
    es_job_run_t *self = ctx;
    if (self->phase == ES_RUN_TRANSCRIBING) es_run_take_words(self, final, es_span_of(words, len));
    if (self->phase == ES_RUN_ANALYZING) es_run_take_analysis(self, final, es_span_of(words, len));
}

static void on_done(void *ctx)
{
    es_job_run_t *self = ctx;
    if (self->phase == ES_RUN_ANALYZING) es_run_analysis_done(self);
    if (self->phase != ES_RUN_TRANSCRIBING) return;
    es_run_leave_work(self);
    es_run_write(self, es_job_write_new(ES_WRITE_TRANSCRIBED, 0, NULL));
    es_run_phase(self, ES_RUN_STORING);
    if (self->config.house->no_analysis) es_run_begin_analysis(self);
}

static void on_refused(void *ctx, es_span_t reason)
{
    es_job_run_t *self = ctx;
    char why[ES_JOB_ERROR_MAX];
    const char *what = self->phase == ES_RUN_ANALYZING ? "Its transcript ends the analysis actors that get it"
                                                       : "Its audio ends the transcribers that get it";
    snprintf(why, sizeof why, "%s: %.*s", what, (int)reason.len, reason.len ? reason.ptr : "");
    if (self->phase == ES_RUN_ANALYZING)
        es_run_complete_without(self, "analysis_quarantined", why);
    else
        es_run_fail(self, why);
}

static void on_waiting(void *ctx, uint64_t place)
{
    es_job_run_t *self = ctx;
    self->place = place;
    if (self->note_at == UINT64_MAX) self->note_at = self->now.us + NOTE_US;
    es_run_moved_on(self);
}

/* Marks are never set, and settling looks at es_sender_full itself. */
static void on_marked(void *ctx, uint64_t seq)
{
    (void)ctx;
    (void)seq;
}

static void on_writable(void *ctx)
{
    (void)ctx;
}

static const es_sender_ops_t sender_ops = {.transmit = on_transmit,
                                           .deliver = on_deliver,
                                           .marked = on_marked,
                                           .done = on_done,
                                           .writable = on_writable,
                                           .refused = on_refused,
                                           .waiting = on_waiting};

void es_run_open_stream(es_job_run_t *self, const es_sender_config_t *config)
{
    self->ops->draw_key(self->ctx, self->key);
    self->sender = es_sender_new(config, &sender_ops, self, 0);
    self->received = self->committed = 0;
    es_run_moved_on(self);
}

static void look_at_stream(es_job_run_t *self)
{
    es_sender_stats_t stats;
    if (!self->sender) return;
    es_sender_stats(self->sender, &stats);
    if (stats.received != self->received || stats.committed != self->committed) es_run_moved_on(self);
    self->received = stats.received;
    self->committed = stats.committed;
}

void es_run_close_stream(es_job_run_t *self)
{
    es_job_run_stats(self, &self->past);
    es_sender_close(self->sender);
    es_sender_destroy(&self->sender);
    self->key[0] = '\0';
    self->place = 0;
    self->stream_over = false;
}

void es_job_run_receive(es_job_run_t *self, bool own, const es_msg_t *msg, const void *body, size_t len,
                        es_job_now_t now)
{
    self->now = now;
    if (!self->sender || self->phase >= ES_RUN_ENDING) return;
    es_sender_link_deliver(self->sender, own, msg, body, len, now.us);
    look_at_stream(self);
    es_run_settle(self);
}

void es_job_run_moved(es_job_run_t *self, es_job_now_t now)
{
    self->now = now;
    if (self->sender) es_sender_raise(self->sender, now.us);
    es_run_settle(self);
}

uint64_t es_job_run_epoch(const es_job_run_t *self)
{
    es_sender_stats_t stats = {0};
    if (self->sender) es_sender_stats(self->sender, &stats);
    return stats.epoch;
}

bool es_job_run_heard_out(const es_job_run_t *self)
{
    return self->phase == ES_RUN_READING || self->phase == ES_RUN_ANALYZING;
}

void es_job_run_stats(const es_job_run_t *self, es_job_run_stats_t *out)
{
    *out = self->past;
    out->oldest_us = 0;
    if (!self->sender) return;
    es_sender_stats_t stats;
    es_sender_stats(self->sender, &stats);
    out->retransmits += stats.retransmits;
    out->yields += stats.yields;
    out->oldest_us = stats.oldest_us;
}
