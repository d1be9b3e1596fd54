/* A client's stream: the sender, the resampler before it, and the clock in samples. */
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "client.h"
#include "edge_metrics.h"
#include "stream_letter.h"

static void on_transmit(void *ctx, const es_msg_t *msg, const void *body, size_t len)
{
    es_client_t *self = ctx;
    char room[ES_TRACE_LEN];
    es_msg_t traced;
    if (self->trace && (msg->flags & ES_F_START)) {
        traced = *msg;
        es_stream_trace_stamp(self->trace, &traced, room);
        msg = &traced;
    }
    self->env->send(self->env->ctx, self->broker, es_span_of(self->id, ES_CLIENT_ID_LEN), msg, body, len);
}

static void on_deliver(void *ctx, const es_msg_t *final, const void *words, size_t len)
{
    es_client_t *self = ctx;
    es_metric_add(&es_edge_finals, 1);
    self->dialect->final(self, final, words, len);
}

static void on_partial(void *ctx, const es_msg_t *partial)
{
    es_client_t *self = ctx;
    es_metric_add(&es_edge_partials, 1);
    self->dialect->partial(self, partial);
}

static void on_marked(void *ctx, uint64_t seq)
{
    es_client_t *self = ctx;
    self->dialect->marked(self, seq);
}

/* A sender must not be destroyed from within: settling does it. */
static void on_done(void *ctx)
{
    es_client_t *self = ctx;
    self->done = true;
}

/* Settling looks itself. */
static void on_writable(void *ctx)
{
    (void)ctx;
}

static void on_waiting(void *ctx, uint64_t place)
{
    es_client_t *self = ctx;
    self->dialect->waiting(self, place);
}

static void on_refused(void *ctx, es_span_t reason)
{
    es_client_t *self = ctx;
    es_refusal_t why = {.code = "stream_quarantined"};
    es_stream_letter(self->env->dead, self->id, self->sender, reason);
    snprintf(why.message, sizeof why.message,
             "This stream is not transcribed any further: %.*s. What was not final is not transcribed.",
             (int)(reason.len < 200 ? reason.len : 200), reason.len ? reason.ptr : "");
    self->dialect->refuse(self, &why);
    self->done = true;
}

static const es_sender_ops_t sender_ops = {.transmit = on_transmit,
                                           .deliver = on_deliver,
                                           .partial = on_partial,
                                           .marked = on_marked,
                                           .done = on_done,
                                           .refused = on_refused,
                                           .writable = on_writable,
                                           .waiting = on_waiting};

void es_client_stream_begin(es_client_t *self, const es_client_start_t *start)
{
    es_sender_config_t config = es_sender_defaults();
    config.language = start->language && *start->language ? start->language : NULL;
    config.partials = start->partials;
    self->broker = self->env->broker(self->env->ctx, es_span_of(self->id, ES_CLIENT_ID_LEN));
    es_stream_trace_begin(&self->trace, "stream", self->id);
    self->sender = es_sender_new(&config, &sender_ops, self, self->epoch);
    if (start->committed) es_sender_begin_at(self->sender, start->committed, start->checkpoint);
    self->resampler = es_resampler_new(start->rate);
    self->rate = start->rate;
    self->pos = start->pos;
    self->stopping = self->done = false;
    self->env->memory.streams++;
    es_metric_set(&es_edge_streams, es_metric_get(&es_edge_streams) + 1);
}

void es_client_stream_drop(es_client_t *self)
{
    if (!self->sender) return;
    es_sender_stats_t stats;
    es_sender_stats(self->sender, &stats);
    self->epoch = stats.epoch;
    es_stream_trace_end(self->trace, &stats);
    es_sender_close(self->sender);
    es_sender_destroy(&self->sender);
    es_resampler_destroy(&self->resampler);
    self->rate = 0;
    self->stopping = self->done = false;
    self->env->memory.streams--;
    es_metric_set(&es_edge_streams, es_metric_get(&es_edge_streams) - 1);
}

bool es_client_stream_full(const es_client_t *self)
{
    return es_sender_full(self->sender) || es_stream_memory_spent(&self->env->memory, es_sender_backlog(self->sender));
}

static int16_t *scratch(es_client_env_t *env, int which, size_t bytes)
{
    if (env->scratch_size[which] < bytes) {
        free(env->scratch[which]);
        env->scratch[which] = es_alloc(bytes);
        env->scratch_size[which] = bytes;
    }
    return env->scratch[which];
}

uint64_t es_client_stream_push(es_client_t *self, const void *data, size_t len)
{
    if (self->stopping || es_client_stream_full(self)) {
        es_client_park(self, data, len);
        return 0;
    }
    size_t out_len = len;
    const void *out = data;
    if (self->resampler) {
        int16_t *in = scratch(self->env, 0, len), *to = scratch(self->env, 1, es_resampler_bound(self->rate, len));
        memcpy(in, data, len); /* the client's bytes need not be aligned */
        out_len = es_resampler_run(self->resampler, in, len / 2, to) * 2;
        out = to;
    }
    es_metric_add(&es_edge_frames, 1);
    es_metric_add(&es_edge_bytes, len);
    uint64_t seq = es_sender_push(self->sender, 0, self->pos, out, out_len, len, self->env->now_us);
    self->pos += out_len / 2;
    return seq;
}

uint64_t es_client_stream_mark(es_client_t *self)
{
    return es_sender_push(self->sender, ES_F_MARK, self->pos, NULL, 0, 0, self->env->now_us);
}

void es_client_stream_end(es_client_t *self)
{
    if (self->stopping) return;
    int16_t tail[ES_RESAMPLER_TAIL];
    size_t samples = self->resampler ? es_resampler_flush(self->resampler, tail) : 0;
    self->stopping = true;
    es_sender_push(self->sender, ES_F_EOS, self->pos, tail, samples * 2, 0, self->env->now_us);
    self->pos += samples;
}
