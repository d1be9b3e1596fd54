/* A transcript comes in pieces: the next one is asked for once the client has room for it. */
#include <string.h>

#include "jobs_exchange.h"

typedef struct {
    es_jobs_exchange_t exchange; /* first */
    char format[8];
    uint64_t cursor;
} transcript_t;

static void on_piece(void *ctx, const es_told_t *told, uint64_t now_us);

static void ask(transcript_t *self)
{
    json_t *question = es_jobs_exchange_question(&self->exchange);
    json_object_set_new(question, "format", json_string(self->format));
    if (self->cursor) json_object_set_new(question, "cursor", json_integer((json_int_t)self->cursor));
    es_jobs_exchange_ask(&self->exchange, "transcript", question, on_piece);
}

static void first_of_many(transcript_t *self, const es_told_t *told)
{
    char type[96];
    es_jobs_exchange_type(told, "text/plain; charset=utf-8", type);
    es_http_begin(self->exchange.x, 200, type, NULL, -1);
}

static void on_piece(void *ctx, const es_told_t *told, uint64_t now_us)
{
    transcript_t *self = ctx;
    es_http_exchange_t *x = self->exchange.x;
    bool begun = es_http_begun(x);
    (void)now_us;
    es_jobs_exchange_told(&self->exchange, told);
    if (!begun && (told->status != 200 || !told->more)) {
        es_jobs_exchange_pass(&self->exchange, told, told->status);
        return;
    }
    if (told->status != 200 || (told->more && told->next <= self->cursor)) {
        es_http_abort(x); /* what was sent cannot be taken back */
        return;
    }
    if (!begun) first_of_many(self, told);
    bool room = es_http_write(x, told->body.ptr, told->body.len);
    self->cursor = told->next;
    if (!told->more || self->exchange.head)
        es_http_finish(x);
    else if (room)
        ask(self);
}

static void on_end(void *handler, es_http_exchange_t *x)
{
    (void)x;
    ask(handler);
}

static void on_room(void *handler, es_http_exchange_t *x)
{
    transcript_t *self = handler;
    (void)x;
    if (!self->exchange.ask) ask(self);
}

void es_job_transcript(void *ctx, es_http_exchange_t *x, const es_span_t *ids)
{
    static const es_http_handler_ops_t ops = {
        .body = es_jobs_exchange_body, .end = on_end, .room = on_room, .over = es_jobs_exchange_over};
    static const char *const formats[] = {"json", "text", "srt", "vtt"};
    char format[8];
    if (!es_jobs_exchange_id(x, ids[0])) return;
    int given = es_http_parameter(x, "format", format, sizeof format);
    size_t i = 0;
    if (given > 0)
        while (i < 4 && strcmp(formats[i], format) != 0) i++;
    if (given < 0 || i == 4) {
        es_http_refuse(x, 400, "bad_parameter", "\"format\" must be json, text, srt or vtt.");
        return;
    }
    transcript_t *self = es_jobs_exchange_new(sizeof *self, ctx, x, ids[0]);
    memcpy(self->format, formats[i], strlen(formats[i]));
    es_http_take(x, &ops, self, ES_JOBS_BODY_MAX);
}
