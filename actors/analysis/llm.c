/*   ask --> [ASKING] --200 with text--> done(ok)
 *             ^  |
 *             |  `-- no answer, 408, 429, 5xx, nonsense --> [PAUSING] --> tries left: ask again, else done(unavailable)
 *             `------------------------------------------------'            any other status: done(unavailable) at once
 */
#include "llm.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "log.h"
#include "wire.h"

#define PAUSE_US UINT64_C(1000000)      /* before the second try, doubled for each further one */
#define PAUSE_MAX_US UINT64_C(20000000) /* whatever Retry-After says */
#define NEVER UINT64_MAX
enum { REASON = 256 };

static ES_METRIC_COUNTER(asked, "earshot_analysis_llm_questions_total", "Summaries asked for.");
static ES_METRIC_COUNTER(cut, "earshot_analysis_llm_cut_total",
                         "Of them, those with the first --llm-max-chars bytes of a longer transcript.");
static ES_METRIC_COUNTER(tried, "earshot_analysis_llm_tries_total", "Requests to the language model.");
static ES_METRIC_COUNTER(unavailable, "earshot_analysis_llm_unavailable_total", "Summaries that could not be had.");

es_metric_t *const *es_llm_metrics(void)
{
    static es_metric_t *const list[] = {&asked, &cut, &tried, &unavailable, NULL};
    return list;
}

typedef struct question {
    struct question *next;
    es_llm_t *llm;
    uint64_t number, call; /* call 0: pausing until again_us */
    uint64_t tries, again_us;
    char *body;
    size_t len, sent, all;
    es_llm_done_fn done;
    void *ctx;
} question_t;

struct es_llm {
    es_llm_config_t config;
    char *url, *model, *key_header;
    es_http_client_t *client;
    question_t *questions;
    uint64_t numbers;
};

static void ask(question_t *q);

static void drop(question_t *q)
{
    for (question_t **at = &q->llm->questions; *at; at = &(*at)->next) {
        if (*at != q) continue;
        *at = q->next;
        break;
    }
    free(q->body);
    free(q);
}

static void finish(question_t *q, json_t *summary)
{
    es_llm_done_fn done = q->done;
    void *ctx = q->ctx;
    drop(q);
    done(ctx, summary);
}

static void succeed(question_t *q, const char *text)
{
    json_t *summary = json_object();
    json_object_set_new(summary, "state", json_string("ok"));
    json_object_set_new(summary, "text", json_string(text));
    json_object_set_new(summary, "model", json_string(q->llm->model));
    json_object_set_new(summary, "transcriptBytes", json_integer((json_int_t)q->all));
    json_object_set_new(summary, "transcriptCut", json_boolean(q->sent < q->all));
    finish(q, summary);
}

static void give_up(question_t *q, const char *reason)
{
    char text[REASON + 64];
    json_t *summary = json_object();
    snprintf(text, sizeof text, "The language model gave no summary: %s.", reason);
    json_object_set_new(summary, "state", json_string("unavailable"));
    json_object_set_new(summary, "reason", json_string(text));
    json_object_set_new(summary, "tries", json_integer((json_int_t)q->tries));
    es_metric_add(&unavailable, 1);
    es_log_warn("no summary: the analysis goes without", ES_S("reason", reason), ES_U("tries", q->tries));
    finish(q, summary);
}

static void fail(question_t *q, const char *reason, bool hopeless, uint64_t retry_after_s, uint64_t now_us)
{
    if (hopeless || q->tries >= q->llm->config.tries) {
        give_up(q, reason);
        return;
    }
    uint64_t pause = PAUSE_US << (q->tries < 6 ? q->tries - 1 : 5);
    if (retry_after_s * 1000000 > pause) pause = retry_after_s * 1000000;
    if (pause > PAUSE_MAX_US || retry_after_s > PAUSE_MAX_US / 1000000) pause = PAUSE_MAX_US;
    es_log_info("no summary yet: another try", ES_S("reason", reason), ES_U("pause_ms", pause / 1000));
    q->again_us = now_us + pause;
}

static bool may_pass(unsigned status)
{
    return status == 408 || status == 409 || status == 425 || status == 429 || status >= 500;
}

static void on_answer(void *ctx, const es_http_result_t *result, uint64_t now_us)
{
    question_t *q = ctx;
    char reason[REASON];
    q->call = 0;
    if (result->error) {
        snprintf(reason, sizeof reason, "%.200s", result->error);
        fail(q, reason, false, 0, now_us);
    } else if (result->status != 200) {
        es_llm_complaint(result->status, result->body, result->len, reason, sizeof reason);
        fail(q, reason, !may_pass(result->status), result->retry_after_s, now_us);
    } else {
        char *text = es_llm_answer(result->body, result->len, reason, sizeof reason);
        if (text)
            succeed(q, text);
        else
            fail(q, reason, false, 0, now_us);
        free(text);
    }
}

static void ask(question_t *q)
{
    const char *headers[] = {"Content-Type: application/json", q->llm->key_header, NULL};
    es_http_call_t call = {.url = q->llm->url,
                           .headers = headers,
                           .body = q->body,
                           .len = q->len,
                           .timeout_us = q->llm->config.timeout_us};
    q->tries++;
    q->again_us = NEVER;
    es_metric_add(&tried, 1);
    q->call = es_http_client_send(q->llm->client, &call, on_answer, q);
}

static uint64_t on_tick(void *ctx, uint64_t now_us)
{
    es_llm_t *self = ctx;
    uint64_t next = NEVER;
    for (question_t *q = self->questions; q; q = q->next) {
        if (!q->call && now_us >= q->again_us) ask(q);
        if (!q->call && q->again_us < next) next = q->again_us;
    }
    return next;
}

es_llm_t *es_llm_new(es_loop_t *loop, const es_llm_config_t *config)
{
    es_llm_t *self = es_alloc_zero(sizeof *self);
    self->config = *config;
    self->url = es_alloc_copy(config->url, strlen(config->url));
    self->model = es_alloc_copy(config->model, strlen(config->model));
    if (config->key && *config->key) {
        size_t cap = strlen(config->key) + sizeof "Authorization: Bearer ";
        self->key_header = es_alloc(cap);
        snprintf(self->key_header, cap, "Authorization: Bearer %s", config->key);
    }
    self->config.key = NULL;
    es_loop_add_tick(loop, on_tick, self); /* before the client's: what it sends is looked at in the same turn */
    self->client = es_http_client_new(loop, config->connections);
    return self;
}

void es_llm_destroy(es_llm_t **self_p)
{
    es_llm_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    es_http_client_destroy(&self->client);
    while (self->questions) drop(self->questions);
    free(self->url);
    free(self->model);
    if (self->key_header) explicit_bzero(self->key_header, strlen(self->key_header));
    free(self->key_header);
    free(self);
}

uint64_t es_llm_ask(es_llm_t *self, const es_llm_question_t *question, es_llm_done_fn done, void *ctx)
{
    es_llm_question_t whole = *question;
    question_t *q = es_alloc_zero(sizeof *q);
    whole.model = self->model;
    *q = (question_t){.next = self->questions, .llm = self, .number = ++self->numbers, .done = done, .ctx = ctx};
    q->sent = question->sent;
    q->all = question->all;
    q->body = es_llm_question(&whole);
    q->len = strlen(q->body);
    self->questions = q;
    es_metric_add(&asked, 1);
    es_metric_add(&cut, q->sent < q->all);
    ask(q);
    return q->number;
}

void es_llm_forget(es_llm_t *self, uint64_t number)
{
    for (question_t *q = self->questions; q; q = q->next) {
        if (q->number != number) continue;
        if (q->call) es_http_client_cancel(self->client, q->call);
        drop(q);
        return;
    }
}
