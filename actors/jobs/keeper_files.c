#include "keeper_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "alloc.h"
#include "log.h"
#include "wire.h"

#define SECOND UINT64_C(1000000)
#define SWEEP_US (3600 * SECOND)
#define BATCH_US (SECOND / 20) /* between two batches of a sweep */
#define DOWN_US (5 * SECOND)   /* the store was out of reach */
#define NEVER UINT64_MAX

enum { BATCH_MAX = 200, NAMES_MAX = 1000000, DOUBTS_MAX = 10000 };

ES_METRIC_COUNTER(es_keeper_files_removed, "earshot_jobs_files_removed_total", "Files deleted that no job has.");
ES_METRIC_COUNTER(es_keeper_doubts_left, "earshot_jobs_doubts_left_total",
                  "Files that should be looked at soon, left to the hourly sweep: there were too many.");

typedef enum { KEEP, REMOVE, LATER } verdict_t; /* LATER: somebody may be about to make its row */

typedef struct {
    char job[ES_JOB_ID_LEN + 1];
    bool removed; /* its job is: delete it whatever its age */
    verdict_t verdict;
} file_t;

typedef struct doubt {
    TAILQ_ENTRY(doubt) in_list;
    uint64_t at_us;
    bool removed;
    char job[ES_JOB_ID_LEN + 1];
} doubt_t;

struct es_keeper_files {
    es_sync_task_t listing; /* first: a task is its owner */
    es_spool_t *spool;
    es_spool_sync_t *sync;
    es_store_thread_t *store;
    uint64_t keep_us;
    TAILQ_HEAD(doubts, doubt) doubts; /* by time */
    size_t n_doubts;
    file_t *names; /* of a sweep; the listing thread's until `listed` */
    size_t n_names, cap_names, next_name;
    bool listed;
    file_t batch[BATCH_MAX];
    size_t n_batch;
    bool asking;       /* the store has the batch */
    uint64_t sweep_us; /* NEVER: under way */
    uint64_t next_us;  /* batch */
};

/* ---- a sweep's names */

static bool note_name(void *arg, const char *job, uint64_t changed_ms)
{
    es_keeper_files_t *self = arg;
    if (self->n_names == NAMES_MAX) return false; /* the next sweep finds others */
    if (self->n_names == self->cap_names) {
        self->cap_names = self->cap_names ? 2 * self->cap_names : 256;
        self->names = realloc(self->names, self->cap_names * sizeof *self->names);
        if (!self->names) abort();
    }
    file_t *name = &self->names[self->n_names++];
    (void)changed_ms;
    *name = (file_t){.removed = false};
    snprintf(name->job, sizeof name->job, "%s", job);
    return true;
}

static int run_listing(es_sync_task_t *task)
{
    es_keeper_files_t *self = (es_keeper_files_t *)task;
    es_spool_files(self->spool, note_name, self);
    return 0;
}

static void end_sweep(es_keeper_files_t *self, uint64_t now_us)
{
    free(self->names);
    self->names = NULL;
    self->n_names = self->cap_names = self->next_name = 0;
    self->listed = false;
    self->sweep_us = now_us + SWEEP_US;
}

static void listing_done(es_sync_task_t *task, int error, uint64_t now_us)
{
    es_keeper_files_t *self = (es_keeper_files_t *)task;
    (void)error;
    self->next_us = now_us;
    self->listed = true;
    if (self->n_names == 0) end_sweep(self, now_us);
}

static void start_sweep(es_keeper_files_t *self)
{
    self->sweep_us = self->next_us = NEVER;
    self->listing = (es_sync_task_t){.run = run_listing, .done = listing_done};
    es_spool_sync_submit(self->sync, &self->listing);
}

/* ---- a batch */

static verdict_t judge(const es_keeper_files_t *self, const file_t *file, const es_job_t *job)
{
    uint64_t now_ms = es_wall_us() / 1000, changed_ms = es_spool_file_changed_ms(self->spool, file->job);
    if (job) return job->has_audio ? KEEP : REMOVE;
    if (!changed_ms) return KEEP; /* there is none */
    return file->removed || now_ms >= changed_ms + self->keep_us / 1000 ? REMOVE : LATER;
}

static es_jobs_result_t run_batch(void *arg, es_job_store_t *store)
{
    es_keeper_files_t *self = arg;
    for (size_t i = 0; i < self->n_batch; i++) {
        file_t *file = &self->batch[i];
        es_job_t job;
        es_jobs_result_t result = es_job_store_get(store, file->job, &job);
        file->verdict = judge(self, file, result == ES_JOBS_OK ? &job : NULL);
        es_job_fini(&job);
        if (result == ES_JOBS_DOWN) return result;
    }
    return ES_JOBS_OK;
}

static void remove_file(es_keeper_files_t *self, const char *job)
{
    if (es_spool_file_size(self->spool, job) < 0) return;
    es_metric_add(&es_keeper_files_removed, 1);
    es_log_info("a file that no job has was deleted", ES_S("file", job));
    es_spool_file_remove(self->spool, job);
}

static void batch_done(void *arg, es_jobs_result_t result, uint64_t now_us)
{
    es_keeper_files_t *self = arg;
    self->asking = false;
    if (result != ES_JOBS_OK) {
        self->next_us = now_us + DOWN_US;
        return;
    }
    for (size_t i = 0; i < self->n_batch; i++) {
        const file_t *file = &self->batch[i];
        if (file->verdict == REMOVE) remove_file(self, file->job);
        if (file->verdict == LATER) es_keeper_files_doubt(self, file->job, false, now_us);
    }
    self->n_batch = 0;
    self->next_us = now_us + BATCH_US;
    if (self->listed && self->next_name == self->n_names) end_sweep(self, now_us);
}

static void fill_batch(es_keeper_files_t *self, uint64_t now_us)
{
    doubt_t *doubt, *next;
    for (doubt = TAILQ_FIRST(&self->doubts); doubt && doubt->at_us <= now_us && self->n_batch < BATCH_MAX;
         doubt = next) {
        next = TAILQ_NEXT(doubt, in_list);
        file_t *file = &self->batch[self->n_batch++];
        *file = (file_t){.removed = doubt->removed};
        memcpy(file->job, doubt->job, sizeof file->job);
        TAILQ_REMOVE(&self->doubts, doubt, in_list);
        self->n_doubts--;
        free(doubt);
    }
    while (self->n_batch < BATCH_MAX && self->listed && self->next_name < self->n_names)
        self->batch[self->n_batch++] = self->names[self->next_name++];
}

/* A batch that the store did not answer is asked again. */
static void ask(es_keeper_files_t *self, uint64_t now_us)
{
    if (self->n_batch == 0) fill_batch(self, now_us);
    if (self->n_batch == 0) return;
    self->asking = true;
    es_store_thread_submit(self->store, run_batch, batch_done, self);
}

/* ---- life */

es_keeper_files_t *es_keeper_files_new(es_spool_t *spool, es_spool_sync_t *sync, es_store_thread_t *store,
                                       uint64_t keep_us)
{
    es_keeper_files_t *self = es_alloc_zero(sizeof *self);
    self->spool = spool;
    self->sync = sync;
    self->store = store;
    self->keep_us = keep_us;
    TAILQ_INIT(&self->doubts);
    return self;
}

void es_keeper_files_destroy(es_keeper_files_t **self_p)
{
    es_keeper_files_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    for (doubt_t *doubt = TAILQ_FIRST(&self->doubts), *next; doubt; doubt = next) {
        next = TAILQ_NEXT(doubt, in_list);
        free(doubt);
    }
    free(self->names);
    free(self);
}

static void insert(es_keeper_files_t *self, doubt_t *doubt)
{
    doubt_t *before = TAILQ_LAST(&self->doubts, doubts);
    while (before && before->at_us > doubt->at_us) before = TAILQ_PREV(before, doubts, in_list);
    if (before)
        TAILQ_INSERT_AFTER(&self->doubts, before, doubt, in_list);
    else
        TAILQ_INSERT_HEAD(&self->doubts, doubt, in_list);
}

void es_keeper_files_doubt(es_keeper_files_t *self, const char *job, bool removed, uint64_t now_us)
{
    if (self->n_doubts == DOUBTS_MAX) {
        es_metric_add(&es_keeper_doubts_left, 1);
        return;
    }
    doubt_t *doubt = es_alloc_zero(sizeof *doubt);
    doubt->removed = removed;
    doubt->at_us = removed ? now_us : now_us + self->keep_us;
    snprintf(doubt->job, sizeof doubt->job, "%s", job);
    insert(self, doubt);
    self->n_doubts++;
}

static uint64_t batch_at(const es_keeper_files_t *self)
{
    const doubt_t *doubt = TAILQ_FIRST(&self->doubts);
    if (self->asking) return NEVER;
    if (self->n_batch > 0 || self->listed) return self->next_us;
    if (!doubt) return NEVER;
    return doubt->at_us > self->next_us ? doubt->at_us : self->next_us;
}

uint64_t es_keeper_files_tick(es_keeper_files_t *self, uint64_t now_us)
{
    if (now_us >= self->sweep_us) start_sweep(self);
    if (now_us >= batch_at(self)) ask(self, now_us);
    uint64_t next = batch_at(self);
    return self->sweep_us < next ? self->sweep_us : next;
}
