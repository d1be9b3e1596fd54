/* The recording as it was uploaded, or a part of it: first the job, which tells its size and name, then its bytes, asked for piece by piece as the client has room. */
#include <stdio.h>
#include <string.h>

#include "audio_headers.h"
#include "jobs_exchange.h"

typedef struct {
    es_jobs_exchange_t exchange; /* first */
    uint64_t size, from, left;   /* bytes of the file; the next one wanted, and how many */
    bool part;
    char name[ES_DISPOSITION_MAX], type[96];
} audio_t;

static void on_piece(void *ctx, const es_told_t *told, uint64_t now_us);

static void ask(audio_t *self)
{
    uint64_t length = self->left < ES_JOB_AUDIO_MAX ? self->left : ES_JOB_AUDIO_MAX;
    json_t *question = es_jobs_exchange_question(&self->exchange);
    json_object_set_new(question, "cursor", json_integer((json_int_t)self->from));
    json_object_set_new(question, "length", json_integer((json_int_t)length));
    es_jobs_exchange_ask(&self->exchange, "audio", question, on_piece);
}

static void tag(const audio_t *self, char out[ES_JOB_ID_LEN + 3])
{
    snprintf(out, ES_JOB_ID_LEN + 3, "\"%s\"", self->exchange.id);
}

/* The type is what somebody said with the upload: none that a browser would run, and it is kept as a file anyway. */
static void begin(audio_t *self)
{
    char etag[ES_JOB_ID_LEN + 3], range[96];
    tag(self, etag);
    snprintf(range, sizeof range, "bytes %llu-%llu/%llu", (unsigned long long)self->from,
             (unsigned long long)(self->from + self->left - 1), (unsigned long long)self->size);
    const char *headers[] = {
        "accept-ranges",     "bytes",         "etag", etag, "content-disposition", self->name, "cache-control",
        "private, no-cache", "content-range", range,  NULL};
    if (!self->part) headers[8] = NULL;
    es_http_begin(self->exchange.x, self->part ? 206 : 200, self->type, headers, (int64_t)self->left);
}

static void on_piece(void *ctx, const es_told_t *told, uint64_t now_us)
{
    audio_t *self = ctx;
    es_http_exchange_t *x = self->exchange.x;
    (void)now_us;
    es_jobs_exchange_told(&self->exchange, told);
    if (told->status != 200 && !es_http_begun(x)) {
        es_jobs_exchange_pass(&self->exchange, told, told->status);
        return;
    }
    if (told->status != 200 || !told->body.len || told->body.len > self->left) {
        es_jobs_exchange_broken(&self->exchange);
        return;
    }
    if (!es_http_begun(x)) begin(self);
    self->from += told->body.len;
    self->left -= told->body.len;
    bool room = es_http_write(x, told->body.ptr, told->body.len);
    if (!self->left)
        es_http_finish(x);
    else if (room)
        ask(self);
}

/* ---- the job first */

static void keep_type(audio_t *self, const json_t *job)
{
    const char *type = json_string_value(json_object_get(job, "contentType"));
    es_told_t said = {.type = es_span(type)};
    es_jobs_exchange_type(&said, "application/octet-stream", self->type);
    if (strncmp(self->type, "audio/", 6) != 0 && strcmp(self->type, "application/ogg") != 0)
        snprintf(self->type, sizeof self->type, "application/octet-stream");
}

static void unsatisfiable(audio_t *self)
{
    char range[64];
    snprintf(range, sizeof range, "bytes */%llu", (unsigned long long)self->size);
    const char *headers[] = {"content-range", range, NULL};
    static const char body[] =
        "{\"error\":\"bad_range\",\"message\":\"The recording ends before this range; see Content-Range.\"}\n";
    es_http_reply(self->exchange.x, 416, "application/json", headers, body, sizeof body - 1);
}

static bool known(audio_t *self)
{
    char etag[ES_JOB_ID_LEN + 3];
    es_span_t given = es_http_header(self->exchange.x, "if-none-match");
    tag(self, etag);
    if (!given.len || !memmem(given.ptr, given.len, etag, strlen(etag))) return false;
    const char *headers[] = {"etag", etag, NULL};
    es_http_reply(self->exchange.x, 304, NULL, headers, NULL, 0);
    return true;
}

static void serve(audio_t *self)
{
    uint64_t to = 0;
    es_http_exchange_t *x = self->exchange.x;
    es_range_t range = es_range_parse(es_http_header(x, "range"), self->size, &self->from, &to);
    self->part = range == ES_RANGE_PART;
    if (range == ES_RANGE_ALL) self->from = 0;
    self->left = self->part ? to - self->from + 1 : self->size;
    if (range == ES_RANGE_NONE) {
        unsatisfiable(self);
    } else if (self->exchange.head || !self->left) {
        begin(self);
        es_http_finish(x);
    } else {
        ask(self);
    }
}

static void on_job(void *ctx, const es_told_t *told, uint64_t now_us)
{
    audio_t *self = ctx;
    (void)now_us;
    es_jobs_exchange_told(&self->exchange, told);
    if (told->status != 200) {
        es_jobs_exchange_pass(&self->exchange, told, told->status);
        return;
    }
    json_t *job = json_loadb(told->body.ptr, told->body.len, 0, NULL);
    const char *name = json_string_value(json_object_get(job, "fileName"));
    json_int_t size = json_integer_value(json_object_get(job, "bytes"));
    self->size = size > 0 ? (uint64_t)size : 0;
    es_disposition(name ? name : "", self->name);
    keep_type(self, job);
    if (!json_is_object(job))
        es_jobs_exchange_broken(&self->exchange);
    else if (!json_is_true(json_object_get(job, "audio")))
        es_http_refuse(self->exchange.x, 410, "audio_deleted",
                       "The recording is deleted; the transcript may be there still.");
    else if (!known(self))
        serve(self);
    json_decref(job);
}

static void on_end(void *handler, es_http_exchange_t *x)
{
    audio_t *self = handler;
    (void)x;
    es_jobs_exchange_ask(&self->exchange, "get", es_jobs_exchange_question(&self->exchange), on_job);
}

static void on_room(void *handler, es_http_exchange_t *x)
{
    audio_t *self = handler;
    (void)x;
    if (!self->exchange.ask && self->left) ask(self);
}

void es_job_audio(void *ctx, es_http_exchange_t *x, const es_span_t *ids)
{
    static const es_http_handler_ops_t ops = {
        .body = es_jobs_exchange_body, .end = on_end, .room = on_room, .over = es_jobs_exchange_over};
    if (!es_jobs_exchange_id(x, ids[0])) return;
    es_http_take(x, &ops, es_jobs_exchange_new(sizeof(audio_t), ctx, x, ids[0]), ES_JOBS_BODY_MAX);
}
