#include "jobs_actor.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "actor_link.h"
#include "decode_pool.h"
#include "desk.h"
#include "endpoints.h"
#include "job_stats.h"
#include "job_wire.h"
#include "jobs_metrics.h"
#include "log.h"
#include "metrics_page.h"
#include "name_lock.h"
#include "runner.h"
#include "scheduler.h"
#include "sender_link.h"
#include "store_thread.h"
#include "url_shown.h"
#include "wire.h"
#include "worker.h"

static const uint64_t idle_us = 60000000;      /* of an upload: its place is given back */
static const uint64_t drain_us = 300000;       /* what is on its way to us when the brokers hear that we drain */
static const uint64_t drain_most_us = 5000000; /* for the store to take jobs back; leases do it else */

typedef struct {
    const es_jobs_config_t *config;
    es_loop_t *loop;
    int lock; /* on our name; -1: none */
    es_store_thread_t *store;
    es_desk_t *desk;
    es_scheduler_t *scheduler;
    es_actor_link_t *link;    /* service `jobs` */
    es_worker_t *uploads;     /* service `upload` */
    es_sender_link_t *sender; /* to those who do the work */
    es_pipe_watch_t *watch;
    char prefix[ES_PREFIX_LEN + 1];
    uint64_t end_us, end_most_us; /* when draining is over, at the earliest and the latest; 0: not asked to end */
} actor_t;

/* ---- what the desk wants of us, and what comes for it */

static void publish(void *ctx, es_span_t key, const es_msg_t *msg, const void *body, size_t len)
{
    actor_t *self = ctx;
    es_actor_link_publish(self->link, key, msg, body, len);
}

static void job_changed(void *ctx, const char *id, const es_job_t *job, uint64_t now_us)
{
    actor_t *self = ctx;
    if (!job || es_job_over(job->state))
        es_scheduler_drop(self->scheduler, id, job ? job->version : UINT64_MAX, now_us);
    else
        es_scheduler_wake(self->scheduler, now_us);
}

static size_t running(void *ctx)
{
    actor_t *self = ctx;
    es_scheduler_stats_t stats;
    es_scheduler_stats(self->scheduler, &stats);
    return stats.running;
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

static void sender_message(void *ctx, int broker, es_span_t key, const es_msg_t *msg, const void *body, size_t len,
                           uint64_t now_us)
{
    actor_t *self = ctx;
    if (es_scheduler_receive(self->scheduler, broker, key, msg, body, len, now_us)) return;
    if (msg->kind != ES_JOB_NEWS) return;
    es_desk_news(self->desk, key, es_span_of(body, len), now_us);
    es_scheduler_news(self->scheduler, key, es_span_of(body, len), now_us);
}

static void sender_changed(void *ctx, uint64_t now_us)
{
    actor_t *self = ctx;
    es_scheduler_brokers_changed(self->scheduler, now_us);
}

static int work_open_file(void *ctx, const char *job)
{
    actor_t *self = ctx;
    return es_spool_file_open(es_desk_spool(self->desk), job);
}

static int work_broker(void *ctx, es_span_t key)
{
    actor_t *self = ctx;
    return es_sender_link_broker(self->sender, key);
}

static void work_send(void *ctx, int broker, es_span_t key, const es_msg_t *msg, const void *body, size_t len)
{
    actor_t *self = ctx;
    es_sender_link_send(self->sender, broker, key, msg, body, len); /* loss is counted there and mended by the sender */
}

static void work_tell(void *ctx, const es_job_t *job, const char *type, es_span_t text, uint64_t now_us)
{
    actor_t *self = ctx;
    es_desk_tell(self->desk, job, type, text, now_us);
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
    actor_t *self = ctx;
    es_scheduler_wake(self->scheduler, now_us);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t drain(actor_t *self, const es_scheduler_stats_t *work, uint64_t now_us)
{
    bool busy = work->running > 0 || work->claiming > 0;
    if (!self->end_us) return UINT64_MAX;
    if (now_us >= (busy ? self->end_most_us : self->end_us)) es_loop_stop(self->loop);
    return busy ? self->end_most_us : self->end_us;
}

static uint64_t on_tick(void *ctx, uint64_t now_us)
{
    actor_t *self = ctx;
    es_scheduler_stats_t work;
    uint64_t next = es_sender_link_tick(self->sender, now_us);
    next = earlier(next, es_desk_tick(self->desk, now_us));
    es_scheduler_reachable(self->scheduler, es_sender_link_ready(self->sender));
    next = earlier(next, es_scheduler_tick(self->scheduler, now_us));
    es_scheduler_stats(self->scheduler, &work);
    uint64_t lag = work.oldest_us && work.oldest_us < now_us ? now_us - work.oldest_us : 0;
    es_sender_link_report(self->sender, self->config->common.name, work.running, work.frames, lag);
    return earlier(next, drain(self, &work, now_us));
}

static void on_term(void *ctx, uint64_t now_us)
{
    actor_t *self = ctx;
    es_log_info("draining", ES_U("uploads", es_worker_streams(self->uploads)));
    es_actor_link_drain(self->link);
    es_worker_drain(self->uploads);
    es_scheduler_drain(self->scheduler, now_us);
    self->end_us = now_us + drain_us;
    self->end_most_us = now_us + drain_most_us;
}

static int open_store(actor_t *self)
{
    char err[1024], shown[1024];
    const es_jobs_config_t *config = self->config;
    es_url_shown(config->store, shown, sizeof shown);
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

/* A sender that is silent for longer may be dead, and have died before a broker knew of it. One that lives begins anew with what is in the spool. */
static uint64_t upload_idle(const es_jobs_config_t *config)
{
    return config->part_keep_us < idle_us ? config->part_keep_us : idle_us;
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
                                 .capacity = (uint32_t)self->config->max_uploads,
                                 .idle_us = upload_idle(self->config)};
    self->link = es_actor_link_new(&link, &link_ops, self);
    self->uploads = es_worker_new(&worker, &es_desk_upload_ops, self->desk);
    return self->link && self->uploads ? 0 : -1;
}

static int link_sender(actor_t *self)
{
    static const es_sender_link_ops_t ops = {
        .message = sender_message, .changed = sender_changed, .drain = sender_drain};
    void *sockets[ES_BROKERS_MAX];
    char hex[17], before[ES_NAME_LOCK_TAG + 1];
    es_hex16(es_random_u64(), hex);
    memcpy(self->prefix, hex, ES_PREFIX_LEN);
    self->sender = es_sender_link_new(self->config->common.broker, self->prefix, &ops, self);
    if (!self->sender) return -1;
    es_sender_link_serves(self->sender, ES_JOBS_SERVICE);
    if (es_name_lock_swap(self->lock, self->prefix, before))
        es_sender_link_succeeds(self->sender, before, self->config->common.name);
    es_sender_link_subscribe(self->sender, es_span(ES_JOBS_TOPIC), true);
    int n = es_sender_link_sockets(self->sender, sockets, ES_BROKERS_MAX);
    for (int i = 0; i < n; i++) es_loop_add_socket(self->loop, sockets[i], sender_readable, self);
    return 0;
}

static void begin_work(actor_t *self)
{
    static const es_scheduler_ops_t ops = {
        .open_file = work_open_file, .broker = work_broker, .send = work_send, .tell = work_tell};
    es_scheduler_config_t config = {.config = self->config,
                                    .loop = self->loop,
                                    .store = self->store,
                                    .spool = es_spool_id(es_desk_spool(self->desk)),
                                    .prefix = self->prefix};
    self->scheduler = es_scheduler_new(&config, &ops, self, es_now_us());
}

static int start(actor_t *self)
{
    if (open_store(self) != 0 || open_desk(self) != 0 || link_services(self) != 0 || link_sender(self) != 0) return -1;
    begin_work(self);
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
    es_scheduler_destroy(&self->scheduler);
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
    es_metrics_register(es_jobs_metrics());
    es_metrics_register(es_worker_metrics());
    es_metrics_register(es_sender_link_metrics());
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

static es_metric_t *all_metrics[128]; /* the last one stays NULL */

static void gather_metrics(void)
{
    es_metric_t *const *const parts[] = {es_jobs_work_metrics(), es_decode_pool_metrics(), es_desk_metrics(),
                                         es_job_stats_metrics()};
    size_t n = 0;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        for (es_metric_t *const *m = parts[i]; *m && n + 1 < sizeof all_metrics / sizeof all_metrics[0]; m++)
            all_metrics[n++] = *m;
}

es_metric_t *const *es_jobs_metrics(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, gather_metrics);
    return all_metrics;
}
