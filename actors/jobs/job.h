/* A job: a recording that becomes a transcript, and the table of states that it goes through.
 *
 *                claim                    EOS final                 analysis
 *    QUEUED ------------> TRANSCRIBING ------------> ANALYZING ------------> COMPLETED
 *      ^  ^                 |    |   |                |   |
 *      |  '-- error, lease -'    |   '--> FAILED <----'   |       also QUEUED -> FAILED, CANCELLED
 *      |      lost, released     '----> CANCELLED <-------'       and ANALYZING -> QUEUED
 *      '------------------------- retry (FAILED, CANCELLED)
 *
 * Pure. PROTOCOL.md, section 11.4.
 */
#ifndef ES_JOB_H
#define ES_JOB_H

#include "job_wire.h"

/* Stored as numbers; append only. */
typedef enum {
    ES_JOB_QUEUED = 0,
    ES_JOB_TRANSCRIBING = 1,
    ES_JOB_ANALYZING = 2,
    ES_JOB_COMPLETED = 3,
    ES_JOB_FAILED = 4,
    ES_JOB_CANCELLED = 5,
    ES_JOB_STATES
} es_job_state_t;

#define ES_JOB_PRIORITY_MAX 10  /* and -10 */
#define ES_JOB_ATTEMPTS_MAX 10u /* that may be asked for */
#define ES_JOB_ATTEMPTS_DEFAULT 3u
#define ES_JOB_DEATHS_MAX 5u      /* owners that died in a row without a stored final: the job is to blame */
#define ES_JOB_FILE_NAME_MAX 255u /* bytes */
#define ES_JOB_URL_MAX 2048u      /* bytes */
#define ES_JOB_ERROR_MAX 1024u    /* bytes */

/* Strings are owned by the job, NUL-terminated; NULL where absent. */
typedef struct {
    char id[ES_JOB_ID_LEN + 1];
    char *session, *key, *file_name, *content_type, *language, *webhook;
    char *principal; /* whose it is: who uploaded it; "" or NULL: nobody was asked */
    char *spool;     /* name of the spool that has the file; only actors with that spool can claim the job */
    char *format;    /* of the file, for people; once known */
    char *worker;    /* name of the owner, or of the last one */
    char *note;      /* why nothing moves */
    char *error;
    char *analysis; /* JSON */
    char *trace;    /* traceparent: of the upload's span */
    es_job_state_t state;
    int priority;      /* higher goes first */
    uint64_t bytes;    /* of the file */
    uint64_t duration; /* samples at 16 kHz; 0: not known yet */
    uint64_t done;     /* samples committed; never goes back */
    char checkpoint[ES_CHECKPOINT_MAX];
    size_t checkpoint_len;
    uint64_t created_ms, updated_ms, run_at_ms, started_ms, finished_ms; /* 0: not yet */
    uint32_t attempts, attempt; /* allowed; the present or last one, 0 before the first claim */
    uint32_t deaths;            /* of owners since a final was stored */
    uint32_t warnings;          /* pieces that no decoder could make words of */
    bool delete_after, has_audio;
    uint64_t version; /* grows with every change */
    uint64_t token;   /* of the present owner; 0: none ever */
    uint64_t lease_until_ms;
} es_job_t;

/* Frees what the job owns, and zeroes it. */
void es_job_fini(es_job_t *self);
/* Sets a string field: frees the old value, copies the new one; NULL is fine. */
void es_job_set(char **field, const char *value);
/* "QUEUED". Static. */
const char *es_job_state_name(es_job_state_t state);
/* The state of that name (exact), or -1. */
int es_job_state_of(es_span_t name);
/* May a job go from `from` to `to`? The table above. */
bool es_job_may(es_job_state_t from, es_job_state_t to);
/* COMPLETED, FAILED or CANCELLED. */
bool es_job_over(es_job_state_t state);
/* Thousandths of a per cent: 0 to 100000. 100000 only when COMPLETED; ANALYZING and all audio done is 99000 or more. Never less for the same `done`. */
uint32_t es_job_progress(const es_job_t *self);
/* How long to wait before attempt + 1: 5 s, 10 s, 20 s ... at most 10 min, plus up to a fifth of it by `chance` (any number). */
uint64_t es_job_backoff_ms(uint32_t attempt, uint64_t chance);

/* A final's words as they are stored. Positions are samples of the file. */
typedef struct {
    uint64_t from, to;   /* pos before and after: segments lie end to end, in order of `to` */
    uint64_t start, end; /* of the speech */
    uint32_t confidence; /* thousandths */
    bool failed;         /* no decoder could make words of it; text is the reason */
    es_span_t text;
    es_span_t words; /* es_words_encode, or empty */
} es_job_segment_t;

#endif
