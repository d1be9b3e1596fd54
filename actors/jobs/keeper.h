/* What is kept, and for how long: jobs that are over go by age and count, with their rows and files; and files go that no job has.
 *
 *      jobs that are over, too old or too many --> rows, then file
 *      parts that nobody goes on with          --> after --part-keep
 *      files without a row                     --> after --part-keep too: until then somebody may be about to make it
 *      files whose job has given its recording up --> at once
 *
 * A bounded number at a time; nothing waits here. */
#ifndef ES_KEEPER_H
#define ES_KEEPER_H

#include "spool_sync.h"
#include "store_thread.h"

typedef struct es_keeper es_keeper_t;

typedef struct {
    es_spool_t *spool;
    es_spool_sync_t *sync;
    es_store_thread_t *store, *reads;
    uint64_t keep_age_ms, keep_count; /* of jobs that are over */
    uint64_t part_keep_us;
    /* A job was deleted, because of its age or the count; after its rows are gone. */
    void (*removed)(void *ctx, const es_job_t *job, uint64_t now_us);
    void *ctx;
} es_keeper_config_t;

es_keeper_t *es_keeper_new(const es_keeper_config_t *config);
/* After the sync and the stores' threads are destroyed. */
void es_keeper_destroy(es_keeper_t **self_p);
/* This file, if it is here, may have no job: looked at when it is old enough, or at once where nobody makes a row for it any more (removed). More than can be remembered are
 * left to the hourly sweep. */
void es_keeper_doubt(es_keeper_t *self, const char *job, bool removed, uint64_t now_us);
/* Returns the time of the next call. */
uint64_t es_keeper_tick(es_keeper_t *self, uint64_t now_us);

/* NULL-terminated list for es_metrics_print. */
es_metric_t *const *es_keeper_metrics(void);

#endif
