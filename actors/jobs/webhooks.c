#include "webhooks.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "http_client.h"
#include "job_json.h"
#include "log.h"
#include "webhook_address.h"
#include "webhook_share.h"
#include "wire.h"

#define SECOND UINT64_C(1000000)
#define NEVER UINT64_MAX
#define TIMEOUT_US (10 * SECOND)
#define LEASE_MS UINT64_C(60000) /* of a delivery under way; longer than it can take, store included */
#define LOOK_US (5 * SECOND)     /* other actors make deliveries due as well */
#define ANSWER_MAX 65536u        /* bytes of an answer, which nobody reads */

_Static_assert(ES_WEBHOOK_FULL_MAX <= ES_JOB_BUT_MAX, "the store leaves out every host that has its share");

static ES_METRIC_COUNTER(tried, "earshot_jobs_webhooks_total", "POSTs to webhooks.");
static ES_METRIC_COUNTER(arrived, "earshot_jobs_webhooks_arrived_total", "Of them those answered by 2xx.");
static ES_METRIC_COUNTER(refused, "earshot_jobs_webhooks_refused_total",
                         "Of them those not sent: the address is not a public one.");
static ES_METRIC_COUNTER(full, "earshot_jobs_webhooks_full_total",
                         "Times that a host had as many webhooks under way as it may; its others wait.");
static ES_METRIC_COUNTER(given_up, "earshot_jobs_webhooks_given_up_total", "Deliveries that no try brought there.");

es_metric_t *const *es_webhooks_metrics(void)
{
    static es_metric_t *const list[] = {&tried, &arrived, &refused, &full, &given_up, NULL};
    return list;
}

/* One delivery, from the store and back. */
typedef struct call {
    es_webhooks_t *set;
    bool used, posted;
    char *but[ES_JOB_BUT_MAX]; /* hosts that had their share when the store was asked */
    es_job_delivery_t delivery;
    es_job_t job;
    uint64_t number;                    /* of the HTTP call; 0: none */
    uint64_t now_ms, next_ms, again_ms; /* again: 0: forget it */
} call_t;

struct es_webhooks {
    es_webhooks_config_t config;
    es_http_client_t *http;
    call_t calls[ES_WEBHOOK_CALLS];
    size_t under_way;
    bool taking; /* the store is asked for a delivery */
    bool woken;  /* meanwhile somebody made one due */
    bool stopped;
    uint64_t next_us;
};

uint64_t es_webhooks_pause_ms(uint32_t tries)
{
    static const uint64_t minutes[] = {0, 1, 5, 15, 60, 120, 240, 420, 600}; /* a day, all in all */
    if (tries == 0 || tries > sizeof minutes / sizeof *minutes) return 0;
    return tries == 1 ? 10000 : minutes[tries - 1] * 60000;
}

static void forget(call_t *call)
{
    call->set->under_way--;
    free(call->delivery.url);
    for (size_t i = 0; i < ES_JOB_BUT_MAX; i++) free(call->but[i]);
    es_job_fini(&call->job);
    *call = (call_t){.set = call->set};
}

static void calls_of(const es_webhooks_t *self, es_webhook_calls_t out)
{
    for (size_t i = 0; i < ES_WEBHOOK_CALLS; i++) out[i] = self->calls[i].posted ? self->calls[i].delivery.url : NULL;
}

static bool host_is_full(const es_webhooks_t *self, const char *url)
{
    es_webhook_calls_t calls;
    calls_of(self, calls);
    return es_webhook_full(calls, url);
}

/* ---- afterwards */

static es_jobs_result_t run_settle(void *arg, es_job_store_t *store)
{
    call_t *call = arg;
    if (call->again_ms) return es_job_store_redeliver(store, call->delivery.number, call->again_ms);
    return es_job_store_delivered(store, call->delivery.number);
}

static void settle_done(void *arg, es_jobs_result_t result, uint64_t now_us)
{
    call_t *call = arg;
    es_webhooks_t *self = call->set;
    (void)result; /* DOWN: it is due again when its lease is over */
    forget(call);
    es_webhooks_wake(self, now_us);
}

static void settle(call_t *call, bool arrived_there, const char *why, unsigned status)
{
    uint64_t pause = arrived_there ? 0 : es_webhooks_pause_ms(call->delivery.tries + 1);
    call->again_ms = pause ? es_wall_us() / 1000 + pause : 0;
    if (arrived_there) {
        es_metric_add(&arrived, 1);
    } else {
        es_log_info(pause ? "webhook not delivered: tried again later" : "webhook given up",
                    ES_S("job", call->delivery.id), ES_U("tries", call->delivery.tries + 1), ES_S("why", why),
                    ES_U("status", status), ES_U("pause_ms", pause));
        if (!pause) es_metric_add(&given_up, 1);
    }
    es_store_thread_submit(call->set->config.store, run_settle, settle_done, call);
}

static void on_answer(void *ctx, const es_http_result_t *result, uint64_t now_us)
{
    call_t *call = ctx;
    (void)now_us;
    call->number = 0;
    if (result->refused) es_metric_add(&refused, 1);
    settle(call, result->status / 100 == 2, result->error ? result->error : "the answer is none of 2xx",
           result->status);
}

/* ---- the POST */

static char *body_of(const es_job_t *job, size_t *len)
{
    char url[64];
    json_t *json = json_object();
    snprintf(url, sizeof url, "/jobs/%s/transcript", job->id);
    json_object_set_new(json, "type", json_string(es_job_news_type(job->state)));
    json_object_set_new(json, "job", es_job_json(job));
    json_object_set_new(json, "transcriptUrl", json_string(url));
    return es_job_json_text(json, len);
}

static void post(call_t *call)
{
    es_webhooks_t *self = call->set;
    char signature[ES_WEBHOOK_SIGNATURE_MAX], signed_by[160], delivery[64];
    size_t len;
    char *body = body_of(&call->job, &len);
    es_webhook_key_sign(&self->config.key, es_wall_us() / 1000000, body, len, signature);
    snprintf(signed_by, sizeof signed_by, "Earshot-Signature: %s", signature);
    snprintf(delivery, sizeof delivery, "Earshot-Delivery: %" PRIu64, call->delivery.number);
    const char *const headers[] = {"Content-Type: application/json", signed_by, delivery, NULL};
    es_http_call_t wish = {.url = call->delivery.url,
                           .headers = headers,
                           .body = body,
                           .len = len,
                           .answer_max = ANSWER_MAX,
                           .timeout_us = TIMEOUT_US,
                           .may_reach = self->config.private_too ? NULL : es_webhook_address_public};
    es_metric_add(&tried, 1);
    call->posted = true;
    if (host_is_full(self, wish.url)) es_metric_add(&full, 1);
    call->number = es_http_client_send(self->http, &wish, on_answer, call);
    free(body);
}

/* ---- what is due */

static es_jobs_result_t run_take(void *arg, es_job_store_t *store)
{
    call_t *call = arg;
    free(call->delivery.url);
    es_job_fini(&call->job);
    es_jobs_result_t result = es_job_store_delivery(store, call->now_ms, call->now_ms + LEASE_MS,
                                                    (const char *const *)call->but, &call->delivery, &call->next_ms);
    if (result == ES_JOBS_OK) result = es_job_store_get(store, call->delivery.id, &call->job);
    return result;
}

static uint64_t pause_us(const call_t *call, uint64_t now_us)
{
    uint64_t now_ms = es_wall_us() / 1000, wait = LOOK_US;
    if (call->next_ms > now_ms && (call->next_ms - now_ms) * 1000 < wait) wait = (call->next_ms - now_ms) * 1000;
    return now_us + wait;
}

static void take_done(void *arg, es_jobs_result_t result, uint64_t now_us)
{
    call_t *call = arg;
    es_webhooks_t *self = call->set;
    self->taking = false;
    self->next_us = result == ES_JOBS_OK || self->woken ? now_us : pause_us(call, now_us);
    /* A host that has its share is left out by the store, but for addresses that spell it otherwise: those wait until their lease is over. */
    if (result == ES_JOBS_OK && !self->stopped && !host_is_full(self, call->delivery.url))
        post(call);
    else
        forget(call);
}

static void take(es_webhooks_t *self)
{
    es_webhook_calls_t calls;
    size_t i = 0;
    while (self->calls[i].used) i++;
    call_t *call = &self->calls[i];
    *call = (call_t){.set = self, .used = true, .now_ms = es_wall_us() / 1000};
    calls_of(self, calls);
    es_webhook_full_hosts(calls, call->but);
    self->under_way++;
    self->taking = true;
    self->woken = false;
    es_store_thread_submit(self->config.store, run_take, take_done, call);
}

/* ---- life */

es_webhooks_t *es_webhooks_new(const es_webhooks_config_t *config)
{
    es_webhooks_t *self = es_alloc_zero(sizeof *self);
    self->config = *config;
    self->http = es_http_client_new(config->loop, ES_WEBHOOK_CALLS);
    for (size_t i = 0; i < ES_WEBHOOK_CALLS; i++) self->calls[i].set = self;
    return self;
}

void es_webhooks_stop(es_webhooks_t *self)
{
    if (!self || self->stopped) return;
    self->stopped = true;
    es_http_client_destroy(&self->http);
    for (size_t i = 0; i < ES_WEBHOOK_CALLS; i++)
        if (self->calls[i].number) forget(&self->calls[i]);
}

void es_webhooks_destroy(es_webhooks_t **self_p)
{
    es_webhooks_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    es_webhooks_stop(self);
    free(self);
}

void es_webhooks_wake(es_webhooks_t *self, uint64_t now_us)
{
    self->woken = true;
    if (now_us < self->next_us) self->next_us = now_us;
}

uint64_t es_webhooks_tick(es_webhooks_t *self, uint64_t now_us)
{
    if (self->taking || self->stopped || self->under_way == ES_WEBHOOK_CALLS) return NEVER;
    if (now_us >= self->next_us) take(self);
    return self->taking ? NEVER : self->next_us;
}
