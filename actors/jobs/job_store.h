/* Jobs on disk. One small interface, two stores: SQLite (a file) and PostgreSQL (a server that several machines share). Both obey the same tests.
 *
 *      begin --> any calls below, of any jobs --> commit: one fsync for all of them          (group commit: store_thread.h gathers)
 *
 * Leases fence: a job belongs to `worker` until lease_until_ms, under a token that grows with each owner. Calls that take a hold change nothing and answer LOST where
 * the token is no longer the job's: somebody else has it, or it was cancelled or removed. A change that was made already under this token is OK, whatever the same owner
 * did after it: a turn may be said again. Times come in as milliseconds since 1970: machines that share a store keep their
 * clocks within a few seconds.
 *
 * Calls block. One thread for each store object; several objects, in several processes, may have the same file or server open.
 */
#ifndef ES_JOB_STORE_H
#define ES_JOB_STORE_H

#include "job.h"

typedef struct es_job_store es_job_store_t;

typedef enum {
    ES_JOBS_OK,
    ES_JOBS_NONE,     /* no such job; nothing to claim */
    ES_JOBS_EXISTS,   /* insert: the id, or the key in its principal's session, is there already */
    ES_JOBS_LOST,     /* the hold is over */
    ES_JOBS_CONFLICT, /* the job's state does not allow it */
    /* The store is out of reach or broken: nothing of this turn is stored; try again later. Where the connection to a server broke in the commit itself, all of the turn may be: every call
     * may be said twice. */
    ES_JOBS_DOWN
} es_jobs_result_t;

/* url: "sqlite:/path/jobs.db" or "postgresql://..." (as libpq takes it). Makes or migrates the tables where the schema is older; refuses a newer one. NULL with a sentence in
 * err: what is wrong, and what to do. A PostgreSQL server that is down is no error here where `patient`: calls answer DOWN and reconnect by themselves. */
es_job_store_t *es_job_store_open(const char *url, bool patient, char *err, size_t err_len);
void es_job_store_close(es_job_store_t **self_p);
/* "sqlite" or "postgresql"; why it is DOWN, or NULL where it is not. */
const char *es_job_store_kind(const es_job_store_t *self);
const char *es_job_store_trouble(const es_job_store_t *self);

es_jobs_result_t es_job_store_begin(es_job_store_t *self);
es_jobs_result_t es_job_store_commit(es_job_store_t *self); /* OK or DOWN */
void es_job_store_rollback(es_job_store_t *self);
/* A turn of its own that changes something: OK where the store takes changes. */
es_jobs_result_t es_job_store_probe(es_job_store_t *self);

/* ---- the owner's side */

typedef struct {
    char id[ES_JOB_ID_LEN + 1];
    uint64_t token;
} es_job_hold_t;

/* A new job, QUEUED, with its audio; run_at_ms 0 is created_ms, attempts 0 the default. EXISTS: *there_p (where not NULL) becomes the id that is there already (buffer of ES_JOB_ID_LEN + 1). */
es_jobs_result_t es_job_store_insert(es_job_store_t *self, const es_job_t *job, char *there);
/* Takes the next job of this spool for `worker`: QUEUED whose run_at has come, or TRANSCRIBING/ANALYZING whose lease has run out (deaths + 1); by priority, then run_at, then age. It
 * becomes TRANSCRIBING (ANALYZING stays), with a new token, attempt at least 1, and a history row begun. *out is the whole job (es_job_fini it). NONE: nothing to do; *next_ms
 * is when to look again (0: when news come). */
es_jobs_result_t es_job_store_claim(es_job_store_t *self, const char *spool, const char *worker, uint64_t now_ms,
                                    uint64_t lease_ms, es_job_t *out, uint64_t *next_ms);
/* At start: an actor that comes back gives back all that it held under its name (QUEUED at once, deaths + 1). Returns OK; *count where not NULL. */
es_jobs_result_t es_job_store_reclaim(es_job_store_t *self, const char *spool, const char *worker, uint64_t now_ms,
                                      size_t *count);
es_jobs_result_t es_job_store_renew(es_job_store_t *self, const es_job_hold_t *hold, uint64_t until_ms);
/* What was found out about the file. */
es_jobs_result_t es_job_store_probed(es_job_store_t *self, const es_job_hold_t *hold, uint64_t duration,
                                     const char *format, uint64_t now_ms);
es_jobs_result_t es_job_store_note(es_job_store_t *self, const es_job_hold_t *hold, const char *note, uint64_t now_ms);
/* A final: all up to segment->to is done, with this checkpoint. Empty text stores no segment, only the position. deaths := 0. A `to` at or before `done` changes nothing (OK). */
es_jobs_result_t es_job_store_final(es_job_store_t *self, const es_job_hold_t *hold, const es_job_segment_t *segment,
                                    es_span_t checkpoint, uint64_t now_ms);
/* TRANSCRIBING -> ANALYZING. duration := done. */
es_jobs_result_t es_job_store_transcribed(es_job_store_t *self, const es_job_hold_t *hold, uint64_t now_ms);
/* ANALYZING -> COMPLETED. has_audio becomes false where delete_after: the caller then deletes the file. Where a webhook is wanted a delivery is due. */
es_jobs_result_t es_job_store_completed(es_job_store_t *self, const es_job_hold_t *hold, const char *analysis,
                                        uint64_t now_ms);
/* -> FAILED; a delivery is due where wanted. */
es_jobs_result_t es_job_store_failed(es_job_store_t *self, const es_job_hold_t *hold, const char *error,
                                     uint64_t now_ms);
/* -> QUEUED at run_at_ms. error not NULL: the attempt failed (attempt + 1; history `failed`); NULL: released without using one (history `released`). */
es_jobs_result_t es_job_store_again(es_job_store_t *self, const es_job_hold_t *hold, const char *error,
                                    uint64_t run_at_ms, uint64_t now_ms);

/* ---- anybody's side. `out` (may be NULL) is the job as it is then, with OK and CONFLICT; else it is zeroed. es_job_fini it. */

/* -> CANCELLED, from any state that is not over; the hold of its owner ends. Cancelled already: OK. */
es_jobs_result_t es_job_store_cancel(es_job_store_t *self, const char *id, uint64_t now_ms, es_job_t *out);
/* FAILED or CANCELLED -> QUEUED, attempt 0, deaths 0; goes on after `done`. `attempt` not 0: only if that is still its attempt, else nothing changes and it is OK (said twice is once). Without
 * its audio: CONFLICT. A delivery that is due is forgotten. */
es_jobs_result_t es_job_store_retry(es_job_store_t *self, const char *id, uint32_t attempt, uint64_t now_ms,
                                    es_job_t *out);
/* Deletes all rows of a job that is over or QUEUED; out tells what it was. CONFLICT while it runs. */
es_jobs_result_t es_job_store_remove(es_job_store_t *self, const char *id, es_job_t *out);
/* The file is deleted. */
es_jobs_result_t es_job_store_audio_gone(es_job_store_t *self, const char *id, uint64_t now_ms);
es_jobs_result_t es_job_store_get(es_job_store_t *self, const char *id, es_job_t *out);

typedef struct {
    uint32_t attempt;
    char *worker, *error;
    const char *outcome; /* static: "completed", "failed", "cancelled", "died", "released"; NULL: under way */
    uint64_t started_ms, ended_ms;
} es_job_attempt_t;
/* Calls fn for each attempt, oldest first; strings valid during the call. */
es_jobs_result_t es_job_store_history(es_job_store_t *self, const char *id,
                                      void (*fn)(void *arg, const es_job_attempt_t *attempt), void *arg);
/* Calls fn for segments with `to` > after, in order, until it returns false; spans valid during the call. */
es_jobs_result_t es_job_store_segments(es_job_store_t *self, const char *id, uint64_t after,
                                       bool (*fn)(void *arg, const es_job_segment_t *segment), void *arg);

typedef struct {
    int state;               /* es_job_state_t; -1: any */
    const char *principal;   /* with session: of this one only; NULL: of whoever */
    const char *session, *q; /* NULL: any. q: a part of id, session, file name or error, whatever case */
    uint64_t offset, count;
} es_job_filter_t;
/* Newest first, without their analysis. *total counts all that match. */
es_jobs_result_t es_job_store_list(es_job_store_t *self, const es_job_filter_t *filter, uint64_t *total,
                                   void (*fn)(void *arg, const es_job_t *job), void *arg);

typedef struct {
    uint64_t states[ES_JOB_STATES];
    uint64_t oldest_queued_ms; /* created; 0: none is QUEUED */
} es_job_counts_t;
/* Of more than 50 000 jobs they may be some seconds old. */
es_jobs_result_t es_job_store_counts(es_job_store_t *self, es_job_counts_t *out);

/* Jobs that are over and too old or too many (0: no such bound), at most `max` ids, oldest first: the caller removes each. */
es_jobs_result_t es_job_store_expired(es_job_store_t *self, const char *spool, uint64_t finished_before_ms,
                                      uint64_t keep_count, size_t max, void (*fn)(void *arg, const char *id),
                                      void *arg);

/* ---- webhooks */

typedef struct {
    uint64_t number; /* of the delivery: Earshot-Delivery */
    char id[ES_JOB_ID_LEN + 1];
    char *url;
    uint32_t tries;
} es_job_delivery_t;
#define ES_JOB_BUT_MAX 4 /* beginnings of addresses */
/* Takes a due delivery until lease_until_ms, so that no two actors send it at once; none whose address, with a '/' behind it, begins like one of `but` (those may be NULL). NONE: *next_ms is when to look
 * again (0: when news come). Free url. */
es_jobs_result_t es_job_store_delivery(es_job_store_t *self, uint64_t now_ms, uint64_t lease_until_ms,
                                       const char *const but[ES_JOB_BUT_MAX], es_job_delivery_t *out,
                                       uint64_t *next_ms);
/* It arrived, or is given up: forget it. */
es_jobs_result_t es_job_store_delivered(es_job_store_t *self, uint64_t number);
/* Try again then; tries + 1. */
es_jobs_result_t es_job_store_redeliver(es_job_store_t *self, uint64_t number, uint64_t at_ms);

/* A descriptor that becomes readable when others changed jobs (LISTEN), or -1: poll. es_job_store_heard takes what came: true where something did. */
int es_job_store_fd(const es_job_store_t *self);
bool es_job_store_heard(es_job_store_t *self);

#endif
