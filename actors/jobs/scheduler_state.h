/* The inside of the scheduler, shared by scheduler.c (places and claims) and scheduler_slot.c (what a run needs). Nobody else includes it. */
#ifndef ES_SCHEDULER_STATE_H
#define ES_SCHEDULER_STATE_H

#include "decode_pool.h"
#include "job_trace.h"
#include "scheduler.h"

#define ES_SCHEDULER_PLACES_MAX 1024u

/* A place with a run in it. */
typedef struct {
    es_scheduler_t *scheduler;
    es_job_run_t *run;
    es_decoding_t *decoding;
    es_job_hold_t hold;
    es_job_trace_t trace;
    int broker;          /* of its present stream */
    bool over;           /* to be freed by the next tick */
    const char *trouble; /* the file could not be given to a decoder: told by the next tick */
    bool for_good;
    uint64_t due_us, frames;
} es_slot_t;

struct es_scheduler {
    es_scheduler_config_t config;
    const es_scheduler_ops_t *ops;
    void *ctx;
    es_decode_pool_t *pool;
    es_job_house_t house;
    es_job_run_config_t run_config;
    es_slot_t *slots[ES_SCHEDULER_PLACES_MAX];
    size_t running;
    bool reclaimed, claiming, draining;
    uint64_t claim_us; /* when to look for jobs; UINT64_MAX: when something ends */
    uint64_t reclaim_us;
    uint64_t frames; /* of runs that are over */

    char probe_key[ES_CLIENT_ID_LEN + 1];
    uint64_t probe_us, probed_us,
        absent_us; /* next question; last answer; since when there is no analysis actor, 0: there is one, or nobody knows */
};

/* What time it is for runs. */
es_job_now_t es_scheduler_at(uint64_t now_us);
/* Puts a claimed job to work. Takes what it owns. */
es_slot_t *es_slot_new(es_scheduler_t *scheduler, es_job_t *job, uint64_t now_us);
void es_slot_free(es_slot_t *self);
void es_slot_tick(es_slot_t *self, uint64_t now_us);

#endif
