#include "upload_stream.h"

#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "edge_metrics.h"
#include "sender_link.h"

enum { SECOND = 1000000, RETRY_S = 5, RETRY_QUARANTINE_S = 60 };

struct es_upload_stream {
    es_client_env_t *env;
    char key[ES_CLIENT_ID_LEN + 1];
    int broker;
    es_sender_t *sender; /* NULL: before the head */
    uint64_t wait_us, stall_us;
    uint8_t *held; /* less than a frame, or what the sender had no room for */
    size_t held_len, held_cap;
    uint64_t pos, eos_seq; /* eos_seq 0: not sent */
    bool ending, full, heard, answered;
    char *late;
    size_t late_len;
    uint64_t begun_us, moved_us, best; /* when the actor last got on; how far that was */
    es_upload_answer_t answer;
    es_stream_trace_t *trace; /* NULL: none */
};

es_upload_stream_t *es_upload_stream_new(es_client_env_t *env, const char *key, uint64_t wait_us, uint64_t stall_us)
{
    es_upload_stream_t *self = es_alloc_zero(sizeof *self);
    self->env = env;
    memcpy(self->key, key, ES_CLIENT_ID_LEN);
    self->wait_us = wait_us;
    self->stall_us = stall_us;
    return self;
}

void es_upload_stream_destroy(es_upload_stream_t **self_p)
{
    es_upload_stream_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    if (self->sender) {
        es_sender_stats_t stats;
        es_sender_stats(self->sender, &stats);
        es_stream_trace_end(self->trace, &stats);
        es_sender_close(self->sender);
        es_sender_destroy(&self->sender);
        es_metric_set(&es_edge_streams, es_metric_get(&es_edge_streams) - 1);
    }
    es_stream_trace_destroy(&self->trace);
    free(self->held);
    free(self->late);
    free(self);
}

/* ---- answers */

__attribute__((format(printf, 5, 6))) static void
refuse(es_upload_stream_t *self, unsigned status, uint64_t retry_after, const char *code, const char *format, ...)
{
    if (self->answered) return;
    self->answered = true;
    self->answer = (es_upload_answer_t){.status = status, .retry_after = retry_after};
    snprintf(self->answer.code, sizeof self->answer.code, "%s", code);
    va_list args;
    va_start(args, format);
    vsnprintf(self->answer.message, sizeof self->answer.message, format, args);
    va_end(args);
}

static void nonsense(es_upload_stream_t *self)
{
    refuse(self, 502, 0, "bad_answer", "What the jobs actor answered is not understood; see its log and ours.");
}

/* {"status":507,"retry_after":60,"code":"spool_full","message":"..."} */
static void take_failure(es_upload_stream_t *self, const json_t *said)
{
    json_int_t status = json_integer_value(json_object_get(said, "status"));
    json_int_t retry_after = json_integer_value(json_object_get(said, "retry_after"));
    const char *code = json_string_value(json_object_get(said, "code"));
    const char *message = json_string_value(json_object_get(said, "message"));
    if (status < 400 || status > 599 || retry_after < 0 || !code || !message)
        nonsense(self);
    else
        refuse(self, (unsigned)status, (uint64_t)retry_after, code, "%s", message);
}

/* {"job":"..."} */
static void take_job(es_upload_stream_t *self, const json_t *said)
{
    const char *job = json_string_value(json_object_get(said, "job"));
    if (!job || strlen(job) != ES_JOB_ID_LEN) {
        nonsense(self);
        return;
    }
    if (self->answered) return;
    self->answered = true;
    self->answer = (es_upload_answer_t){.status = 202};
    memcpy(self->answer.job, job, ES_JOB_ID_LEN);
}

/* ---- the sender's */

static void on_transmit(void *ctx, const es_msg_t *msg, const void *body, size_t len)
{
    es_upload_stream_t *self = ctx;
    char room[ES_TRACE_LEN];
    es_msg_t traced = *msg;
    es_stream_trace_stamp(self->trace, &traced, room);
    self->env->send(self->env->ctx, self->broker, es_span_of(self->key, ES_CLIENT_ID_LEN), &traced, body, len);
}

static void on_deliver(void *ctx, const es_msg_t *final, const void *words, size_t len)
{
    es_upload_stream_t *self = ctx;
    bool failed = final->flags & ES_F_FAILED;
    (void)words;
    (void)len;
    if (!failed && (!self->eos_seq || final->to_seq < self->eos_seq)) return;
    json_t *said = json_loadb(final->text.ptr ? final->text.ptr : "", final->text.len, 0, NULL);
    if (failed)
        take_failure(self, said);
    else
        take_job(self, said);
    json_decref(said);
}

static void on_refused(void *ctx, es_span_t reason)
{
    es_upload_stream_t *self = ctx;
    refuse(self, 503, RETRY_QUARANTINE_S, "upload_quarantined", "This upload is not taken any further: %.*s.",
           (int)(reason.len < 200 ? reason.len : 200), reason.len ? reason.ptr : "");
}

static void on_nothing(void *ctx)
{
    (void)ctx;
}

static const es_sender_ops_t sender_ops = {
    .transmit = on_transmit, .deliver = on_deliver, .done = on_nothing, .writable = on_nothing, .refused = on_refused};

/* ---- what goes out */

void es_upload_stream_join(es_upload_stream_t *self, const es_trace_t *trace)
{
    es_stream_trace_join(&self->trace, trace);
}

void es_upload_stream_head(es_upload_stream_t *self, const void *json, size_t len)
{
    assert(!self->sender && len <= ES_UPLOAD_PIECE);
    es_sender_config_t config = es_sender_defaults();
    config.service = ES_UPLOAD_SERVICE;
    config.window_bytes = ES_UPLOAD_COMMIT;
    self->broker = self->env->broker(self->env->ctx, es_span_of(self->key, ES_CLIENT_ID_LEN));
    es_stream_trace_begin(&self->trace, "upload", self->key);
    self->sender = es_sender_new(&config, &sender_ops, self, 0);
    self->begun_us = self->moved_us = self->env->now_us;
    es_metric_set(&es_edge_streams, es_metric_get(&es_edge_streams) + 1);
    es_sender_push(self->sender, 0, 0, json, len, 0, self->env->now_us);
}

void es_upload_stream_write(es_upload_stream_t *self, const void *data, size_t len)
{
    assert(self->sender && !self->ending);
    if (self->held_cap - self->held_len < len) {
        size_t cap = self->held_len + len;
        if (cap < (size_t)2 * ES_UPLOAD_PIECE) cap = (size_t)2 * ES_UPLOAD_PIECE;
        uint8_t *held = es_alloc(cap);
        if (self->held_len) memcpy(held, self->held, self->held_len);
        free(self->held);
        self->held = held;
        self->held_cap = cap;
    }
    memcpy(self->held + self->held_len, data, len);
    self->held_len += len;
}

void es_upload_stream_end(es_upload_stream_t *self, const void *late, size_t len)
{
    assert(self->sender && !self->ending);
    self->ending = true;
    if (len) self->late = es_alloc_copy(late, len);
    self->late_len = len;
}

static void pump(es_upload_stream_t *self)
{
    size_t at = 0;
    uint64_t now = self->env->now_us;
    while (self->held_len - at >= ES_UPLOAD_PIECE || (self->ending && at < self->held_len)) {
        size_t n = self->held_len - at < ES_UPLOAD_PIECE ? self->held_len - at : ES_UPLOAD_PIECE;
        if (!es_sender_push(self->sender, 0, self->pos, self->held + at, n, 0, now)) break;
        at += n;
        self->pos += n;
    }
    if (at) memmove(self->held, self->held + at, self->held_len - at);
    self->held_len -= at;
    if (self->ending && !self->held_len && !self->eos_seq)
        self->eos_seq = es_sender_push(self->sender, ES_F_EOS, self->pos, self->late, self->late_len, 0, now);
}

/* The clock of `stall` runs only while it is the actor's turn: a slow client may take all the time that it is given elsewhere. */
static void watch_progress(es_upload_stream_t *self, const es_sender_stats_t *stats)
{
    bool owes = self->full || self->eos_seq || stats->received + 1 < stats->next_seq;
    uint64_t far = stats->received + stats->committed;
    if (stats->received) self->heard = true;
    if (owes && far <= self->best) return;
    if (far > self->best) self->best = far;
    self->moved_us = self->env->now_us;
}

bool es_upload_stream_settle(es_upload_stream_t *self, size_t allowance)
{
    es_sender_stats_t stats;
    if (!self->sender || self->answered) return false;
    pump(self);
    es_sender_stats(self->sender, &stats);
    self->full = stats.retained_bytes >= allowance || self->held_len >= ES_UPLOAD_PIECE;
    watch_progress(self, &stats);
    return self->full;
}

/* ---- what comes in */

void es_upload_stream_receive(es_upload_stream_t *self, int broker, const es_msg_t *msg, const void *body, size_t len)
{
    if (!self->sender) return;
    es_sender_link_deliver(self->sender, broker == self->broker, msg, body, len, self->env->now_us);
}

static uint64_t patience(const es_upload_stream_t *self)
{
    return self->heard ? self->moved_us + self->stall_us : self->begun_us + self->wait_us;
}

void es_upload_stream_tick(es_upload_stream_t *self)
{
    es_sender_stats_t stats;
    if (!self->sender || self->answered) return;
    es_sender_tick(self->sender, self->env->now_us);
    es_sender_stats(self->sender, &stats);
    watch_progress(self, &stats);
    if (self->env->now_us < patience(self)) return;
    if (self->heard)
        refuse(self, 503, RETRY_S, "upload_stalled",
               "The jobs actor has stored nothing of the file for %" PRIu64 " s; try again in a moment.",
               self->stall_us / SECOND);
    else
        refuse(self, 503, RETRY_S, "uploads_unavailable",
               "No jobs actor has taken the file for %" PRIu64
               " ms: none runs, or all have as many uploads as they take at once.",
               self->wait_us / 1000);
}

void es_upload_stream_rebroker(es_upload_stream_t *self)
{
    if (self->sender)
        es_client_env_rebroker(self->env, es_span_of(self->key, ES_CLIENT_ID_LEN), self->sender, &self->broker);
}

uint64_t es_upload_stream_deadline(const es_upload_stream_t *self)
{
    if (!self->sender || self->answered) return UINT64_MAX;
    uint64_t at = es_sender_deadline(self->sender), until = patience(self);
    return at < until ? at : until;
}

const es_upload_answer_t *es_upload_stream_answer(const es_upload_stream_t *self)
{
    return self->answered ? &self->answer : NULL;
}
