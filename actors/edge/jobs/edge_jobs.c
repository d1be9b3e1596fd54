#include "edge_jobs.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "house_view.h"
#include "job_ws.h"
#include "jobs_http.h"
#include "jobs_metrics.h"
#include "log.h"

static const uint64_t second_us = 1000000;

struct es_edge_jobs {
    const es_edge_config_t *config;
    es_edge_jobs_ops_t ops;
    const es_client_env_t *env;
    es_asks_t *asks;
    es_job_watch_t *watch;
    es_operator_t operator;
    es_house_view_t house;
    es_jobs_http_t http;
    LIST_HEAD(, es_viewer) viewers; /* of the house */
    uint64_t next_second;
};

static void subscribe_jobs(void *ctx, bool on)
{
    es_edge_jobs_t *self = ctx;
    self->ops.subscribe(self->ops.ctx, es_span(ES_JOBS_TOPIC), on);
}

static int load_operator(es_edge_jobs_t *self, char *err, size_t err_len)
{
    char file[1100];
    const char *named = self->config->operator_token;
    if (named && *named)
        snprintf(file, sizeof file, "%s", named);
    else
        snprintf(file, sizeof file, "%s/operator.token", self->config->common.data);
    return es_operator_load(&self->operator, file, err, err_len);
}

static void make(es_edge_jobs_t *self, const char *own_key)
{
    const es_asks_ops_t asks_ops = {.ctx = self->ops.ctx, .send = self->ops.send};
    const es_job_watch_limits_t limits = {.max_watches = self->config->max_watches,
                                          .max_client_watches = self->config->max_client_watches};
    const es_job_watch_ops_t watch_ops = {.ctx = self,
                                          .subscribe = subscribe_jobs,
                                          .tell = es_job_ws_tell,
                                          .behind = es_job_ws_behind,
                                          .trouble = es_job_ws_trouble};
    self->asks = es_asks_new(own_key, &asks_ops);
    self->watch = es_job_watch_new(&limits, &watch_ops, self->asks);
    es_house_view_init(&self->house, self->config->common.name);
    self->http = (es_jobs_http_t){.jobs = self, .env = self->env};
    self->ops.subscribe(self->ops.ctx, es_span(ES_JOBS_STATS_KEY), true);
}

es_edge_jobs_t *es_edge_jobs_new(const es_edge_config_t *config, const es_edge_jobs_ops_t *ops,
                                 const es_client_env_t *env, const char *own_key, char *err, size_t err_len)
{
    es_edge_jobs_t *self = es_alloc_zero(sizeof *self);
    self->config = config;
    self->ops = *ops;
    self->env = env;
    if (load_operator(self, err, err_len)) {
        free(self);
        return NULL;
    }
    make(self, own_key);
    return self;
}

void es_edge_jobs_destroy(es_edge_jobs_t **self_p)
{
    es_edge_jobs_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    assert(LIST_EMPTY(&self->viewers));
    es_job_watch_destroy(&self->watch);
    es_asks_destroy(&self->asks);
    es_house_view_fini(&self->house);
    free(self);
}

void es_edge_jobs_add_routes(es_edge_jobs_t *self, es_http_router_t *router)
{
    es_http_router_add(router, es_jobs_http_routes, &self->http);
}

void es_edge_jobs_listening(const es_edge_jobs_t *self, const char *url)
{
    char address[512];
    snprintf(address, sizeof address, "%s/dashboard", url);
    es_log_info("the dashboard wants the operator's token", ES_S("url", address),
                ES_S("token_file", self->operator.file));
}

/* ---- what the house says */

void es_edge_jobs_beacon(es_edge_jobs_t *self, es_span_t key, es_span_t body)
{
    es_house_view_beacon(&self->house, key, body, self->env->now_us);
}

static void on_told(es_edge_jobs_t *self, es_span_t key, const es_msg_t *msg, const void *body, size_t len)
{
    (void)key;
    es_asks_told(self->asks, msg, body, len, self->env->now_us);
}

static void on_news(es_edge_jobs_t *self, es_span_t key, const es_msg_t *msg, const void *body, size_t len)
{
    (void)msg;
    es_job_watch_news(self->watch, key, body, len, self->env->now_us);
}

static void on_stats(es_edge_jobs_t *self, es_span_t key, const es_msg_t *msg, const void *body, size_t len)
{
    (void)key;
    es_house_view_stats(&self->house, msg->name, es_span_of(body, len), self->env->now_us);
}

bool es_edge_jobs_message(es_edge_jobs_t *self, es_span_t key, const es_msg_t *msg, const void *body, size_t len)
{
    static void (*const kinds[])(es_edge_jobs_t *, es_span_t, const es_msg_t *, const void *,
                                 size_t) = {[ES_JOB_TOLD - ES_JOB_TOLD] = on_told,
                                            [ES_JOB_NEWS - ES_JOB_TOLD] = on_news,
                                            [ES_JOB_STATS - ES_JOB_TOLD] = on_stats};
    if (msg->kind < ES_JOB_TOLD || msg->kind > ES_JOB_STATS) return false;
    kinds[msg->kind - ES_JOB_TOLD](self, key, msg, body, len);
    return true;
}

/* ---- the house, shown */

char *es_edge_jobs_house(const es_edge_jobs_t *self, bool history, size_t *len)
{
    json_t *root = es_house_view_json(&self->house, history, self->env->now_us, self->env->wall_ms);
    char *text = json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(6));
    json_decref(root);
    if (!text) abort();
    *len = strlen(text);
    return text;
}

/* The object without its braces. */
static void tell(const es_edge_jobs_t *self, es_viewer_t *one)
{
    size_t len;
    es_viewer_t *viewer;
    char *text = es_edge_jobs_house(self, false, &len);
    es_span_t fields = es_span_of(text + 1, len - 2);
    if (one) es_house_ws_tell(one->client, fields);
    LIST_FOREACH(viewer, &self->viewers, in_house)
    if (!one) es_house_ws_tell(viewer->client, fields);
    free(text);
}

void es_edge_jobs_view(es_edge_jobs_t *self, es_viewer_t *viewer, bool on)
{
    if (on && !viewer->of_house) LIST_INSERT_HEAD(&self->viewers, viewer, in_house);
    if (!on && viewer->of_house) LIST_REMOVE(viewer, in_house);
    if (on != viewer->of_house) es_metric_add(&es_edge_house_watches, on ? 1 : UINT64_MAX);
    viewer->of_house = on;
    if (on) tell(self, viewer);
}

static void each_second(es_edge_jobs_t *self)
{
    self->next_second = self->env->now_us + second_us;
    es_house_view_tick(&self->house, self->env->now_us, self->env->wall_ms);
    if (!LIST_EMPTY(&self->viewers)) tell(self, NULL);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t es_edge_jobs_turn(es_edge_jobs_t *self)
{
    uint64_t now = self->env->now_us;
    if (now >= self->next_second) each_second(self);
    uint64_t next = earlier(es_asks_tick(self->asks, now), es_job_watch_tick(self->watch, now));
    return earlier(next, self->next_second);
}

es_asks_t *es_edge_jobs_asks(es_edge_jobs_t *self)
{
    return self->asks;
}

es_job_watch_t *es_edge_jobs_watch(es_edge_jobs_t *self)
{
    return self->watch;
}

const es_operator_t *es_edge_jobs_operator(const es_edge_jobs_t *self)
{
    return &self->operator;
}
