#include "scheduler.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "job_wire.h"
#include "jobs_metrics.h"
#include "log.h"
#include "scheduler_state.h"
#include "wire.h"

#define SECOND UINT64_C(1000000)
#define LOOK_US (5 * SECOND)         /* for jobs, where nobody tells of any */
#define TROUBLE_US SECOND            /* before the store is asked again */
#define PROBE_US SECOND              /* for an analysis actor */
#define PROBE_EARLY_US (SECOND / 10) /* until the first answer */
#define PROBED_US (3 * SECOND)       /* as long as an answer holds */
#define SAMPLES_A_MS 16u
#define ANALYSES_A_PLACE 4u /* jobs that wait for their analysis take no place, but there is an end to them */

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* ---- what an earlier life held */

typedef struct {
    es_scheduler_t *scheduler;
    char *worker, *spool;
    uint64_t now_ms;
    size_t count;
} reclaim_t;

static es_jobs_result_t reclaim_in_store(void *arg, es_job_store_t *store)
{
    reclaim_t *task = arg;
    return es_job_store_reclaim(store, task->spool, task->worker, task->now_ms, &task->count);
}

static void reclaimed(void *arg, es_jobs_result_t result, uint64_t now_us)
{
    reclaim_t *task = arg;
    es_scheduler_t *self = task->scheduler;
    self->claiming = false;
    self->reclaimed = result == ES_JOBS_OK;
    self->claim_us = self->reclaimed ? now_us : now_us + TROUBLE_US;
    if (task->count > 0) es_log_info("jobs of an earlier life are taken up again", ES_U("jobs", task->count));
    free(task->worker);
    free(task->spool);
    free(task);
}

static char *copy(const char *text)
{
    return es_alloc_copy(text, strlen(text));
}

static void reclaim(es_scheduler_t *self)
{
    reclaim_t *task = es_alloc_zero(sizeof *task);
    *task = (reclaim_t){.scheduler = self,
                        .worker = copy(self->config.config->common.name),
                        .spool = copy(self->config.spool),
                        .now_ms = es_wall_us() / 1000};
    self->claiming = true;
    es_store_thread_submit(self->config.store, reclaim_in_store, reclaimed, task);
}

/* ---- claims: as many as there are places, in one transaction */

typedef struct {
    es_scheduler_t *scheduler;
    const char *worker, *spool;
    uint64_t now_ms, lease_ms, next_ms;
    size_t wanted, n;
    es_job_t jobs[];
} claim_t;

static void forget_jobs(claim_t *task)
{
    while (task->n > 0) es_job_fini(&task->jobs[--task->n]);
}

static es_jobs_result_t claim_in_store(void *arg, es_job_store_t *store)
{
    claim_t *task = arg;
    es_jobs_result_t result = ES_JOBS_OK;
    forget_jobs(task);
    while (task->n < task->wanted && result == ES_JOBS_OK) {
        result = es_job_store_claim(store, task->spool, task->worker, task->now_ms, task->lease_ms,
                                    &task->jobs[task->n], &task->next_ms);
        if (result == ES_JOBS_OK) task->n++;
    }
    return result == ES_JOBS_NONE ? ES_JOBS_OK : result;
}

static void take_up(es_scheduler_t *self, claim_t *task, uint64_t now_us)
{
    for (size_t i = 0; i < task->n; i++) {
        es_metric_add(&es_jobs_claimed, 1);
        self->slots[self->running++] = es_slot_new(self, &task->jobs[i], now_us);
    }
    task->n = 0;
}

/* When a job becomes due, by the clock of the wall, or in a while, since nobody may have told. */
static uint64_t look_again(const claim_t *task, uint64_t now_us)
{
    uint64_t now_ms = es_wall_us() / 1000, at = now_us + LOOK_US;
    if (task->next_ms == 0) return at;
    uint64_t due = task->next_ms > now_ms ? now_us + (task->next_ms - now_ms) * 1000 : now_us + 1000;
    return earlier(at, due);
}

static void claimed(void *arg, es_jobs_result_t result, uint64_t now_us)
{
    claim_t *task = arg;
    es_scheduler_t *self = task->scheduler;
    bool all = task->n == task->wanted;
    self->claiming = false;
    if (result == ES_JOBS_OK)
        take_up(self, task, now_us);
    else
        forget_jobs(task);
    uint64_t at = result != ES_JOBS_OK ? now_us + TROUBLE_US : all ? now_us : look_again(task, now_us);
    self->claim_us = earlier(self->claim_us, at); /* it may have been woken meanwhile */
    free(task);
    if (self->draining) es_scheduler_drain(self, now_us);
}

static size_t free_places(const es_scheduler_t *self)
{
    size_t places = (size_t)self->config.config->concurrency, most = places * ANALYSES_A_PLACE, taken = 0;
    for (size_t i = 0; i < self->running; i++) taken += !es_job_run_heard_out(self->slots[i]->run);
    if (taken >= places || self->running >= most) return 0;
    return places - taken < most - self->running ? places - taken : most - self->running;
}

static void claim(es_scheduler_t *self, size_t wanted)
{
    claim_t *task = es_alloc_zero(sizeof *task + wanted * sizeof task->jobs[0]);
    task->scheduler = self;
    task->worker = self->config.config->common.name;
    task->spool = self->config.spool;
    task->now_ms = es_wall_us() / 1000;
    task->lease_ms = self->config.config->lease_us / 1000;
    task->wanted = wanted;
    self->claiming = true;
    self->claim_us = UINT64_MAX;
    es_store_thread_submit(self->config.store, claim_in_store, claimed, task);
}

static uint64_t look_for_jobs(es_scheduler_t *self, uint64_t now_us)
{
    size_t room = self->claiming || self->draining ? 0 : free_places(self);
    if (room == 0) return UINT64_MAX;
    if (now_us < self->claim_us) return self->claim_us;
    if (self->reclaimed)
        claim(self, room);
    else
        reclaim(self);
    return UINT64_MAX;
}

void es_scheduler_wake(es_scheduler_t *self, uint64_t now_us)
{
    self->claim_us = earlier(self->claim_us, now_us);
}

/* ---- is there an analysis actor? */

static uint64_t look_for_analysis(es_scheduler_t *self, uint64_t now_us)
{
    if (now_us >= self->probe_us) {
        es_msg_t msg = {.kind = ES_PROBE};
        ES_SET(&msg, ES_M_SERVICE, service, es_span(ES_ANALYZE_SERVICE));
        es_span_t key = es_span(self->probe_key);
        self->ops->send(self->ctx, self->ops->broker(self->ctx, key), key, &msg, NULL, 0);
        self->probe_us = now_us + (self->probed_us ? PROBE_US : PROBE_EARLY_US);
    }
    if (now_us >= self->probed_us + PROBED_US) self->absent_us = 0;
    uint64_t wait = self->house.analysis_wait_us;
    self->house.no_analysis = self->absent_us && now_us >= self->absent_us + wait;
    bool soon = self->absent_us && !self->house.no_analysis;
    return soon ? earlier(self->probe_us, self->absent_us + wait) : self->probe_us;
}

static void take_probed(es_scheduler_t *self, const es_msg_t *msg, uint64_t now_us)
{
    self->probed_us = now_us;
    if (msg->load > 0)
        self->absent_us = 0;
    else if (!self->absent_us)
        self->absent_us = now_us;
}

/* ---- runs */

bool es_scheduler_receive(es_scheduler_t *self, int broker, es_span_t key, const es_msg_t *msg, const void *body,
                          size_t len, uint64_t now_us)
{
    if (msg->kind == ES_PROBED && es_span_eq(key, es_span(self->probe_key))) {
        take_probed(self, msg, now_us);
        return true;
    }
    for (size_t i = 0; i < self->running; i++) {
        es_slot_t *slot = self->slots[i];
        if (!es_span_eq(key, es_span(es_job_run_key(slot->run)))) continue;
        slot->due_us = 0;
        es_job_run_receive(slot->run, broker == slot->broker, msg, body, len, es_scheduler_at(now_us));
        return true;
    }
    return false;
}

/* Its worker need not keep what nobody will ask for, where the old broker still forwards. */
static void move(es_scheduler_t *self, es_slot_t *slot, uint64_t now_us)
{
    es_span_t key = es_span(es_job_run_key(slot->run));
    int broker = key.len > 0 ? self->ops->broker(self->ctx, key) : slot->broker;
    if (broker == slot->broker) return;
    es_msg_t close = {.kind = ES_CLOSE, .epoch = es_job_run_epoch(slot->run)};
    self->ops->send(self->ctx, slot->broker, key, &close, NULL, 0);
    slot->broker = broker;
    slot->due_us = 0;
    es_job_run_moved(slot->run, es_scheduler_at(now_us));
}

void es_scheduler_brokers_changed(es_scheduler_t *self, uint64_t now_us)
{
    for (size_t i = 0; i < self->running; i++) move(self, self->slots[i], now_us);
}

void es_scheduler_reachable(es_scheduler_t *self, bool reachable)
{
    self->house.reachable = reachable;
}

void es_scheduler_drop(es_scheduler_t *self, const char *job, uint64_t version, uint64_t now_us)
{
    for (size_t i = 0; i < self->running; i++) {
        es_slot_t *slot = self->slots[i];
        if (strcmp(slot->hold.id, job) != 0 || version <= es_job_run_job(slot->run)->version) continue;
        slot->due_us = 0;
        es_job_run_drop(slot->run, es_scheduler_at(now_us));
    }
}

/* The words may stand in a file's name too, so they are looked at only where one of them is there at all. */
static void take_news(es_scheduler_t *self, const char *job, es_span_t body, uint64_t now_us)
{
    json_t *json = json_loadb(body.ptr, body.len, 0, NULL);
    const char *type = json_string_value(json_object_get(json, "type"));
    if (type && strcmp(type, "job.queued") == 0) es_scheduler_wake(self, now_us);
    if (type && (strcmp(type, "job.cancelled") == 0 || strcmp(type, "job.deleted") == 0))
        es_scheduler_drop(self, job, (uint64_t)json_integer_value(json_object_get(json, "version")), now_us);
    json_decref(json);
}

void es_scheduler_news(es_scheduler_t *self, es_span_t key, es_span_t body, uint64_t now_us)
{
    static const char *const words[] = {"job.queued", "job.cancelled", "job.deleted"};
    const size_t topic = sizeof ES_JOBS_TOPIC - 1;
    char job[ES_JOB_ID_LEN + 1] = "";
    if (key.len != topic + ES_JOB_ID_LEN || body.len == 0) return;
    memcpy(job, key.ptr + topic, ES_JOB_ID_LEN);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (!memmem(body.ptr, body.len, words[i], strlen(words[i]))) continue;
        take_news(self, job, body, now_us);
        return;
    }
}

static void clear_places(es_scheduler_t *self, uint64_t now_us)
{
    for (size_t i = 0; i < self->running;) {
        es_slot_t *slot = self->slots[i];
        if (!slot->over) {
            i++;
            continue;
        }
        es_job_run_stats_t stats;
        es_job_run_stats(slot->run, &stats);
        self->frames += stats.frames;
        es_metric_add(&es_jobs_yields, stats.yields);
        es_metric_add(&es_jobs_too_long, stats.too_long);
        es_slot_free(slot);
        self->slots[i] = self->slots[--self->running];
        es_scheduler_wake(self, now_us);
    }
    es_metric_set(&es_jobs_running, self->running);
}

uint64_t es_scheduler_tick(es_scheduler_t *self, uint64_t now_us)
{
    uint64_t next = look_for_analysis(self, now_us);
    next = earlier(next, es_decode_pool_tick(self->pool, now_us));
    for (size_t i = 0; i < self->running; i++) es_slot_tick(self->slots[i], now_us);
    clear_places(self, now_us);
    for (size_t i = 0; i < self->running; i++) next = earlier(next, self->slots[i]->due_us);
    return earlier(next, look_for_jobs(self, now_us));
}

void es_scheduler_drain(es_scheduler_t *self, uint64_t now_us)
{
    self->draining = true;
    for (size_t i = 0; i < self->running; i++) es_job_run_release(self->slots[i]->run, es_scheduler_at(now_us));
}

void es_scheduler_stats(const es_scheduler_t *self, es_scheduler_stats_t *out)
{
    *out = (es_scheduler_stats_t){.running = self->running, .claiming = self->claiming, .frames = self->frames};
    for (size_t i = 0; i < self->running; i++) {
        es_job_run_stats_t stats;
        es_job_run_stats(self->slots[i]->run, &stats);
        out->frames += stats.frames;
        if (stats.oldest_us && (!out->oldest_us || stats.oldest_us < out->oldest_us)) out->oldest_us = stats.oldest_us;
    }
}

es_scheduler_t *es_scheduler_new(const es_scheduler_config_t *config, const es_scheduler_ops_t *ops, void *ctx,
                                 uint64_t now_us)
{
    const es_jobs_config_t *options = config->config;
    es_decode_pool_config_t pool = {.silence_us = options->decode_silence_us,
                                    .cpu_us = options->decode_cpu_us,
                                    .memory_mib = options->decode_memory};
    es_scheduler_t *self = es_alloc_zero(sizeof *self);
    *self = (es_scheduler_t){.config = *config, .ops = ops, .ctx = ctx, .claim_us = now_us};
    self->house.analysis_wait_us = options->analysis_wait_us;
    self->run_config = (es_job_run_config_t){.stall_us = options->stall_us,
                                             .lease_us = options->lease_us,
                                             .max_samples = options->max_duration_us / 1000 * SAMPLES_A_MS,
                                             .house = &self->house};
    self->pool = es_decode_pool_new(&pool, config->loop);
    snprintf(self->probe_key, sizeof self->probe_key, "%s0000000001", config->prefix);
    return self;
}

void es_scheduler_destroy(es_scheduler_t **self_p)
{
    es_scheduler_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    while (self->running > 0) es_slot_free(self->slots[--self->running]);
    es_decode_pool_destroy(&self->pool);
    free(self);
}
