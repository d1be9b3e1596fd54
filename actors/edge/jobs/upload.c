#include "upload.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "json_fields.h"
#include "json_out.h"

enum { BUSY_RETRY_S = 5, DRAIN_RETRY_S = 1 };
#define AROUND_FILE 524288u /* bytes of a form that are not its file, generously */

/* ---- answers */

static void reply(es_http_exchange_t *x, unsigned status, uint64_t retry_after, const char *location,
                  const es_frame_buf_t *json)
{
    char seconds[24];
    const char *headers[5] = {NULL};
    size_t n = 0;
    snprintf(seconds, sizeof seconds, "%llu", (unsigned long long)retry_after);
    if (retry_after) headers[n++] = "retry-after", headers[n++] = seconds;
    if (location) headers[n++] = "location", headers[n++] = location;
    es_http_reply(x, status, "application/json", headers, json->data + json->head, es_frame_buf_size(json));
}

static void refuse_now(es_http_exchange_t *x, unsigned status, uint64_t retry_after, const char *code,
                       const char *message)
{
    es_frame_buf_t json = {0};
    es_upload_count_refusal(code);
    es_json_raw(&json, "{\"error\":");
    es_json_string(&json, es_span(code));
    es_json_raw(&json, ",\"message\":");
    es_json_string(&json, es_span(message));
    es_json_raw(&json, "}\n");
    reply(x, status, retry_after, NULL, &json);
    es_frame_buf_clear(&json);
}

static void tell_queued(es_upload_t *self)
{
    char location[8 + ES_JOB_ID_LEN];
    es_frame_buf_t json = {0};
    snprintf(location, sizeof location, "/jobs/%s", self->job);
    es_json_raw(&json, "{\"message\":\"The recording is stored and waits to be transcribed.\",\"sessionId\":");
    es_json_string(&json, es_span(self->options.session));
    es_json_raw(&json, ",\"jobId\":");
    es_json_string(&json, es_span(self->job));
    es_json_raw(&json, ",\"status\":\"QUEUED\"}\n");
    reply(self->x, 202, 0, location, &json);
    es_frame_buf_clear(&json);
}

/* ---- settling: what follows from whatever has just happened */

static void pause_reading(es_upload_t *self, bool stop)
{
    if (stop == self->paused) return;
    self->paused = stop;
    if (stop) es_metric_add(&es_edge_uploads_paused, 1);
    es_http_pause(self->x, stop);
}

static void accept(es_upload_t *self, const char *job)
{
    uint64_t now = self->all->env->now_us;
    es_metric_add(&es_edge_uploads_accepted, 1);
    memcpy(self->job, job, ES_JOB_ID_LEN);
    if (!self->sync) {
        tell_queued(self);
        return;
    }
    self->wait = es_upload_sync_new(self->all->asks, self->x, self->job, now, now + self->all->config.sync_us);
    es_uploads_listen(self->all, self, true);
}

static void wait_no_more(es_upload_t *self)
{
    if (!self->wait) return;
    es_uploads_listen(self->all, self, false);
    es_upload_sync_destroy(&self->wait);
}

/* The stream's end is said before the answer: who has heard that it was refused may come again at once. */
static void answer(es_upload_t *self, const es_upload_answer_t *said)
{
    es_upload_answer_t given = *said;
    self->answered = true;
    es_upload_stream_destroy(&self->stream);
    pause_reading(self, false);
    if (given.status == 202)
        accept(self, given.job);
    else
        refuse_now(self->x, given.status, given.retry_after, given.code, given.message);
}

static void arm(es_upload_t *self)
{
    uint64_t at = self->wait     ? es_upload_sync_tick(self->wait, self->all->env->now_us)
                  : self->stream ? es_upload_stream_deadline(self->stream)
                                 : UINT64_MAX;
    es_timers_arm(&self->all->timers, &self->timer, at);
}

static void settle(es_upload_t *self)
{
    const es_upload_answer_t *said = self->refusal.status ? &self->refusal : NULL;
    if (self->stream && !said) {
        bool full = es_upload_stream_settle(self->stream, es_uploads_allowance(self->all));
        said = es_upload_stream_answer(self->stream);
        if (!said) pause_reading(self, full);
    }
    if (said && !self->answered) answer(self, said);
    arm(self);
    if (self->wait && es_upload_sync_late(self->wait)) {
        es_metric_add(&es_edge_uploads_late, 1);
        wait_no_more(self);
        tell_queued(self);
    }
}

/* ---- the body's */

static void on_file(void *ctx)
{
    (void)ctx; /* with its first byte the stream begins: an empty file troubles nobody */
}

/* A UUID, version 4. */
static void draw_job(es_upload_t *self)
{
    char hex[32];
    self->all->env->random_hex(self->all->env->ctx, hex, sizeof hex);
    hex[12] = '4';
    hex[16] = "89ab"[hex[16] % 4];
    snprintf(self->job, sizeof self->job, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

static void begin_stream(es_upload_t *self)
{
    const es_uploads_config_t *config = &self->all->config;
    es_frame_buf_t head = {0};
    es_trace_t trace;
    self->begun = true;
    draw_job(self);
    es_upload_options_head(&self->options, self->job, es_http_principal(self->x), self->announced, &head);
    self->stream = es_upload_stream_new(self->all->env, self->key, config->wait_us, config->stall_us);
    if (es_stream_trace_of(self->x, &trace)) es_upload_stream_join(self->stream, &trace);
    es_upload_stream_head(self->stream, head.data + head.head, es_frame_buf_size(&head));
    es_frame_buf_clear(&head);
}

static void on_data(void *ctx, const void *data, size_t len)
{
    es_upload_t *self = ctx;
    if (!self->begun) begin_stream(self);
    es_metric_add(&es_edge_upload_bytes, len);
    if (self->stream) es_upload_stream_write(self->stream, data, len);
}

static void on_whole(void *ctx)
{
    es_upload_t *self = ctx;
    es_frame_buf_t late = {0};
    if (!self->stream) return;
    es_upload_options_late(&self->options, &late);
    es_upload_stream_end(self->stream, late.data ? late.data + late.head : NULL, es_frame_buf_size(&late));
    es_frame_buf_clear(&late);
}

static void on_refuse(void *ctx, unsigned status, const es_refusal_t *why)
{
    es_upload_t *self = ctx;
    self->refusal.status = status;
    snprintf(self->refusal.code, sizeof self->refusal.code, "%s", why->code);
    snprintf(self->refusal.message, sizeof self->refusal.message, "%s", why->message);
}

static const es_upload_body_ops_t body_ops = {.file = on_file, .data = on_data, .whole = on_whole, .refuse = on_refuse};

/* ---- the exchange's */

static void on_body(void *handler, es_http_exchange_t *x, const void *data, size_t len)
{
    es_upload_t *self = handler;
    (void)x;
    if (self->answered) return;
    es_upload_body_feed(self->body, data, len);
    settle(self);
}

static void on_end(void *handler, es_http_exchange_t *x)
{
    es_upload_t *self = handler;
    (void)x;
    if (self->answered) return;
    es_upload_body_end(self->body);
    settle(self);
}

static void on_room(void *handler, es_http_exchange_t *x)
{
    es_upload_t *self = handler;
    (void)x;
    if (!self->wait) return;
    es_upload_sync_room(self->wait, self->all->env->now_us);
    settle(self);
}

static void on_over(void *handler, bool answered)
{
    es_upload_t *self = handler;
    if (!answered && !self->refusal.status) es_metric_add(&es_edge_uploads_gone, 1);
    wait_no_more(self);
    es_uploads_remove(self->all, self);
    es_upload_stream_destroy(&self->stream);
    es_upload_body_destroy(&self->body);
    free(self);
}

static const es_http_handler_ops_t handler_ops = {.body = on_body, .end = on_end, .room = on_room, .over = on_over};

/* ---- life */

/* All that can be seen before the body is read. 0, or -1 with *status, *retry_after and *why. */
static int check_request(es_upload_t *self, es_span_t session, unsigned *status, uint64_t *retry_after,
                         es_refusal_t *why)
{
    const es_http_exchange_t *x = self->x;
    *status = 503;
    *retry_after = DRAIN_RETRY_S;
    if (self->all->draining) return es_json_refuse(why, "draining", "This edge is going down; try again in a moment.");
    *retry_after = BUSY_RETRY_S;
    if (es_uploads_count(self->all) >= self->all->config.max_uploads)
        return es_json_refuse(why, "too_many_uploads", "There are %zu uploads under way; try again in a moment.",
                              es_uploads_count(self->all));
    if (es_uploads_sit(self->all, self, why)) return -1;
    *status = 400;
    *retry_after = 0;
    if (es_upload_options_session(&self->options, session, why) ||
        es_upload_options_query(&self->options, es_http_query(x), why) ||
        es_upload_options_key(&self->options, es_http_header(x, "idempotency-key"), why))
        return -1;
    *status = 411;
    if (!es_http_has_body(x))
        return es_json_refuse(why, "length_required",
                              "The request announces no body: send the recording with Content-Length or chunked.");
    return 0;
}

static uint64_t most_bytes(const es_upload_t *self)
{
    const es_uploads_config_t *config = &self->all->config;
    return self->sync && config->sync_max < config->max_upload ? config->sync_max : config->max_upload;
}

static uint64_t most_body(const es_upload_t *self)
{
    return most_bytes(self) + (es_upload_body_is_form(self->body) ? AROUND_FILE : 0);
}

static int check_body(es_upload_t *self, unsigned *status, es_refusal_t *why)
{
    int64_t announced = es_http_body_length(self->x);
    self->body = es_upload_body_new(es_http_header(self->x, "content-type"), &self->options, most_bytes(self),
                                    &body_ops, self, status, why);
    if (!self->body) return -1;
    self->announced = es_upload_body_is_form(self->body) ? -1 : announced;
    if (announced < 0 || (uint64_t)announced <= most_body(self)) return 0;
    *status = 413;
    es_upload_body_too_large(most_bytes(self), why);
    return -1;
}

void es_upload_begin(es_uploads_t *all, es_http_exchange_t *x, es_span_t session, bool sync)
{
    es_upload_t *self = es_alloc_zero(sizeof *self);
    unsigned status = 0;
    uint64_t retry_after = 0;
    es_refusal_t why = {0};
    self->all = all;
    self->x = x;
    self->sync = sync;
    if (check_request(self, session, &status, &retry_after, &why) || check_body(self, &status, &why)) {
        refuse_now(x, status, retry_after, why.code, why.message);
        es_uploads_leave(all, self);
        es_upload_body_destroy(&self->body);
        free(self);
        return;
    }
    es_uploads_add(all, self);
    es_http_take(x, &handler_ops, self, most_body(self) + 1); /* what is too large by little we answer ourselves */
}

void es_upload_receive(es_upload_t *self, int broker, const es_msg_t *msg, const void *body, size_t len)
{
    if (!self->stream) return;
    es_upload_stream_receive(self->stream, broker, msg, body, len);
    settle(self);
}

void es_upload_tick(es_upload_t *self)
{
    if (self->stream) es_upload_stream_tick(self->stream);
    settle(self);
}

void es_upload_rebroker(es_upload_t *self)
{
    if (!self->stream) return;
    es_upload_stream_rebroker(self->stream);
    settle(self);
}

void es_upload_news(es_upload_t *self, es_span_t key)
{
    es_span_t topic = es_span(ES_JOBS_TOPIC);
    if (!self->wait || key.len <= topic.len) return;
    if (!es_span_eq(es_span_of(key.ptr + topic.len, key.len - topic.len), es_span(self->job))) return;
    es_upload_sync_news(self->wait, self->all->env->now_us);
    settle(self);
}
