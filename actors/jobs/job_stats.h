/* JOB_STATS: the figures of this jobs actor, said each second. PROTOCOL.md, section 11.2. */
#ifndef ES_JOB_STATS_H
#define ES_JOB_STATS_H

#include "metrics.h"
#include "spool.h"
#include "store_thread.h"

typedef struct es_job_stats es_job_stats_t;

typedef struct {
    const char *name; /* of the actor */
    uint64_t concurrency;
    const es_spool_t *spool;
    es_store_thread_t *reads;
    /* Jobs worked on and uploads under way, now. */
    void (*figures)(void *ctx, size_t *running, size_t *uploads);
    void (*publish)(void *ctx, es_span_t key, const es_msg_t *msg, const void *body, size_t len);
    void *ctx;
} es_job_stats_config_t;

es_job_stats_t *es_job_stats_new(const es_job_stats_config_t *config);
/* After the store's thread is destroyed. */
void es_job_stats_destroy(es_job_stats_t **self_p);
/* This actor brought a job into this state, which is one that is over. */
void es_job_stats_ended(es_job_stats_t *self, es_job_state_t state);
/* What the store and the disk say, as figures. */
es_metric_t *const *es_job_stats_metrics(void);
/* Tells health.h too, how late the store is. Returns the time of the next call. */
uint64_t es_job_stats_tick(es_job_stats_t *self, uint64_t now_us);

#endif
