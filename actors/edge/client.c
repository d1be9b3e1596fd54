#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "edge_metrics.h"
#include "sender_link.h"

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

void es_client_close(es_client_t *self, es_ws_why_t why)
{
    if (self->closing) return;
    self->closing = true;
    es_ws_count_close(why);
    self->env->close(self->env->ctx, self, es_ws_close(why)->code, es_ws_close(why)->reason);
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

void es_client_ping(es_client_t *self)
{
    if (self->closing) return;
    es_frame_ping(&self->out);
    es_client_wake(self);
}

void es_client_cull(es_client_t *self)
{
    es_frame_buf_clear(&self->out);
    es_client_close(self, ES_WS_SLOW);
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
    return self->sender && (self->stopping || es_client_stream_full(self));
}

/* A client that does not read what it asked for is not asked to say more; only what the house says can fill its queue to the end. */
bool es_client_deaf(const es_client_t *self)
{
    return es_frame_buf_size(&self->out) > self->env->limits.max_queue / 4;
}

static void throttle(es_client_t *self)
{
    bool full = self->sender && !self->stopping && es_client_stream_full(self);
    bool stop = self->parked || es_client_token_waits(self) || full || es_client_deaf(self) ||
                es_pace_held(&self->pace, self->env->now_us);
    if (stop == self->throttled) return;
    self->throttled = stop;
    if (stop) es_metric_add(&es_edge_throttled, 1);
    if (stop && full && !es_sender_full(self->sender)) es_metric_add(&es_edge_streams_paused, 1);
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

/* When something is to be done for it by the clock. */
static void set_timer(es_client_t *self)
{
    bool held = es_pace_held(&self->pace, self->env->now_us);
    uint64_t at = self->sender ? es_sender_deadline(self->sender) : UINT64_MAX;
    if (held && self->pace.until_us < at) at = self->pace.until_us;
    if (at == UINT64_MAX)
        es_timers_disarm(&self->env->timers, &self->timer);
    else
        es_timers_arm(&self->env->timers, &self->timer, at);
}

static void count_memory(es_client_t *self)
{
    size_t frames = self->sender ? es_sender_memory(self->sender) : 0, parked = self->parked ? self->parked_len : 0;
    es_stream_memory_count(&self->env->memory, &self->held, frames + parked + self->in_cap);
}

void es_client_settle(es_client_t *self)
{
    if (self->done) {
        es_client_stream_drop(self);
        self->dialect->done(self);
    }
    /* A parked chunk is not acknowledged yet, and gets no new stream: whoever goes on speaking would never be done. */
    if (self->draining && !self->sender && !self->moving) es_client_close(self, ES_WS_AWAY);
    if (self->draining && self->sender && !self->moving) es_client_stream_end(self);
    if (self->parked && !self->closing && !blocked(self)) unpark(self);
    count_memory(self);
    throttle(self);
    set_timer(self);
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
    if (guest && guest->traced) es_stream_trace_join(&self->trace, &guest->trace);
    es_client_enter(self, guest, query);
    return self;
}

void es_client_destroy(es_client_t **self_p)
{
    es_client_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    es_client_stream_drop(self);
    es_stream_memory_count(&self->env->memory, &self->held, 0);
    es_timers_disarm(&self->env->timers, &self->timer);
    if (self->dialect->fini) self->dialect->fini(self);
    es_client_leave(self);
    es_stream_trace_destroy(&self->trace);
    es_frame_buf_clear(&self->out);
    free(self->parked);
    free(self->in);
    free(self);
}

void es_client_receive(es_client_t *self, int broker, const es_msg_t *msg, const void *body, size_t len)
{
    if (!self->sender) return;
    es_sender_link_deliver(self->sender, broker == self->broker, msg, body, len, self->env->now_us);
    es_client_settle(self);
}

void es_client_answer(es_client_t *self, const es_msg_t *msg, const void *body, size_t len)
{
    if (!self->dialect->answer) return;
    self->dialect->answer(self, msg, body, len);
    es_client_settle(self);
}

void es_client_tick(es_client_t *self)
{
    if (self->sender) es_sender_tick(self->sender, self->env->now_us);
    es_client_settle(self);
}

void es_client_rebroker(es_client_t *self)
{
    if (!self->sender) return;
    if (es_client_env_rebroker(self->env, es_span_of(self->id, ES_CLIENT_ID_LEN), self->sender, &self->broker))
        es_client_settle(self);
}

void es_client_drain(es_client_t *self)
{
    self->draining = true;
    self->moving = self->dialect->move && self->dialect->move(self);
    es_client_settle(self);
}

/* What is not committed yet the client has kept, or it has a stream that began since. */
void es_client_part(es_client_t *self)
{
    if (self->moving) es_client_close(self, ES_WS_AWAY);
}
