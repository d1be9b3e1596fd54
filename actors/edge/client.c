#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "edge_metrics.h"

enum { AHEAD = 65536 }; /* bytes of a frame for which room is made before they come */

void es_client_env_fini(es_client_env_t *env)
{
    for (int i = 0; i < 2; i++) free(env->scratch[i]);
    es_decoder_destroy(&env->decoder);
    es_timers_fini(&env->timers);
}

/* Its worker need not keep what nobody will ask for, where the old broker still forwards. */
bool es_client_env_rebroker(es_client_env_t *env, es_span_t key, es_sender_t *sender, int *broker)
{
    int now = env->broker(env->ctx, key);
    if (now == *broker) return false;
    es_sender_stats_t stats;
    es_sender_stats(sender, &stats);
    env->send(env->ctx, *broker, key, &(es_msg_t){.kind = ES_CLOSE, .epoch = stats.epoch}, NULL, 0);
    *broker = now;
    es_sender_raise(sender, env->now_us);
    return true;
}

/* ---- out */

size_t es_client_say(es_client_t *self)
{
    return es_frame_begin(&self->out);
}

void es_client_hang_up(es_client_t *self, unsigned code, const char *reason)
{
    if (self->closing) return;
    self->closing = true;
    self->env->close(self->env->ctx, self, code, reason);
}

void es_client_said(es_client_t *self, size_t place)
{
    if (self->closing) { /* what came before may be gone: nothing is better than words with a hole */
        es_frame_cancel(&self->out, place);
        return;
    }
    es_frame_end(&self->out, place);
    if (es_frame_buf_size(&self->out) > self->env->limits.max_queue) es_client_cull(self);
    es_client_wake(self);
}

void es_client_wake(es_client_t *self)
{
    if (self->flushing) return;
    self->flushing = true;
    self->env->flush(self->env->ctx, self);
}

void es_client_push(es_client_t *self)
{
    if (self->flushing) return;
    self->flushing = true;
    (self->env->push ? self->env->push : self->env->flush)(self->env->ctx, self);
}

void es_client_cull(es_client_t *self)
{
    es_metric_add(&es_edge_culled, 1);
    es_frame_buf_clear(&self->out);
    es_client_hang_up(self, ES_CLOSE_SLOW, "you read too slowly");
}

size_t es_client_next(es_client_t *self, size_t max, const uint8_t **out)
{
    uint8_t *own;
    size_t n = es_frame_buf_peek(&self->out, max, &own);
    if (n) *out = own;
    if (!n && !self->closing && self->dialect->pending) n = self->dialect->pending(self, out);
    if (!n) self->flushing = false; /* also of one that is culled, which its rooms still wake */
    return n;
}

/* ---- settling: what follows from whatever has just happened */

static void unpark(es_client_t *self)
{
    uint8_t *data = self->parked;
    size_t len = self->parked_len;
    self->parked = NULL;
    self->dialect->chunk(self, data, len); /* may park it again */
    free(data);
}

static bool blocked(const es_client_t *self)
{
    return self->sender && (self->stopping || es_sender_full(self->sender));
}

/* A client that does not read what it asked for is not asked to say more; only what the house says can fill its queue to the end. */
bool es_client_deaf(const es_client_t *self)
{
    return es_frame_buf_size(&self->out) > self->env->limits.max_queue / 4;
}

static void throttle(es_client_t *self)
{
    bool full = self->sender && !self->stopping && es_sender_full(self->sender);
    bool stop = self->parked || full || es_client_deaf(self);
    if (stop == self->throttled) return;
    self->throttled = stop;
    if (stop) es_metric_add(&es_edge_throttled, 1);
    self->env->throttle(self->env->ctx, self, stop);
}

void es_client_written(es_client_t *self, size_t n)
{
    const uint8_t *more;
    bool own = es_frame_buf_size(&self->out) != 0;
    if (own) es_frame_buf_consume(&self->out, n);
    if (self->dialect->written) self->dialect->written(self, own ? 0 : n);
    self->flushing = es_client_next(self, 1, &more) != 0;
    if (self->throttled) throttle(self);
}

static void settle(es_client_t *self)
{
    if (self->done) {
        es_client_stream_drop(self);
        self->dialect->done(self);
    }
    /* A parked chunk is not acknowledged yet, and gets no new stream: whoever goes on speaking would never be done. */
    if (self->draining && !self->sender && !self->moving)
        es_client_hang_up(self, ES_CLOSE_AWAY, "the server is going down");
    if (self->draining && self->sender && !self->moving) es_client_stream_end(self);
    if (self->parked && !self->closing && !blocked(self)) unpark(self);
    throttle(self);
    if (self->sender)
        es_timers_arm(&self->env->timers, &self->timer, es_sender_deadline(self->sender));
    else
        es_timers_disarm(&self->env->timers, &self->timer);
}

/* ---- life */

es_client_t *es_client_new(es_client_env_t *env, const char *id, const es_dialect_t *dialect, const char *query,
                           es_guest_t *guest, void *transport)
{
    es_client_t *self = es_alloc_zero(sizeof *self);
    memcpy(self->id, id, ES_CLIENT_ID_LEN);
    self->env = env;
    self->dialect = dialect;
    self->transport = transport;
    es_metric_add(&es_edge_connections, 1);
    es_client_enter(self, guest, query);
    return self;
}

void es_client_destroy(es_client_t **self_p)
{
    es_client_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    es_client_stream_drop(self);
    es_timers_disarm(&self->env->timers, &self->timer);
    if (self->dialect->fini) self->dialect->fini(self);
    es_client_leave(self);
    es_frame_buf_clear(&self->out);
    free(self->parked);
    free(self->in);
    free(self);
}

void es_client_receive(es_client_t *self, const es_msg_t *msg, const void *body, size_t len)
{
    if (!self->sender) return;
    es_sender_receive(self->sender, msg, body, len, self->env->now_us);
    settle(self);
}

void es_client_answer(es_client_t *self, const es_msg_t *msg, const void *body, size_t len)
{
    if (!self->dialect->answer) return;
    self->dialect->answer(self, msg, body, len);
    settle(self);
}

void es_client_tick(es_client_t *self)
{
    if (self->sender) es_sender_tick(self->sender, self->env->now_us);
    settle(self);
}

void es_client_rebroker(es_client_t *self)
{
    if (!self->sender) return;
    if (es_client_env_rebroker(self->env, es_span_of(self->id, ES_CLIENT_ID_LEN), self->sender, &self->broker))
        settle(self);
}

void es_client_drain(es_client_t *self)
{
    self->draining = true;
    self->moving = self->dialect->move && self->dialect->move(self);
    settle(self);
}

/* What is not committed yet the client has kept, or it has a stream that began since. */
void es_client_part(es_client_t *self)
{
    if (self->moving) es_client_hang_up(self, ES_CLOSE_AWAY, "the server is going down");
}

/* ---- in */

void es_client_park(es_client_t *self, const void *data, size_t len)
{
    if (self->parked) { /* the socket was read on although throttled */
        es_refusal_t why = {.code = "overrun", .message = "Too much audio at once; this chunk was not taken."};
        es_metric_add(&es_edge_overruns, 1);
        self->dialect->refuse(self, &why);
        return;
    }
    self->parked = es_alloc(len);
    memcpy(self->parked, data, len);
    self->parked_len = len;
}

/* Bytes of a chunk that can become one frame. */
static size_t chunk_limit(const es_client_t *self)
{
    uint64_t limit = self->env->limits.max_chunk;
    if (self->rate && self->rate < ES_RATE) {
        uint64_t fits = (ES_BODY_MAX - es_resampler_bound(self->rate, 0)) / 2 * self->rate / ES_RATE * 2;
        if (fits < limit) limit = fits;
    }
    return (size_t)limit;
}

static void chunk(es_client_t *self, const void *data, size_t len)
{
    es_refusal_t why = {0};
    size_t limit = chunk_limit(self);
    if (!len) {
        why.code = "empty_chunk";
        snprintf(why.message, sizeof why.message, "The chunk is empty; send PCM16 samples, two bytes each.");
    } else if (len > limit) {
        why.code = "chunk_too_large";
        snprintf(why.message, sizeof why.message, "The chunk has %zu bytes; at most %zu are taken: send smaller ones.",
                 len, limit);
    } else if (len % 2) {
        why.code = "odd_chunk";
        snprintf(why.message, sizeof why.message,
                 "The chunk has an odd length (%zu bytes); PCM16 samples have two bytes each.", len);
    }
    if (why.code)
        self->dialect->refuse(self, &why);
    else
        self->dialect->chunk(self, data, len);
}

static unsigned message(es_client_t *self, const void *data, size_t len, bool binary)
{
    if (self->closing) return 0;
    if (!binary && !es_utf8_valid(data, len)) {
        es_metric_add(&es_edge_not_utf8, 1);
        return ES_CLOSE_NOT_UTF8;
    }
    if (binary && !es_client_known(self))
        es_client_want_credentials(self, "");
    else if (binary)
        chunk(self, data, len);
    else
        self->dialect->text(self, data, len);
    settle(self);
    return 0;
}

static void keep(es_client_t *self, const void *data, size_t len, size_t left)
{
    if (self->in_cap - self->in_len < len) {
        /* Doubled, or a message in tiny fragments would be copied for each; nothing much for what is only announced. */
        size_t cap = self->in_len + len + (left < AHEAD ? left : AHEAD);
        if (cap < 2 * self->in_cap) cap = 2 * self->in_cap;
        uint8_t *in = es_alloc(cap);
        if (self->in_len) memcpy(in, self->in, self->in_len);
        free(self->in);
        self->in = in;
        self->in_cap = cap;
    }
    if (len) memcpy(self->in + self->in_len, data, len);
    self->in_len += len;
}

unsigned es_client_piece(es_client_t *self, const void *data, size_t len, size_t left, bool last, bool binary)
{
    uint64_t limit = self->env->limits.max_message;
    if (!es_client_known(self) && limit > ES_STRANGER_MESSAGE) limit = ES_STRANGER_MESSAGE;
    if (self->in_len + len + left > limit) {
        es_metric_add(&es_edge_too_big, 1);
        return ES_CLOSE_TOO_BIG;
    }
    bool whole = last && !left;
    if (whole && !self->in) return message(self, data, len, binary);
    keep(self, data, len, left);
    if (!whole) return 0;
    uint8_t *in = self->in;
    size_t in_len = self->in_len;
    self->in = NULL;
    self->in_len = self->in_cap = 0;
    unsigned code = message(self, in, in_len, binary);
    free(in);
    return code;
}
