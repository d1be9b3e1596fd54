/* Which jobs this actor works on. Claims them while it has places, renews what it holds (by their runs), gives them back when it ends.
 *
 *      store --claim--> run (job_run.h), one a place --> over --> the next claim
 *                        |  decoder (decode_pool.h), brokers, store, news
 *
 * Looks for jobs when it hears of some, when one becomes due, when a place is free, and every few seconds in case it heard nothing. */
#ifndef ES_SCHEDULER_H
#define ES_SCHEDULER_H

#include "job_run.h"
#include "jobs_config.h"
#include "loop.h"
#include "metrics.h"
#include "store_thread.h"

typedef struct es_scheduler es_scheduler_t;

typedef struct {
    /* The file of a job, for reading; -1 with errno. The scheduler's to close. */
    int (*open_file)(void *ctx, const char *job);
    /* Which broker serves this key now. */
    int (*broker)(void *ctx, es_span_t key);
    void (*send)(void *ctx, int broker, es_span_t key, const es_msg_t *msg, const void *body, size_t len);
    /* A change was stored: tell everybody. */
    void (*tell)(void *ctx, const es_job_t *job, const char *type, es_span_t text, uint64_t now_us);
} es_scheduler_ops_t;

typedef struct {
    const es_jobs_config_t *config;
    es_loop_t *loop;
    es_store_thread_t *store;
    const char *spool;  /* its name in the store */
    const char *prefix; /* of all our streams' keys */
} es_scheduler_config_t;

/* Gives back what an earlier life of this name held, then works. What config points to must live longer. */
es_scheduler_t *es_scheduler_new(const es_scheduler_config_t *config, const es_scheduler_ops_t *ops, void *ctx,
                                 uint64_t now_us);
/* After the store's thread is destroyed. */
void es_scheduler_destroy(es_scheduler_t **self_p);

/* A message on a key of ours, through this broker; false: no stream of ours has it. */
bool es_scheduler_receive(es_scheduler_t *self, int broker, es_span_t key, const es_msg_t *msg, const void *body,
                          size_t len, uint64_t now_us);
/* JOB_NEWS of any actor: what it runs may be cancelled or removed, and there may be something to claim. */
void es_scheduler_news(es_scheduler_t *self, es_span_t key, es_span_t body, uint64_t now_us);
/* The set of live brokers changed. */
void es_scheduler_brokers_changed(es_scheduler_t *self, uint64_t now_us);
/* A broker answers, or none does. */
void es_scheduler_reachable(es_scheduler_t *self, bool reachable);
/* There may be something to claim. */
void es_scheduler_wake(es_scheduler_t *self, uint64_t now_us);
/* As of this version (UINT64_MAX: the last one) the job is not ours any more, since it was cancelled or removed: stop, say nothing. A job that was taken up again since is newer. */
void es_scheduler_drop(es_scheduler_t *self, const char *job, uint64_t version, uint64_t now_us);
/* Returns when it wants to be called next. */
uint64_t es_scheduler_tick(es_scheduler_t *self, uint64_t now_us);
/* No more claims; what runs is given back as it stands. */
void es_scheduler_drain(es_scheduler_t *self, uint64_t now_us);

typedef struct {
    size_t running, claiming; /* places taken; being filled */
    uint64_t frames;          /* sent, of all runs */
    uint64_t oldest_us;       /* push time of the oldest frame that nobody has taken; 0: none */
} es_scheduler_stats_t;
void es_scheduler_stats(const es_scheduler_t *self, es_scheduler_stats_t *out);

/* NULL-terminated. */
es_metric_t *const *es_scheduler_metrics(void);

#endif
