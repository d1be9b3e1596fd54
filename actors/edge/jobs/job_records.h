/* What this edge has last heard of each job that somebody watches: so that what is late is known for late, and jobs that have been silent are asked for. Bounded: of too
 * many, those that are over go first, then those that were silent longest. Pure. */
#ifndef ES_JOB_RECORDS_H
#define ES_JOB_RECORDS_H

#include <sys/queue.h>

#include "job_event.h"
#include "keymap.h"

#define ES_JOB_RECORDS_MAX 20000u
#define ES_JOB_RECORD_KEPT_US UINT64_C(60000000) /* of a job that is over: its news may still be under way */

typedef struct es_job_record {
    char job[ES_JOB_ID_LEN + 1];
    char session[ES_SESSION_MAX + 1];         /* "" while it is not known */
    char principal[ES_JOB_PRINCIPAL_MAX + 1]; /* whose it is */
    uint64_t version;                         /* 0: nothing heard yet */
    bool over;
    uint64_t told;    /* which event said this version to all whom it concerns; 0: none */
    uint64_t seen_us; /* when it was heard of, or asked for, last */
    TAILQ_ENTRY(es_job_record) in_turn;
} es_job_record_t;

typedef struct {
    es_keymap_t *by_job;
    TAILQ_HEAD(es_job_record_queue, es_job_record) live, over; /* silent longest first */
} es_job_records_t;

void es_job_records_init(es_job_records_t *self);
void es_job_records_fini(es_job_records_t *self);
/* NULL where nothing is known of it. */
es_job_record_t *es_job_records_get(const es_job_records_t *self, const char *job);
/* Made where it is not there. */
es_job_record_t *es_job_records_need(es_job_records_t *self, const char *job, uint64_t now_us);
/* It was heard of: goes to the end of its queue. */
void es_job_records_seen(es_job_records_t *self, es_job_record_t *record, bool over, uint64_t now_us);
/* The event tells whose it is. */
void es_job_record_whose(es_job_record_t *record, const es_job_event_t *event);
void es_job_records_drop(es_job_records_t *self, es_job_record_t *record);
/* Drops those that have been over for ES_JOB_RECORD_KEPT_US. */
void es_job_records_trim(es_job_records_t *self, uint64_t now_us);

#endif
