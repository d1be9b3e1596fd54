#include "keeper.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "keeper_files.h"
#include "log.h"
#include "wire.h"

#define SECOND UINT64_C(1000000)
#define EXPIRE_US (30 * SECOND)
#define EXPIRE_MORE_US (SECOND / 10)
#define NEVER UINT64_MAX

enum { EXPIRE_MAX = 100 }; /* jobs of one transaction */

static ES_METRIC_COUNTER(expired, "earshot_jobs_expired_total", "Jobs deleted because of their age or the count.");

es_metric_t *const *es_keeper_metrics(void)
{
    static es_metric_t *const list[] = {&expired, &es_keeper_files_removed, &es_keeper_doubts_left, NULL};
    return list;
}

struct es_keeper {
    es_keeper_config_t config;
    es_keeper_files_t *files;
    uint64_t expire_us, parts_us; /* when next; NEVER: under way */
    uint64_t before_ms;
    char ids[EXPIRE_MAX][ES_JOB_ID_LEN + 1];
    es_job_t jobs[EXPIRE_MAX];
    size_t n_ids, n_jobs;
    es_sync_task_t clearing;
};

/* ---- jobs that are over */

static void note_id(void *arg, const char *id)
{
    es_keeper_t *self = arg;
    if (self->n_ids < EXPIRE_MAX) snprintf(self->ids[self->n_ids++], sizeof self->ids[0], "%s", id);
}

static void forget_jobs(es_keeper_t *self)
{
    for (size_t i = 0; i < self->n_jobs; i++) es_job_fini(&self->jobs[i]);
    self->n_ids = self->n_jobs = 0;
}

static es_jobs_result_t run_expire(void *arg, es_job_store_t *store)
{
    es_keeper_t *self = arg;
    forget_jobs(self);
    es_jobs_result_t result = es_job_store_expired(store, es_spool_id(self->config.spool), self->before_ms,
                                                   self->config.keep_count, EXPIRE_MAX, note_id, self);
    for (size_t i = 0; i < self->n_ids && result != ES_JOBS_DOWN; i++) {
        es_job_t *job = &self->jobs[self->n_jobs];
        result = es_job_store_remove(store, self->ids[i], job);
        if (result == ES_JOBS_OK)
            self->n_jobs++;
        else
            es_job_fini(job);
    }
    return result == ES_JOBS_DOWN ? result : ES_JOBS_OK;
}

static void expire_done(void *arg, es_jobs_result_t result, uint64_t now_us)
{
    es_keeper_t *self = arg;
    bool more = result == ES_JOBS_OK && self->n_ids == EXPIRE_MAX;
    for (size_t i = 0; i < self->n_jobs && result == ES_JOBS_OK; i++) {
        es_metric_add(&expired, 1);
        es_log_info("job deleted: it is too old, or one too many", ES_S("job", self->jobs[i].id));
        es_spool_file_remove(self->config.spool, self->jobs[i].id);
        self->config.removed(self->config.ctx, &self->jobs[i], now_us);
    }
    forget_jobs(self);
    self->expire_us = now_us + (more ? EXPIRE_MORE_US : EXPIRE_US);
}

static void expire(es_keeper_t *self)
{
    uint64_t now_ms = es_wall_us() / 1000;
    self->expire_us = NEVER;
    self->before_ms = now_ms > self->config.keep_age_ms ? now_ms - self->config.keep_age_ms : 0;
    es_store_thread_submit(self->config.store, run_expire, expire_done, self);
}

/* ---- parts */

static es_keeper_t *of_clearing(es_sync_task_t *task)
{
    return (es_keeper_t *)((char *)task - offsetof(es_keeper_t, clearing));
}

static int run_clearing(es_sync_task_t *task)
{
    const es_keeper_t *self = of_clearing(task);
    es_spool_clear_parts(self->config.spool, es_wall_us() / 1000, self->config.part_keep_us / 1000);
    return 0;
}

static void clearing_done(es_sync_task_t *task, int error, uint64_t now_us)
{
    es_keeper_t *self = of_clearing(task);
    (void)error;
    self->parts_us = now_us + (self->config.part_keep_us < 60 * SECOND ? self->config.part_keep_us : 60 * SECOND);
}

static void clear_parts(es_keeper_t *self)
{
    self->parts_us = NEVER;
    self->clearing = (es_sync_task_t){.run = run_clearing, .done = clearing_done};
    es_spool_sync_submit(self->config.sync, &self->clearing);
}

/* ---- life */

es_keeper_t *es_keeper_new(const es_keeper_config_t *config)
{
    es_keeper_t *self = es_alloc_zero(sizeof *self);
    self->config = *config;
    self->files = es_keeper_files_new(config->spool, config->sync, config->reads, config->part_keep_us);
    return self;
}

void es_keeper_destroy(es_keeper_t **self_p)
{
    es_keeper_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    forget_jobs(self);
    es_keeper_files_destroy(&self->files);
    free(self);
}

void es_keeper_doubt(es_keeper_t *self, const char *job, bool removed, uint64_t now_us)
{
    es_keeper_files_doubt(self->files, job, removed, now_us);
}

uint64_t es_keeper_tick(es_keeper_t *self, uint64_t now_us)
{
    if (now_us >= self->expire_us) expire(self);
    if (now_us >= self->parts_us) clear_parts(self);
    uint64_t next = es_keeper_files_tick(self->files, now_us);
    if (self->expire_us < next) next = self->expire_us;
    return self->parts_us < next ? self->parts_us : next;
}
