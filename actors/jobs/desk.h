/* The jobs actor's dealings with the world: takes uploads, answers questions, clears up, tells others. What works on jobs (the other half of the actor) is told what it has to
 * know by `changed`.
 *
 *      streams of service `upload` --> uploads  --\                          /--> JOB_NEWS, JOB_STATS
 *      JOB_ASK                     --> requests ----> spool, store ---------+---> JOB_TOLD
 *                                      keeper   --/                          \--> webhooks
 */
#ifndef ES_DESK_H
#define ES_DESK_H

#include "jobs_config.h"
#include "spool.h"
#include "store_thread.h"
#include "worker.h"

typedef struct es_desk es_desk_t;

typedef struct {
    const es_jobs_config_t *config;
    es_loop_t *loop;
    es_store_thread_t *store;
    /* To everybody, or to who asked. */
    void (*publish)(void *ctx, es_span_t key, const es_msg_t *msg, const void *body, size_t len);
    /* A job was accepted, cancelled, asked for again, or (job NULL) removed. */
    void (*changed)(void *ctx, const char *id, const es_job_t *job, uint64_t now_us);
    /* Jobs that this actor works on now. */
    size_t (*running)(void *ctx);
    void *ctx;
} es_desk_config_t;

/* Opens the spool. NULL with an error logged. */
es_desk_t *es_desk_new(const es_desk_config_t *config);
/* Waits for the disk: what is whole goes to the store. After the worker is destroyed, before the store's thread. */
void es_desk_stop(es_desk_t *self);
/* After the store's thread is destroyed. */
void es_desk_destroy(es_desk_t **self_p);
es_spool_t *es_desk_spool(es_desk_t *self);

/* Ops of the worker of service `upload`; ctx is the es_desk_t. */
extern const es_worker_ops_t es_desk_upload_ops;
/* JOB_ASK; false: it is none. */
bool es_desk_message(es_desk_t *self, es_span_t key, const es_msg_t *msg, es_span_t body, uint64_t now_us);
/* JOB_NEWS, ours too: a job that another actor removed may have left its file here. */
void es_desk_news(es_desk_t *self, es_span_t key, es_span_t body, uint64_t now_us);
/* Tells everybody how a job stands (type NULL: as its state says; text: words just found, or empty). Whoever works on jobs calls it after each change that is stored; where the job is over,
 * wakes the webhooks, and deletes its file where that was asked for. */
void es_desk_tell(es_desk_t *self, const es_job_t *job, const char *type, es_span_t text, uint64_t now_us);
/* Returns the time of the next call. */
uint64_t es_desk_tick(es_desk_t *self, uint64_t now_us);
size_t es_desk_uploads(const es_desk_t *self);

/* NULL-terminated list for es_metrics_print. */
es_metric_t *const *es_desk_metrics(void);

#endif
