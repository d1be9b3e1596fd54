/* What job_watch.c (who watches what, and is told) and job_poll.c (what is asked) share. */
#ifndef ES_JOB_WATCH_STATE_H
#define ES_JOB_WATCH_STATE_H

#include <sys/queue.h>

#include "job_records.h"
#include "job_watch.h"
#include "timers.h"

#define ES_JOB_POLLS 32u /* jobs asked for one by one at a time */

typedef struct es_job_topic es_job_topic_t;

typedef struct es_job_interest {
    es_job_topic_t *topic;
    es_job_watcher_t *watcher;
    uint64_t joined; /* rounds of its topic that had begun before it: those after it bring the present state */
    uint64_t since;  /* events told before it */
    bool served;     /* has had it */
    bool warned;     /* was told that nobody answers */
    LIST_ENTRY(es_job_interest) in_topic, in_watcher;
} es_job_interest_t;

/* A job, a session or all, as one principal may see them: asked for in rounds. */
struct es_job_topic {
    es_timer_t timer; /* first: timers are topics */
    es_job_watch_t *watch;
    es_watch_scope_t scope;
    char id[ES_SESSION_MAX + 1];
    char *principal;      /* NULL: whoever's jobs */
    es_job_topic_t *next; /* of the same id, for another principal */
    LIST_HEAD(, es_job_interest) interests;
    uint64_t ask;   /* under way; 0: none */
    uint64_t round; /* rounds begun */
    unsigned step;  /* of this round */
    bool again;     /* another round right after this one: somebody joined */
    bool settled;   /* a round was answered: what is new now has begun since */
    bool live;      /* this round has found a job that is not over */
};

typedef struct {
    es_job_watch_t *watch;
    char job[ES_JOB_ID_LEN + 1];
    uint64_t ask; /* 0: free */
} es_job_poll_t;

struct es_job_watch {
    es_job_watch_limits_t limits;
    es_job_watch_ops_t ops;
    es_asks_t *asks;
    es_keymap_t *by_job, *by_session;
    es_job_topic_t *all; /* NULL: nobody watches all */
    es_timers_t timers;
    es_job_records_t records;
    es_job_poll_t polls[ES_JOB_POLLS];
    uint64_t interests, watchers, told; /* told: events so far */
};

struct es_job_watcher {
    es_job_watch_t *watch;
    void *owner;
    LIST_HEAD(, es_job_interest) interests;
    size_t count;
    uint64_t told; /* the last event that it was told, whatever it watches twice */
};

/* Tells all whom it concerns; record: of the job, with this version. */
void es_job_watch_deliver(es_job_watch_t *self, es_job_record_t *record, const es_job_event_t *event);
/* Tells one, once for each `told`. */
void es_job_watch_tell(es_job_watch_t *self, es_job_interest_t *to, const es_job_event_t *event);
/* Does anybody watch this job? */
bool es_job_watch_concerns(const es_job_watch_t *self, const es_job_record_t *record);
/* May a job of this principal be told of here? */
bool es_job_topic_sees(const es_job_topic_t *topic, const char *principal);
/* Ends the interest, and the topic with its last one. */
void es_job_watch_end(es_job_watch_t *self, es_job_interest_t *interest);

/* Somebody joined: a round, soon. */
void es_job_poll_begin(es_job_topic_t *topic, uint64_t now_us);
void es_job_poll_forget(es_job_topic_t *topic);
/* Nobody watches anything any more. */
void es_job_poll_forget_all(es_job_watch_t *self);
uint64_t es_job_poll_tick(es_job_watch_t *self, uint64_t now_us);

#endif
