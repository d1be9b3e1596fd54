/* Who watches which jobs: one, those of a session, or all; and that all of them hear how it ends (PROTOCOL.md, section 13).
 *
 *      JOB_NEWS --> newer than what is known? --> whoever watches the job, its session, or all
 *                              ^
 *      a watch begins ---------'-- questions: how does it stand?      at once, and every 5 s while a watched job is not over
 *
 * News may be lost, late, or come twice; versions tell. Whoever is behind with reading is told the last state and what it has room for. No sockets, no clock; one thread. */
#ifndef ES_JOB_WATCH_H
#define ES_JOB_WATCH_H

#include "asks.h"
#include "job_event.h"

typedef struct es_job_watch es_job_watch_t;
typedef struct es_job_watcher es_job_watcher_t;

typedef enum { ES_WATCH_JOB, ES_WATCH_SESSION, ES_WATCH_ALL } es_watch_scope_t;

/* A job that is nobody's is seen by whoever names it; of a session only those are seen that are of the same principal. */
typedef struct {
    es_watch_scope_t scope;
    const char *id;        /* of the job or session; "" for all */
    const char *principal; /* whose jobs may be seen; NULL: whoever's */
} es_watched_t;

typedef struct {
    uint64_t max_watches;        /* in all */
    uint64_t max_client_watches; /* of one watcher */
} es_job_watch_limits_t;

/* owner: as given to es_job_watcher_new. The functions must not add or end watches. */
typedef struct {
    void *ctx;
    /* Hear the news of all jobs, or no more. */
    void (*subscribe)(void *ctx, bool on);
    void (*tell)(void *owner, const es_job_event_t *event);
    /* It reads slower than it is told: what is not the last state is left out. */
    bool (*behind)(void *owner);
    /* A watch has a trouble: "not_found" (it is over) or "jobs_unavailable" (it stays). code: static; message: a sentence, valid during the call. */
    void (*trouble)(void *owner, const es_watched_t *what, const char *code, const char *message);
} es_job_watch_ops_t;

/* asks outlive it. */
es_job_watch_t *es_job_watch_new(const es_job_watch_limits_t *limits, const es_job_watch_ops_t *ops, es_asks_t *asks);
/* All watchers are gone (asserted). */
void es_job_watch_destroy(es_job_watch_t **self_p);
/* JOB_NEWS on `jobs/<job>`. */
void es_job_watch_news(es_job_watch_t *self, es_span_t key, const void *body, size_t len, uint64_t now_us);
/* Asks for what has been silent. Returns the time of the next call. */
uint64_t es_job_watch_tick(es_job_watch_t *self, uint64_t now_us);

es_job_watcher_t *es_job_watcher_new(es_job_watch_t *watch, void *owner);
/* Ends its watches. */
void es_job_watcher_destroy(es_job_watcher_t **self_p);
/* Begins a watch: the present state comes soon. A second time for the same: the present state comes again, now as this principal may see it. -1: too many watches (counted). */
int es_job_watcher_add(es_job_watcher_t *self, const es_watched_t *what, uint64_t now_us);
/* Whoever it was begun as. False: there was no such watch. */
bool es_job_watcher_remove(es_job_watcher_t *self, const es_watched_t *what);
size_t es_job_watcher_count(const es_job_watcher_t *self);

#endif
