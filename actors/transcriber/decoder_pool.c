#include "decoder_pool.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alloc.h"
#include "decoder_link.h"
#include "log.h"
#include "wire.h"

enum {
    ATTEMPTS = 2,
    RATE = 16000,
    RETRY_US = 500000,
    START_US = 10000000,
    PATIENCE = 8,
    STARVED = 50,
    LOOK_US = 500000
};
#define QUEUE_BYTES ((size_t)256 * 1024 * 1024)

static ES_METRIC_COUNTER(segments, "earshot_transcriber_segments_total", "Segments decoded.");
static ES_METRIC_COUNTER(samples_in, "earshot_transcriber_samples_total", "Samples of them, 16000 a second.");
static ES_METRIC_COUNTER(busy_us, "earshot_transcriber_decoding_us_total", "Time that decoders spent on them.");
static ES_METRIC_COUNTER(ended, "earshot_transcriber_attempts_failed_total{why=\"ended\"}",
                         "Attempts at a segment that failed: the decoder ended, or took too long.");
static ES_METRIC_COUNTER(overdue, "earshot_transcriber_attempts_failed_total{why=\"deadline\"}", "");
static ES_METRIC_COUNTER(failed, "earshot_transcriber_segments_failed_total", "Segments given up.");
static ES_METRIC_COUNTER(refused, "earshot_transcriber_segments_refused_total",
                         "Segments refused because too much audio was waiting.");
static ES_METRIC_COUNTER(forked, "earshot_transcriber_decoders_forked_total", "Decoders started.");
static ES_METRIC_GAUGE(queued, "earshot_transcriber_segments_waiting", "Segments waiting for a decoder.");
static ES_METRIC_GAUGE(decoders_all, "earshot_transcriber_decoders", "Decoders that there may be, busy or not.");
static ES_METRIC_GAUGE(decoders_busy, "earshot_transcriber_decoders_busy", "Decoders with a segment.");

es_metric_t *const *es_decoder_pool_metrics(void)
{
    static es_metric_t *const list[] = {&segments, &samples_in, &busy_us, &ended,        &overdue,       &failed,
                                        &refused,  &forked,     &queued,  &decoders_all, &decoders_busy, NULL};
    return list;
}

typedef struct job {
    struct job *next;
    void *owner; /* NULL: forgotten */
    uint64_t id;
    int attempts;
    uint64_t since_us; /* when it came */
    size_t samples;
    int16_t pcm[];
} job_t;

typedef enum { ABSENT, STARTING, IDLE, BUSY } decoder_state_t;

/*  ABSENT --fork--> STARTING --ready--> IDLE <--job, result--> BUSY
 *     ^----------------- gone, or too slow ----------------------'   */
typedef struct {
    es_decoder_pool_t *pool;
    es_decoder_link_t *link;
    decoder_state_t state;
    job_t *job;
    uint64_t since_us, due_us; /* of STARTING and BUSY; due_us: when to look at it */
    uint64_t limit_us;         /* of the job */
    uint64_t cpu_from, cpu_us; /* its process's clock when the job began, and when it was last looked at */
    uint64_t looked_us;
    int pid;
} decoder_t;

struct es_decoder_pool {
    es_decoder_pool_config_t config;
    es_zygote_t *zygote;
    es_loop_t *loop;
    es_decoder_pool_fn fn;
    job_t *first, *last;
    size_t waiting, waiting_bytes;
    uint64_t fork_us;   /* not before, after one could not be started */
    uint32_t unstarted; /* in a row */
    decoder_t decoders[];
};

/* --- the queue --- */

static void push_front(es_decoder_pool_t *self, job_t *job)
{
    job->next = self->first;
    self->first = job;
    if (!self->last) self->last = job;
    self->waiting++;
    self->waiting_bytes += job->samples * sizeof(int16_t);
    es_metric_add(&queued, 1);
}

static void push_back(es_decoder_pool_t *self, job_t *job)
{
    if (!self->last) {
        push_front(self, job);
        return;
    }
    self->last->next = job;
    self->last = job;
    self->waiting++;
    self->waiting_bytes += job->samples * sizeof(int16_t);
    es_metric_add(&queued, 1);
}

static job_t *take_out(es_decoder_pool_t *self, job_t **at, job_t *before)
{
    job_t *job = *at;
    *at = job->next;
    if (self->last == job) self->last = before;
    job->next = NULL;
    self->waiting--;
    self->waiting_bytes -= job->samples * sizeof(int16_t);
    es_metric_add(&queued, UINT64_MAX);
    return job;
}

static void answer(es_decoder_pool_t *self, job_t *job, const es_engine_result_t *result)
{
    if (result->error.len > 0) es_metric_add(&failed, 1);
    if (job->owner) self->fn(job->owner, job->id, result);
    free(job);
}

/* --- decoders --- */

static void schedule(es_decoder_pool_t *self);

static void absent(decoder_t *d)
{
    es_decoder_link_destroy(&d->link);
    if (d->state == BUSY) es_metric_add(&decoders_busy, UINT64_MAX);
    d->state = ABSENT;
    d->job = NULL;
}

static void did_not_start(es_decoder_pool_t *self)
{
    self->fork_us = es_now_us() + RETRY_US;
    if (++self->unstarted == self->config.start_limit) self->config.broken(self->config.broken_ctx, self->unstarted);
}

/* The decoder is lost with its job. */
static void attempt_failed(decoder_t *d, es_metric_t *why, const char *reason)
{
    es_decoder_pool_t *self = d->pool;
    job_t *job = d->job;
    absent(d);
    if (!job) return;
    es_metric_add(why, 1);
    if (!job->owner) {
        free(job);
        return;
    }
    es_log_warn("decoder lost", ES_S("why", reason), ES_U("samples", job->samples), ES_I("attempt", job->attempts));
    if (job->attempts < ATTEMPTS) {
        push_front(self, job);
        return;
    }
    es_engine_result_t result = {.error = es_span(reason)};
    answer(self, job, &result);
}

static void on_ready(void *ctx, int pid)
{
    decoder_t *d = ctx;
    if (d->state != STARTING) return;
    d->pid = pid;
    d->state = IDLE;
    d->pool->unstarted = 0;
    schedule(d->pool);
}

static void on_result(void *ctx, uint64_t id, const es_engine_result_t *result)
{
    decoder_t *d = ctx;
    job_t *job = d->job;
    if (d->state != BUSY || id != job->id) return;
    d->job = NULL;
    d->state = IDLE;
    es_metric_add(&decoders_busy, UINT64_MAX);
    es_metric_add(&segments, 1);
    es_metric_add(&samples_in, job->samples);
    es_metric_add(&busy_us, es_now_us() - d->since_us);
    answer(d->pool, job, result);
    schedule(d->pool);
}

static void on_gone(void *ctx)
{
    decoder_t *d = ctx;
    es_decoder_pool_t *self = d->pool;
    if (d->state == STARTING) {
        es_log_warn("a decoder did not start");
        did_not_start(self);
    }
    attempt_failed(d, &ended, "the decoder ended in the middle of the segment");
    schedule(self);
}

/* CPU time of a process so far; 0 where it is gone. */
static uint64_t cpu_clock(int pid)
{
    clockid_t clock;
    struct timespec t;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &t) != 0) return 0;
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static bool start(es_decoder_pool_t *self, uint64_t now_us)
{
    static const es_decoder_link_ops_t ops = {.ready = on_ready, .result = on_result, .gone = on_gone};
    const es_decoder_role_t role = {.batch = self->config.batch, .nice = self->config.nice};
    for (uint32_t i = 0; i < self->config.decoders; i++) {
        decoder_t *d = &self->decoders[i];
        if (d->state != ABSENT) continue;
        d->link = es_decoder_link_new(self->zygote, self->loop, self->config.first_id + i, role, &ops, d);
        if (!d->link) {
            did_not_start(self);
            return false;
        }
        d->state = STARTING;
        d->since_us = now_us;
        d->limit_us = START_US;
        d->due_us = now_us + START_US;
        es_metric_add(&forked, 1);
        return true;
    }
    return false;
}

static void give(decoder_t *d, job_t *job, uint64_t now_us)
{
    uint64_t thrice = (uint64_t)job->samples * 3 * 1000000 / RATE;
    uint64_t deadline = d->pool->config.deadline_us;
    job->attempts++;
    d->job = job;
    d->state = BUSY;
    es_metric_add(&decoders_busy, 1);
    d->limit_us = deadline > thrice ? deadline : thrice;
    d->since_us = d->looked_us = now_us;
    d->due_us = now_us + d->limit_us;
    d->cpu_from = d->cpu_us = cpu_clock(d->pid);
    es_decoder_link_send(d->link, ES_DW_DECODE, job->id, job->pcm, job->samples * sizeof *job->pcm);
}

static void schedule(es_decoder_pool_t *self)
{
    uint64_t now = es_now_us();
    size_t starting = 0;
    for (uint32_t i = 0; i < self->config.decoders && self->first; i++) {
        decoder_t *d = &self->decoders[i];
        if (d->state == STARTING) starting++;
        if (d->state == IDLE) give(d, take_out(self, &self->first, NULL), now);
    }
    while (self->waiting > starting && now >= self->fork_us && start(self, now)) starting++;
}

/* Does it work, or want to? One that hangs sleeps. */
static bool runnable(int pid)
{
    char path[32], stat[512];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *file = fopen(path, "r");
    if (!file) return false;
    stat[fread(stat, 1, sizeof stat - 1, file)] = '\0';
    fclose(file);
    const char *name_end = strrchr(stat, ')');
    return name_end && strncmp(name_end, ") R", 3) == 0;
}

/* Its time is over, but does it work, only too slowly because the machine has too much to do? Killing it would make that worse, and lose words. */
static bool starved(decoder_t *d, uint64_t now_us)
{
    bool batch = d->pool->config.batch;
    uint64_t cpu = cpu_clock(d->pid), used = cpu - d->cpu_us;
    if (d->state != BUSY || cpu < d->cpu_us || cpu - d->cpu_from >= d->limit_us) return false;
    if (!batch && now_us - d->since_us > PATIENCE * d->limit_us) return false;
    if (used * STARVED < now_us - d->looked_us && !(batch && runnable(d->pid))) return false;
    d->cpu_us = cpu;
    d->looked_us = now_us;
    d->due_us = now_us + (d->limit_us / 4 > LOOK_US ? d->limit_us / 4 : LOOK_US);
    return true;
}

/* The host itself may have been stopped for a while: look first whether the answer has come. */
static void look_at_late(decoder_t *d)
{
    es_decoder_pool_t *self = d->pool;
    uint64_t since = d->since_us;
    bool starting = d->state == STARTING;
    es_decoder_link_pump(d->link);
    if (d->state != (starting ? STARTING : BUSY) || d->since_us != since || starved(d, es_now_us())) return;
    char reason[96];
    if (starting) did_not_start(self);
    snprintf(reason, sizeof reason, "the decoder took longer than %u ms", (unsigned)(d->limit_us / 1000));
    attempt_failed(d, &overdue, reason);
    schedule(self);
}

uint64_t es_decoder_pool_tick(void *ctx, uint64_t now_us)
{
    es_decoder_pool_t *self = ctx;
    uint64_t next = UINT64_MAX;
    for (uint32_t i = 0; i < self->config.decoders; i++) {
        decoder_t *d = &self->decoders[i];
        if ((d->state == BUSY || d->state == STARTING) && now_us >= d->due_us) look_at_late(d);
        if ((d->state == BUSY || d->state == STARTING) && d->due_us < next) next = d->due_us;
    }
    if (self->waiting > 0 && self->fork_us > 0) {
        if (now_us >= self->fork_us) {
            self->fork_us = 0;
            schedule(self);
        }
        if (self->fork_us > 0 && self->fork_us < next) next = self->fork_us;
    }
    return next;
}

/* --- the outside --- */

es_decoder_pool_t *es_decoder_pool_new(const es_decoder_pool_config_t *config, es_zygote_t *zygote, es_loop_t *loop,
                                       es_decoder_pool_fn fn)
{
    assert(config->decoders > 0 && config->first_id + config->decoders <= ES_ZYGOTE_CHILDREN / 2);
    es_decoder_pool_t *self = es_alloc_zero(sizeof *self + config->decoders * sizeof *self->decoders);
    self->config = *config;
    es_metric_add(&decoders_all, config->decoders);
    if (self->config.queue_bytes == 0) self->config.queue_bytes = QUEUE_BYTES;
    self->zygote = zygote;
    self->loop = loop;
    self->fn = fn;
    for (uint32_t i = 0; i < config->decoders; i++) self->decoders[i].pool = self;
    es_loop_add_tick(loop, es_decoder_pool_tick, self);
    return self;
}

void es_decoder_pool_destroy(es_decoder_pool_t **self_p)
{
    es_decoder_pool_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    es_metric_add(&decoders_all, -(uint64_t)self->config.decoders);
    for (uint32_t i = 0; i < self->config.decoders; i++) {
        free(self->decoders[i].job);
        absent(&self->decoders[i]);
    }
    while (self->first) free(take_out(self, &self->first, NULL));
    free(self);
}

int es_decoder_pool_submit(es_decoder_pool_t *self, void *owner, uint64_t id, const int16_t *pcm, size_t samples)
{
    size_t bytes = samples * sizeof *pcm;
    if (bytes > ES_DW_MAX || self->waiting_bytes + bytes > self->config.queue_bytes) {
        es_metric_add(&refused, 1);
        return -1;
    }
    job_t *job = es_alloc(sizeof *job + bytes);
    *job = (job_t){.owner = owner, .id = id, .since_us = es_now_us(), .samples = samples};
    memcpy(job->pcm, pcm, bytes);
    push_back(self, job);
    schedule(self);
    return 0;
}

/* Nobody wants what it does. Another one is forked in a moment; a recording's segment may take seconds, which the next one must wait. */
static void abandon(decoder_t *d)
{
    d->job->owner = NULL;
    if (!d->pool->config.batch) return;
    free(d->job);
    absent(d);
}

void es_decoder_pool_forget(es_decoder_pool_t *self, const void *owner)
{
    job_t *before = NULL;
    for (job_t **at = &self->first; *at;) {
        if ((*at)->owner == owner) {
            free(take_out(self, at, before));
        } else {
            before = *at;
            at = &before->next;
        }
    }
    for (uint32_t i = 0; i < self->config.decoders; i++)
        if (self->decoders[i].job && self->decoders[i].job->owner == owner) abandon(&self->decoders[i]);
    schedule(self);
}

size_t es_decoder_pool_waiting(const es_decoder_pool_t *self)
{
    return self->waiting;
}

uint64_t es_decoder_pool_oldest(const es_decoder_pool_t *self)
{
    return self->first ? self->first->since_us : 0;
}
