#include "jobs_actor.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "actor_link.h"
#include "desk.h"
#include "endpoints.h"
#include "job_wire.h"
#include "jobs_metrics.h"
#include "log.h"
#include "name_lock.h"
#include "runner.h"
#include "sender_link.h"
#include "store_thread.h"
#include "wire.h"
#include "worker.h"

static const uint64_t drain_us = 300000; /* what is on its way to us when the brokers hear that we drain */

typedef struct {
    const es_jobs_config_t *config;
    es_loop_t *loop;
    int lock; /* on our name; -1: none */
    es_store_thread_t *store;
    es_desk_t *desk;
    es_actor_link_t *link;    /* service `jobs` */
    es_worker_t *uploads;     /* service `upload` */
    es_sender_link_t *sender; /* to those who do the work */
    es_pipe_watch_t *watch;
    char prefix[ES_PREFIX_LEN + 1];
    uint64_t end_us; /* when draining is over; 0: not asked to end */
} actor_t;

/* ---- what the desk wants of us, and what comes for it */

static void publish(void *ctx, es_span_t key, const es_msg_t *msg, const void *body, size_t len)
{
    actor_t *self = ctx;
    es_actor_link_publish(self->link, key, msg, body, len);
}

static void job_changed(void *ctx, const char *id, const es_job_t *job, uint64_t now_us)
{
    (void)ctx;
    (void)id;
    (void)job;
    (void)now_us;
}

static size_t running(void *ctx)
{
    (void)ctx;
    return 0;
}

static bool on_message(void *ctx, es_span_t key, const es_msg_t *msg, es_span_t body, uint64_t now_us)
{
    actor_t *self = ctx;
    if (!es_desk_message(self->desk, key, msg, body, now_us)) return false;
    es_metric_add(&es_jobs_asked, 1);
    return true;
}

static void on_figures(void *ctx, es_actor_figures_t *out, uint64_t now_us)
{
    (void)now_us;
    out->load = running(ctx);
    out->count = es_metric_get(&es_jobs_asked);
}

/* ---- the work */

static void sender_message(void *ctx, es_span_t key, const es_msg_t *msg, const void *body, size_t len, uint64_t now_us)
{
    actor_t *self = ctx;
    if (msg->kind == ES_JOB_NEWS) es_desk_news(self->desk, key, es_span_of(body, len), now_us);
}

static void sender_drain(void *ctx, uint64_t now_us)
{
    actor_t *self = ctx;
    es_runner_drain(self->watch, now_us);
}

static bool sender_readable(void *ctx, uint64_t now_us)
{
    actor_t *self = ctx;
    return es_sender_link_drain(self->sender, ES_LOOP_BATCH, now_us);
}

static void on_flush(void *ctx)
{
    actor_t *self = ctx;
    es_sender_link_flush(self->sender);
}

/* ---- time, start and end */

static void store_changed(void *ctx, uint64_t now_us)
{
    (void)ctx;
    (void)now_us;
}

static uint64_t on_tick(void *ctx, uint64_t now_us)
{
    actor_t *self = ctx;
    uint64_t next = es_sender_link_tick(self->sender, now_us), desk = es_desk_tick(self->desk, now_us);
    if (desk < next) next = desk;
    es_sender_link_report(self->sender, self->config->common.name, 0, 0, 0);
    if (self->end_us && now_us >= self->end_us) es_loop_stop(self->loop);
    return self->end_us && self->end_us < next ? self->end_us : next;
}

static void on_term(void *ctx, uint64_t now_us)
{
    actor_t *self = ctx;
    es_log_info("draining", ES_U("uploads", es_worker_streams(self->uploads)));
    es_actor_link_drain(self->link);
    es_worker_drain(self->uploads);
    self->end_us = now_us + drain_us;
}

static int open_store(actor_t *self)
{
    char err[1024], shown[1024];
    const es_jobs_config_t *config = self->config;
    es_jobs_store_shown(config->store, shown, sizeof shown);
    self->lock = es_name_lock_take(config->spool, config->common.name, err, sizeof err);
    if (self->lock < 0) {
        es_log_error("cannot start", ES_S("spool", config->spool), ES_S("error", err));
        return -1;
    }
    self->store = es_store_thread_new(config->store, true, self->loop, store_changed, self, err, sizeof err);
    if (!self->store) es_log_error("cannot start", ES_S("store", shown), ES_S("error", err));
    return self->store ? 0 : -1;
}

static int open_desk(actor_t *self)
{
    es_desk_config_t config = {.config = self->config,
                               .loop = self->loop,
                               .store = self->store,
                               .publish = publish,
                               .changed = job_changed,
                               .running = running,
                               .ctx = self};
    self->desk = es_desk_new(&config);
    return self->desk ? 0 : -1;
}

static int link_services(actor_t *self)
{
    static const es_actor_link_ops_t link_ops = {.message = on_message, .figures = on_figures};
    const es_common_config_t *common = &self->config->common;
    es_actor_link_config_t link = {.name = common->name,
                                   .service = ES_JOBS_SERVICE,
                                   .brokers = common->broker,
                                   .capacity = (uint32_t)self->config->concurrency};
    es_worker_config_t worker = {.name = common->name,
                                 .service = ES_UPLOAD_SERVICE,
                                 .brokers = common->broker,
                                 .capacity = (uint32_t)self->config->max_uploads};
    self->link = es_actor_link_new(&link, &link_ops, self);
    self->uploads = es_worker_new(&worker, &es_desk_upload_ops, self->desk);
    return self->link && self->uploads ? 0 : -1;
}

static int link_sender(actor_t *self)
{
    static const es_sender_link_ops_t ops = {.message = sender_message, .drain = sender_drain};
    void *sockets[ES_BROKERS_MAX];
    char hex[17];
    es_hex16(es_random_u64(), hex);
    memcpy(self->prefix, hex, ES_PREFIX_LEN);
    self->sender = es_sender_link_new(self->config->common.broker, self->prefix, &ops, self);
    if (!self->sender) return -1;
    es_sender_link_serves(self->sender, ES_JOBS_SERVICE);
    es_sender_link_subscribe(self->sender, es_span(ES_JOBS_TOPIC), true);
    int n = es_sender_link_sockets(self->sender, sockets, ES_BROKERS_MAX);
    for (int i = 0; i < n; i++) es_loop_add_socket(self->loop, sockets[i], sender_readable, self);
    return 0;
}

static int start(actor_t *self)
{
    if (open_store(self) != 0 || open_desk(self) != 0 || link_services(self) != 0 || link_sender(self) != 0) return -1;
    es_loop_add_tick(self->loop, on_tick, self);
    es_loop_add_flush(self->loop, on_flush, self);
    es_worker_attach(self->uploads, self->loop);
    es_actor_link_attach(self->link, self->loop);
    es_log_info("serving", ES_S("store", es_store_thread_kind(self->store)), ES_S("spool", self->config->spool),
                ES_U("concurrency", self->config->concurrency));
    return 0;
}

static void end(actor_t *self)
{
    es_worker_destroy(&self->uploads);
    es_desk_stop(self->desk);
    es_store_thread_destroy(&self->store); /* what is done by it may still publish and send */
    es_desk_destroy(&self->desk);
    es_actor_link_destroy(&self->link);
    es_sender_link_destroy(&self->sender);
    if (self->lock >= 0) close(self->lock);
    es_loop_destroy(&self->loop);
}

void es_jobs_actor(zsock_t *pipe, void *args)
{
    actor_t self = {.config = args, .loop = es_loop_new(), .lock = -1};
    es_log_actor(self.config->common.name);
    if (start(&self) == 0) {
        self.watch = es_runner_watch_pipe(self.loop, pipe, on_term, &self);
        es_actor_link_on_drain(self.link, es_runner_drain, self.watch);
        es_worker_on_drain(self.uploads, es_runner_drain, self.watch);
        zsock_signal(pipe, 0);
        es_loop_run(self.loop);
    } else {
        es_runner_fail(pipe);
    }
    end(&self);
}

es_metric_t *const *es_jobs_metrics(void)
{
    return es_jobs_work_metrics();
}
