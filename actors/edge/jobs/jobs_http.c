#include "jobs_http.h"

#include <stdlib.h>
#include <string.h>

#include "edge_jobs.h"
#include "job_id.h"
#include "jobs_exchange.h"

enum { Q_MAX = 200, PER_PAGE_MAX = 200, PER_PAGE = 50, PAGE_MAX = 1000000 };

/* ---- one question, one answer */

typedef struct {
    es_jobs_exchange_t exchange;
    const char *verb;
    json_t *question; /* until it is asked */
    es_told_fn told;
} question_t;

static void passed(void *ctx, const es_told_t *told, uint64_t now_us)
{
    es_jobs_exchange_t *self = ctx;
    (void)now_us;
    es_jobs_exchange_told(self, told);
    es_jobs_exchange_pass(self, told, told->status);
}

static void on_end(void *handler, es_http_exchange_t *x)
{
    question_t *self = handler;
    json_t *question = self->question;
    (void)x;
    self->question = NULL;
    es_jobs_exchange_ask(&self->exchange, self->verb, question, self->told);
}

static void on_over(void *handler, bool answered)
{
    question_t *self = handler;
    json_decref(self->question);
    es_jobs_exchange_over(handler, answered);
}

/* Takes the question over. */
static void ask(void *ctx, es_http_exchange_t *x, es_span_t id, const char *verb, json_t *question, es_told_fn told)
{
    static const es_http_handler_ops_t ops = {.body = es_jobs_exchange_body, .end = on_end, .over = on_over};
    question_t *self = es_jobs_exchange_new(sizeof *self, ctx, x, id);
    self->verb = verb;
    self->question = question ? question : es_jobs_exchange_question(&self->exchange);
    self->told = told;
    es_http_take(x, &ops, self, ES_JOBS_BODY_MAX);
}

static void get(void *ctx, es_http_exchange_t *x, const es_span_t *ids)
{
    if (es_jobs_exchange_id(x, ids[0])) ask(ctx, x, ids[0], "get", NULL, passed);
}

static void cancel(void *ctx, es_http_exchange_t *x, const es_span_t *ids)
{
    if (es_jobs_exchange_id(x, ids[0])) ask(ctx, x, ids[0], "cancel", NULL, passed);
}

static void removed(void *ctx, const es_told_t *told, uint64_t now_us)
{
    es_jobs_exchange_t *self = ctx;
    (void)now_us;
    es_jobs_exchange_told(self, told);
    es_jobs_exchange_pass(self, told, told->status == 200 ? 204 : told->status);
}

static void remove_job(void *ctx, es_http_exchange_t *x, const es_span_t *ids)
{
    if (es_jobs_exchange_id(x, ids[0])) ask(ctx, x, ids[0], "remove", NULL, removed);
}

/* A retry names the attempt that it is to follow: asked twice, it is done once. */
static void seen(void *ctx, const es_told_t *told, uint64_t now_us)
{
    es_jobs_exchange_t *self = ctx;
    (void)now_us;
    es_jobs_exchange_told(self, told);
    if (told->status != 200) {
        es_jobs_exchange_pass(self, told, told->status);
        return;
    }
    json_t *job = json_loadb(told->body.ptr, told->body.len, 0, NULL);
    json_t *attempt = json_object_get(job, "attempt");
    if (json_is_integer(attempt)) {
        json_t *question = es_jobs_exchange_question(self);
        json_object_set(question, "attempt", attempt);
        es_jobs_exchange_ask(self, "retry", question, passed);
    } else {
        es_jobs_exchange_broken(self);
    }
    json_decref(job);
}

static void retry(void *ctx, es_http_exchange_t *x, const es_span_t *ids)
{
    if (es_jobs_exchange_id(x, ids[0])) ask(ctx, x, ids[0], "get", NULL, seen);
}

static void job_status(void *ctx, es_http_exchange_t *x, const es_span_t *ids)
{
    if (!es_job_session_valid(ids[0]))
        es_http_refuse(x, 400, "bad_session", "A session has 1 to %u letters, digits, dots, dashes or underscores.",
                       ES_SESSION_MAX);
    else
        ask(ctx, x, es_span(""), "session", json_pack("{s:s%}", "session", ids[0].ptr, ids[0].len), passed);
}

/* ---- all jobs, and the house */

static int text_of(es_http_exchange_t *x, const char *name, size_t max, json_t *into)
{
    char value[Q_MAX + 1];
    int rc = es_http_parameter(x, name, value, max + 1);
    if (rc == 0 || (rc > 0 && !*value)) return 0;
    json_t *text = rc > 0 ? json_string(value) : NULL; /* NULL where it is no UTF-8 */
    if (text) return json_object_set_new(into, name, text);
    es_http_refuse(x, 400, "bad_parameter", "\"%s\" must be UTF-8 of at most %zu bytes.", name, max);
    return -1;
}

static int number_of(es_http_exchange_t *x, const char *name, long standard, long max, json_t *into)
{
    char value[16], *end = value;
    int rc = es_http_parameter(x, name, value, sizeof value);
    long number = standard;
    if (rc > 0) number = strtol(value, &end, 10);
    if (rc < 0 || (rc > 0 && (*value < '0' || *value > '9' || *end)) || number < 1 || number > max) {
        es_http_refuse(x, 400, "bad_parameter", "\"%s\" must be a whole number from 1 to %ld.", name, max);
        return -1;
    }
    return json_object_set_new(into, name, json_integer(number));
}

static int state_of(es_http_exchange_t *x, json_t *into)
{
    static const char *const states[] = {"QUEUED", "TRANSCRIBING", "ANALYZING", "COMPLETED", "FAILED", "CANCELLED"};
    char value[16];
    int rc = es_http_parameter(x, "state", value, sizeof value);
    if (rc == 0 || (rc > 0 && !*value)) return 0;
    for (size_t i = 0; rc > 0 && i < sizeof states / sizeof *states; i++)
        if (!strcmp(value, states[i])) return json_object_set_new(into, "state", json_string(value));
    es_http_refuse(x, 400, "bad_parameter",
                   "\"state\" must be QUEUED, TRANSCRIBING, ANALYZING, COMPLETED, FAILED or CANCELLED.");
    return -1;
}

static int session_of(es_http_exchange_t *x, json_t *into)
{
    char value[ES_SESSION_MAX + 2];
    int rc = es_http_parameter(x, "session", value, sizeof value);
    if (rc == 0 || (rc > 0 && !*value)) return 0;
    if (rc > 0 && es_job_session_valid(es_span(value))) return json_object_set_new(into, "session", json_string(value));
    es_http_refuse(x, 400, "bad_parameter",
                   "\"session\" must have 1 to %u letters, digits, dots, dashes or underscores.", ES_SESSION_MAX);
    return -1;
}

static void list(void *ctx, es_http_exchange_t *x, const es_span_t *ids)
{
    (void)ids;
    json_t *question = json_object();
    if (state_of(x, question) || session_of(x, question) || text_of(x, "q", Q_MAX, question) ||
        number_of(x, "page", 1, PAGE_MAX, question) || number_of(x, "per_page", PER_PAGE, PER_PAGE_MAX, question))
        json_decref(question);
    else
        ask(ctx, x, es_span(""), "list", question, passed);
}

static void house(void *ctx, es_http_exchange_t *x, const es_span_t *ids)
{
    const es_jobs_http_t *self = ctx;
    size_t len;
    (void)ids;
    char *text = es_edge_jobs_house(self->jobs, true, &len);
    es_http_reply(x, 200, "application/json", NULL, text, len);
    free(text);
}

const es_http_route_t es_jobs_http_routes[] = {{"GET", "/session/{id}/job-status", job_status, ES_RIGHT_JOBS},
                                               {"GET", "/jobs", list, ES_RIGHT_DASHBOARD | ES_HTTP_GUARDED},
                                               {"GET", "/jobs/{id}", get, ES_RIGHT_JOBS},
                                               {"DELETE", "/jobs/{id}", remove_job, ES_RIGHT_JOBS},
                                               {"GET", "/jobs/{id}/transcript", es_job_transcript, ES_RIGHT_JOBS},
                                               {"GET", "/jobs/{id}/audio", es_job_audio, ES_RIGHT_JOBS},
                                               {"POST", "/jobs/{id}/cancel", cancel, ES_RIGHT_JOBS},
                                               {"POST", "/jobs/{id}/retry", retry, ES_RIGHT_JOBS},
                                               {"GET", "/api/house", house, ES_RIGHT_DASHBOARD | ES_HTTP_GUARDED},
                                               {0}};
