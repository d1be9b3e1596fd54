/* A few threads that wait for the disk, so that the loop does not: each takes what has gathered, syncs one file after another, and the names of all of them with one fsync.
 *
 *      loop: submit --> [queue] --> thread: run, run, run, fsync of files/ --> [done] --> loop: done
 *
 * Tasks are the submitter's, and stay as they are until `done`. All functions are called from the loop's thread, `run` alone from the pool's; tasks run at the same time and in no order. */
#ifndef ES_SPOOL_SYNC_H
#define ES_SPOOL_SYNC_H

#include "loop.h"
#include "spool.h"

typedef struct es_spool_sync es_spool_sync_t;
typedef struct es_sync_task es_sync_task_t;

struct es_sync_task {
    int (*run)(es_sync_task_t *task); /* 0, or -1 with errno */
    /* error: 0, or the errno of run, or of the fsync of the names. */
    void (*done)(es_sync_task_t *task, int error, uint64_t now_us);
    bool names; /* run puts a name into files/: done once that is on the disk too */
    /* the pool's own */
    int error;
    es_sync_task_t *next;
};

es_spool_sync_t *es_spool_sync_new(es_spool_t *spool, unsigned threads, es_loop_t *loop);
/* Runs what was submitted, calls its done, and ends. */
void es_spool_sync_destroy(es_spool_sync_t **self_p);
void es_spool_sync_submit(es_spool_sync_t *self, es_sync_task_t *task);
/* Submitted and not done yet. */
size_t es_spool_sync_pending(const es_spool_sync_t *self);

/* NULL-terminated list for es_metrics_print. */
es_metric_t *const *es_spool_sync_metrics(void);

#endif
