#include "jobs_exchange.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "edge_jobs.h"
#include "job_id.h"

void *es_jobs_exchange_new(size_t size, const es_jobs_http_t *http, es_http_exchange_t *x, es_span_t id)
{
    es_jobs_exchange_t *self = es_alloc_zero(size);
    self->http = http;
    self->x = x;
    self->head = es_span_eq(es_http_method(x), es_span("HEAD"));
    if (id.len <= ES_JOB_ID_LEN && id.len) memcpy(self->id, id.ptr, id.len);
    return self;
}

void es_jobs_exchange_body(void *handler, es_http_exchange_t *x, const void *data, size_t len)
{
    (void)handler;
    (void)x;
    (void)data;
    (void)len;
}

void es_jobs_exchange_over(void *handler, bool answered)
{
    es_jobs_exchange_t *self = handler;
    (void)answered;
    es_asks_forget(es_edge_jobs_asks(self->http->jobs), self->ask);
    free(self);
}

static void refuse(es_jobs_exchange_t *self, unsigned status, const char *code, const char *message)
{
    if (es_http_begun(self->x))
        es_http_abort(self->x);
    else
        es_http_refuse(self->x, status, code, "%s", message);
}

void es_jobs_exchange_told(es_jobs_exchange_t *self, const es_told_t *told)
{
    self->ask = 0;
    self->number = told->number;
    self->answered = true;
}

/* Unsigned questions open all jobs. */
static void sign(json_t *question, const es_http_exchange_t *x)
{
    if (es_http_whoever(x)) return;
    if (json_object_set_new(question, "principal", json_string(es_http_principal(x)))) abort();
}

void es_jobs_exchange_ask(es_jobs_exchange_t *self, const char *verb, json_t *question, es_told_fn told)
{
    sign(question, self->x);
    char *text = json_dumps(question, JSON_COMPACT);
    json_decref(question);
    if (!text) abort();
    es_asks_t *asks = es_edge_jobs_asks(self->http->jobs);
    uint64_t now_us = self->http->env->now_us;
    self->ask = self->answered ? es_asks_ask_again(asks, self->number, verb, es_span(text), told, self, now_us)
                               : es_asks_ask(asks, verb, es_span(text), told, self, now_us);
    free(text);
    if (!self->ask)
        refuse(self, 503, "too_many_questions", "Too many questions about jobs are under way; try again in a moment.");
}

json_t *es_jobs_exchange_question(const es_jobs_exchange_t *self)
{
    return json_pack("{s:s}", "job", self->id);
}

void es_jobs_exchange_type(const es_told_t *told, const char *otherwise, char out[96])
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789/;=.+- ";
    bool fine = told->type.len && told->type.len < 96;
    for (size_t i = 0; fine && i < told->type.len; i++) fine = told->type.ptr[i] && strchr(allowed, told->type.ptr[i]);
    es_span_t type = fine ? told->type : es_span(otherwise);
    memcpy(out, type.ptr, type.len);
    out[type.len] = 0;
}

void es_jobs_exchange_pass(es_jobs_exchange_t *self, const es_told_t *told, unsigned status)
{
    static const char *const again[] = {"retry-after", "5", NULL};
    char type[96];
    es_jobs_exchange_type(told, "application/json", type);
    es_http_reply(self->x, status, status == 204 ? NULL : type, status == 503 ? again : NULL, told->body.ptr,
                  status == 204 ? 0 : told->body.len);
}

void es_jobs_exchange_broken(es_jobs_exchange_t *self)
{
    refuse(self, 502, "bad_answer", "A jobs actor has answered what is no answer to this; is it of the same release?");
}

bool es_jobs_exchange_id(es_http_exchange_t *x, es_span_t id)
{
    if (es_job_id_valid(id)) return true;
    es_http_refuse(x, 404, "not_found", "There is no such job; its id is what the upload was answered with.");
    return false;
}
