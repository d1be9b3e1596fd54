#include "desk.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "http_client.h"
#include "inquiries.h"
#include "intake.h"
#include "job_id.h"
#include "job_json.h"
#include "job_stats.h"
#include "keeper.h"
#include "log.h"
#include "spool_state.h"
#include "webhooks.h"

enum { SYNC_THREADS = 4, METRICS_MAX = 64 };

struct es_desk {
    es_desk_config_t config;
    es_spool_t *spool;
    es_spool_sync_t *sync;
    es_store_thread_t *reads; /* so that a long list delays no commit */
    es_intake_t *intake;
    es_keeper_t *keeper;
    es_inquiries_t *inquiries;
    es_job_stats_t *stats;
    es_webhooks_t *webhooks;
};

static const char deleted[] = "job.deleted"; /* the type of news that follow from no state */

/* ---- what is told */

static void publish(void *ctx, es_span_t key, const es_msg_t *msg, const void *body, size_t len)
{
    es_desk_t *self = ctx;
    self->config.publish(self->config.ctx, key, msg, body, len);
}

void es_desk_tell(es_desk_t *self, const es_job_t *job, const char *type, es_span_t text, uint64_t now_us)
{
    char key[sizeof ES_JOBS_TOPIC + ES_JOB_ID_LEN];
    size_t len;
    char *body = es_job_news(job, type, text, &len);
    const es_msg_t msg = {.kind = ES_JOB_NEWS};
    snprintf(key, sizeof key, ES_JOBS_TOPIC "%s", job->id);
    if (body && len <= ES_JOB_MAX) publish(self, es_span(key), &msg, body, len);
    free(body);
    if (!es_job_over(job->state) || type == deleted) return;
    if (!job->has_audio) es_spool_file_remove(self->spool, job->id);
    if (job->webhook) es_webhooks_wake(self->webhooks, now_us);
    es_job_stats_ended(self->stats, job->state);
}

static void on_accepted(void *ctx, const es_job_t *job, uint64_t now_us)
{
    es_desk_t *self = ctx;
    es_desk_tell(self, job, NULL, (es_span_t){0}, now_us);
    self->config.changed(self->config.ctx, job->id, job, now_us);
}

static void on_doubtful(void *ctx, const char *job, uint64_t now_us)
{
    es_desk_t *self = ctx;
    es_keeper_doubt(self->keeper, job, false, now_us);
}

static void on_expired(void *ctx, const es_job_t *job, uint64_t now_us)
{
    es_desk_t *self = ctx;
    es_desk_tell(self, job, deleted, (es_span_t){0}, now_us);
}

static void on_command(void *ctx, es_job_done_t what, const es_job_t *job, uint64_t now_us)
{
    es_desk_t *self = ctx;
    bool removed = what == ES_DONE_REMOVE;
    if (removed) es_spool_file_remove(self->spool, job->id);
    es_desk_tell(self, job, removed ? deleted : NULL, (es_span_t){0}, now_us);
    self->config.changed(self->config.ctx, job->id, removed ? NULL : job, now_us);
}

/* ---- the worker's ops: an upload's state is its own */

static void *on_open(void *ctx, es_stream_t *stream, const es_msg_t *start)
{
    es_desk_t *self = ctx;
    return es_intake_ops.open(self->intake, stream, start);
}

static void on_frame(void *state, es_stream_t *stream, const es_msg_t *frame, const void *data, size_t len)
{
    es_intake_ops.frame(state, stream, frame, data, len);
}

static void on_close(void *state, es_stream_t *stream)
{
    es_intake_ops.close(state, stream);
}

const es_worker_ops_t es_desk_upload_ops = {.open = on_open, .frame = on_frame, .close = on_close};

/* ---- what comes */

bool es_desk_message(es_desk_t *self, es_span_t key, const es_msg_t *msg, es_span_t body, uint64_t now_us)
{
    (void)key;
    if (msg->kind != ES_JOB_ASK) return false;
    es_inquiries_take(self->inquiries, msg, body, now_us);
    return true;
}

void es_desk_news(es_desk_t *self, es_span_t key, es_span_t body, uint64_t now_us)
{
    static const char begin[] = "{\"type\":\"job.deleted\"";
    const size_t at = sizeof ES_JOBS_TOPIC - 1;
    char job[ES_JOB_ID_LEN + 1];
    if (key.len != at + ES_JOB_ID_LEN || body.len < sizeof begin || memcmp(body.ptr, begin, sizeof begin - 1) != 0)
        return;
    snprintf(job, sizeof job, "%.*s", (int)ES_JOB_ID_LEN, key.ptr + at);
    if (es_spool_file_size(self->spool, job) >= 0) es_keeper_doubt(self->keeper, job, true, now_us);
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t es_desk_tick(es_desk_t *self, uint64_t now_us)
{
    uint64_t next = es_intake_tick(self->intake, now_us);
    next = sooner(next, es_keeper_tick(self->keeper, now_us));
    next = sooner(next, es_job_stats_tick(self->stats, now_us));
    return sooner(next, es_webhooks_tick(self->webhooks, now_us));
}

static void figures(void *ctx, size_t *running, size_t *uploads)
{
    es_desk_t *self = ctx;
    *running = self->config.running(self->config.ctx);
    *uploads = es_intake_count(self->intake);
}

/* ---- life */

static int open_spool(es_desk_t *self)
{
    char err[1024];
    const es_jobs_config_t *settings = self->config.config;
    es_spool_config_t spool = {
        .dir = settings->spool, .quota = settings->spool_quota << 20, .floor = settings->spool_floor << 20};
    self->spool = es_spool_open(&spool, err, sizeof err);
    if (!self->spool) es_log_error("cannot start", ES_S("spool", settings->spool), ES_S("error", err));
    return self->spool ? 0 : -1;
}

static int open_reads(es_desk_t *self)
{
    char err[1024];
    self->reads = es_store_thread_new(self->config.config->store, true, self->config.loop, NULL, NULL, err, sizeof err);
    if (!self->reads) es_log_error("cannot start: a second connection to the store", ES_S("error", err));
    return self->reads ? 0 : -1;
}

static void open_intake(es_desk_t *self)
{
    self->sync = es_spool_sync_new(self->spool, SYNC_THREADS, self->config.loop);
    self->intake = es_intake_new(&(es_intake_config_t){.spool = self->spool,
                                                       .sync = self->sync,
                                                       .store = self->config.store,
                                                       .accepted = on_accepted,
                                                       .doubtful = on_doubtful,
                                                       .ctx = self});
}

static void open_keeper(es_desk_t *self)
{
    const es_jobs_config_t *settings = self->config.config;
    self->keeper = es_keeper_new(&(es_keeper_config_t){.spool = self->spool,
                                                       .sync = self->sync,
                                                       .store = self->config.store,
                                                       .reads = self->reads,
                                                       .keep_age_ms = settings->keep_age_us / 1000,
                                                       .keep_count = settings->keep_count,
                                                       .part_keep_us = settings->part_keep_us,
                                                       .removed = on_expired,
                                                       .ctx = self});
}

static void open_answers(es_desk_t *self)
{
    const es_jobs_config_t *settings = self->config.config;
    self->inquiries = es_inquiries_new(&(es_inquiries_config_t){.spool = self->spool,
                                                                .store = self->config.store,
                                                                .reads = self->reads,
                                                                .publish = publish,
                                                                .done = on_command,
                                                                .ctx = self});
    self->stats = es_job_stats_new(&(es_job_stats_config_t){.name = settings->common.name,
                                                            .concurrency = settings->concurrency,
                                                            .spool = self->spool,
                                                            .reads = self->reads,
                                                            .figures = figures,
                                                            .publish = publish,
                                                            .ctx = self});
}

static int open_webhooks(es_desk_t *self)
{
    char err[1400];
    es_webhooks_config_t webhooks = {
        .loop = self->config.loop, .store = self->config.store, .private_too = self->config.config->webhook_private};
    int rc = es_webhook_key_load(&webhooks.key, self->config.config->webhook_key_file, err, sizeof err);
    if (rc == 0) self->webhooks = es_webhooks_new(&webhooks);
    if (rc != 0) es_log_error("cannot start", ES_S("error", err));
    return rc;
}

es_desk_t *es_desk_new(const es_desk_config_t *config)
{
    es_desk_t *self = es_alloc_zero(sizeof *self);
    self->config = *config;
    if (open_spool(self) != 0 || open_reads(self) != 0 || open_webhooks(self) != 0) {
        es_desk_destroy(&self);
        return NULL;
    }
    open_intake(self);
    open_keeper(self);
    open_answers(self);
    return self;
}

void es_desk_stop(es_desk_t *self)
{
    if (!self) return;
    es_webhooks_stop(self->webhooks);
    es_spool_sync_destroy(&self->sync);
    es_store_thread_destroy(&self->reads);
}

void es_desk_destroy(es_desk_t **self_p)
{
    es_desk_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    es_desk_stop(self);
    es_webhooks_destroy(&self->webhooks);
    es_job_stats_destroy(&self->stats);
    es_inquiries_destroy(&self->inquiries);
    es_keeper_destroy(&self->keeper);
    es_intake_destroy(&self->intake);
    es_spool_close(&self->spool);
    free(self);
}

es_spool_t *es_desk_spool(es_desk_t *self)
{
    return self->spool;
}

size_t es_desk_uploads(const es_desk_t *self)
{
    return es_intake_count(self->intake);
}

/* All of them in one list, in the order of the files. */
es_metric_t *const *es_desk_metrics(void)
{
    static es_metric_t *all[METRICS_MAX];
    es_metric_t *const *const lists[] = {es_intake_metrics(),     es_spool_sync_metrics(), es_spool_metrics(),
                                         es_keeper_metrics(),     es_inquiries_metrics(),  es_webhooks_metrics(),
                                         es_http_client_metrics()};
    size_t n = 0;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        for (es_metric_t *const *metric = lists[i]; *metric && n + 1 < METRICS_MAX; metric++) all[n++] = *metric;
    return all;
}
