/* The disk and the store: what a thread does for an upload, and what follows. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "arrival.h"
#include "log.h"
#include "wire.h"

enum {
    COMMIT_BYTES = ES_UPLOAD_COMMIT / 2, /* the sender sends on while the disk works */
    QUIET_US = 250000,                   /* nothing came for so long */
    AGE_US = 600000                      /* 1 s is promised, disk included */
};

#define NEVER UINT64_MAX

/* ---- on the way */

static int run_commit(es_sync_task_t *task)
{
    es_arrival_t *self = (es_arrival_t *)task;
    es_spool_t *spool = self->set->config.spool;
    if (self->head_kept) return es_part_sync(&self->part);
    if (es_part_keep_head(spool, self->job.id, self->key, self->head, self->head_len) != 0) return -1;
    return es_part_sync(&self->part) == 0 ? es_spool_sync_parts(spool) : -1;
}

static void say_committed(es_arrival_t *self, uint64_t seq, uint64_t pos)
{
    char text[ES_ARRIVAL_CHECKPOINT_MAX];
    size_t len = es_arrival_checkpoint(self, pos, text);
    self->committed = true;
    self->synced_pos = pos;
    es_metric_add(&es_arrival_commits, 1);
    es_arrival_final(self, seq, 0, "", es_span_of(text, len));
}

static void start_finish(es_arrival_t *self);

static void commit_done(es_sync_task_t *task, int error, uint64_t now_us)
{
    es_arrival_t *self = (es_arrival_t *)task;
    if (!error) self->head_kept = true;
    if (!es_arrival_released(self) || self->state == ES_ARRIVAL_REFUSED) return;
    if (error) {
        es_arrival_refuse_disk(self, error);
        es_arrival_released(self);
        return;
    }
    if (self->stream) say_committed(self, self->syncing_seq, self->syncing_pos);
    if (self->state == ES_ARRIVAL_FINISHING)
        start_finish(self);
    else if (es_arrival_commit_due(self, now_us) < self->set->due_us)
        self->set->due_us = now_us;
}

static void start_commit(es_arrival_t *self)
{
    self->busy = true;
    self->oldest_us = 0;
    self->syncing_seq = self->seq;
    self->syncing_pos = self->pos;
    self->sync = (es_sync_task_t){.run = run_commit, .done = commit_done};
    es_spool_sync_submit(self->set->config.sync, &self->sync);
}

static uint64_t commit_at(const es_arrival_t *self)
{
    if (self->pos - self->synced_pos >= COMMIT_BYTES) return 0;
    uint64_t quiet = self->piece_us + QUIET_US, old = self->oldest_us + AGE_US;
    return quiet < old ? quiet : old;
}

uint64_t es_arrival_commit_due(es_arrival_t *self, uint64_t now_us)
{
    bool taking = self->state == ES_ARRIVAL_TAKING || self->state == ES_ARRIVAL_RESUMED;
    if (!taking || self->busy || self->seq == self->synced_seq) return NEVER;
    uint64_t at = commit_at(self);
    if (now_us < at) return at;
    if (self->state == ES_ARRIVAL_TAKING)
        start_commit(self);
    else
        say_committed(self, self->seq, self->pos); /* it lies there already */
    return NEVER;
}

/* ---- the row */

/* EXISTS: there is a job. NONE: there is none, and no file to make one of. */
static es_jobs_result_t run_store(void *arg, es_job_store_t *store)
{
    es_arrival_t *self = arg;
    es_job_t there;
    es_jobs_result_t result = ES_JOBS_EXISTS;
    snprintf(self->there, sizeof self->there, "%s", self->job.id);
    bool whole = es_spool_file_size(self->set->config.spool, self->job.id) == (int64_t)self->pos;
    if (!self->gone && !whole) return ES_JOBS_NONE; /* whoever clears up took it for one that nobody goes on with */
    if (!self->gone) result = es_job_store_insert(store, &self->job, self->there);
    if (result != ES_JOBS_EXISTS) return result;
    result = es_job_store_get(store, self->there, &there);
    if (result != ES_JOBS_OK) return result;
    self->no_audio = !there.has_audio;
    es_job_fini(&there);
    return ES_JOBS_EXISTS;
}

static void say_accepted(es_arrival_t *self)
{
    char text[64];
    es_spool_t *spool = self->set->config.spool;
    if (self->head_kept) es_part_drop_head(spool, self->job.id, self->key);
    es_arrival_move(self, ES_ARRIVAL_DONE);
    snprintf(text, sizeof text, "{\"job\":\"%s\"}", self->there);
    es_arrival_final(self, self->seq, 0, text, (es_span_t){0});
}

static void on_new(es_arrival_t *self, uint64_t now_us)
{
    es_metric_add(&es_arrival_accepted, 1);
    es_log_info("job accepted", ES_S("job", self->job.id), ES_S("session", self->job.session),
                ES_U("bytes", self->job.bytes));
    self->set->config.accepted(self->set->config.ctx, &self->job, now_us);
    say_accepted(self);
}

/* The same session's key names another job, or this very job was accepted before (and perhaps has lost its recording since). */
static void on_again(es_arrival_t *self)
{
    es_metric_add(&es_arrival_again, 1);
    if (self->no_audio || strcmp(self->there, self->job.id) != 0)
        es_spool_file_remove(self->set->config.spool, self->job.id);
    say_accepted(self);
}

static void store_done(void *arg, es_jobs_result_t result, uint64_t now_us)
{
    es_arrival_t *self = arg;
    self->busy = false;
    if (result == ES_JOBS_OK) {
        on_new(self, now_us);
    } else if (result == ES_JOBS_EXISTS) {
        on_again(self);
    } else if (result == ES_JOBS_NONE) {
        es_metric_add(&es_arrival_lost, 1);
        es_arrival_refuse(self, 503, 1, "upload_lost",
                          "What had come of this upload is not here any more; send it again.");
    } else {
        self->set->config.doubtful(self->set->config.ctx, self->job.id, now_us); /* the commit may have come through */
        es_arrival_refuse(self, 503, 5, "store_unavailable",
                          "The store of jobs is out of reach; try again in a moment.");
    }
    es_arrival_released(self);
}

static void start_store(es_arrival_t *self, uint64_t now_ms)
{
    self->busy = true;
    self->job.created_ms = self->job.updated_ms = self->job.run_at_ms = now_ms;
    self->job.has_audio = true;
    es_job_set(&self->job.spool, es_spool_id(self->set->config.spool));
    es_job_set(&self->job.trace, self->trace[0] ? self->trace : NULL);
    es_arrival_move(self, ES_ARRIVAL_STORING);
    es_store_thread_submit(self->set->config.store, run_store, store_done, self);
}

/* ---- the end */

static int run_finish(es_sync_task_t *task)
{
    es_arrival_t *self = (es_arrival_t *)task;
    return es_part_finish(self->set->config.spool, &self->part, self->pos);
}

static void finish_done(es_sync_task_t *task, int error, uint64_t now_us)
{
    es_arrival_t *self = (es_arrival_t *)task;
    self->busy = false;
    if (!error) {
        start_store(self, es_wall_us() / 1000);
        return;
    }
    if (error != ENOENT) self->set->config.doubtful(self->set->config.ctx, self->job.id, now_us);
    es_arrival_refuse_disk(self, error);
    es_arrival_released(self);
}

static void start_finish(es_arrival_t *self)
{
    self->busy = true;
    self->sync = (es_sync_task_t){.run = run_finish, .done = finish_done, .names = true};
    es_spool_sync_submit(self->set->config.sync, &self->sync);
}

void es_arrival_finish(es_arrival_t *self)
{
    if (self->state == ES_ARRIVAL_RESUMED) {
        self->gone |= es_spool_file_size(self->set->config.spool, self->job.id) != (int64_t)self->pos;
        start_store(self, es_wall_us() / 1000);
        return;
    }
    es_arrival_move(self, ES_ARRIVAL_FINISHING);
    if (!self->busy) start_finish(self);
}
