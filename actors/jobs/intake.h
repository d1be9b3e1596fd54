/* Recordings that come: streams of the service `upload`, each a file in the spool and in the end a row in the store. PROTOCOL.md, section 11.1.
 *
 *      head --> pieces, pieces, ...: pwrite     EOS --> fsync, rename --> row --> final {"job":...}
 *                  '--> fsync --> final with a checkpoint                  '-- what fails on the way is a final with FAILED, and what there is goes
 *
 * Nothing waits for the disk or the store here. Whatever dies, an upload goes on or begins again, and in the end there is one job, or none. */
#ifndef ES_INTAKE_H
#define ES_INTAKE_H

#include "spool_sync.h"
#include "store_thread.h"
#include "worker.h"

typedef struct es_intake es_intake_t;

typedef struct {
    es_spool_t *spool;
    es_spool_sync_t *sync;
    es_store_thread_t *store;
    /* A job's row is in the store. In the loop's thread. */
    void (*accepted)(void *ctx, const es_job_t *job, uint64_t now_us);
    /* files/JOB may or may not have a row: the store did not say. */
    void (*doubtful)(void *ctx, const char *job, uint64_t now_us);
    void *ctx;
} es_intake_config_t;

/* What config points to must live longer. */
es_intake_t *es_intake_new(const es_intake_config_t *config);
/* After the worker, the sync and the store's thread are destroyed. */
void es_intake_destroy(es_intake_t **self_p);
/* The ops of the worker, whose ctx is the es_intake_t. */
extern const es_worker_ops_t es_intake_ops;
/* Commits what is due, deletes what was given up. Returns the time of the next call. */
uint64_t es_intake_tick(es_intake_t *self, uint64_t now_us);
/* Uploads under way. */
size_t es_intake_count(const es_intake_t *self);

/* NULL-terminated list for es_metrics_print. */
es_metric_t *const *es_intake_metrics(void);

#endif
