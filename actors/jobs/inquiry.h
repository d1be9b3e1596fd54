/* One question or command. For inquiries.c and inquiry*.c. */
#ifndef ES_INQUIRY_H
#define ES_INQUIRY_H

#include <sys/queue.h>

#include "arrival_head.h"
#include "inquiries.h"
#include "job_json.h"
#include "transcript_format.h"

#define ES_INQUIRY_PAGE_MAX 200u    /* jobs of a page */
#define ES_INQUIRY_PART_MAX 200u    /* bytes of what is looked for */
#define ES_INQUIRY_SESSION_JOBS 50u /* of a session, the newest */

typedef struct es_inquiry es_inquiry_t;

typedef struct {
    const char *name;
    /* Fields of the question: NULL, or a sentence that says what is wrong. */
    const char *(*read)(es_inquiry_t *self, const json_t *body);
    /* In a store's thread, perhaps more than once. */
    es_jobs_result_t (*run)(void *arg, es_job_store_t *store);
    bool changes; /* a command: goes to the store that commits */
    es_job_done_t what;
} es_verb_t;

struct es_inquiry {
    es_inquiries_t *set;
    TAILQ_ENTRY(es_inquiry) in_set;
    const es_verb_t *verb;
    uint64_t seq, now_ms;
    char client[ES_CLIENT_ID_LEN + 1];
    es_spool_t *spool;
    /* the question */
    char job[ES_JOB_ID_LEN + 1], session[ES_SESSION_MAX + 1], part[ES_INQUIRY_PART_MAX + 1];
    bool whoever;                             /* no principal was told: all jobs are open */
    char principal[ES_JOB_PRINCIPAL_MAX + 1]; /* who asks */
    int state;                                /* -1: any */
    uint64_t page, per_page, cursor, length;
    uint32_t attempt;
    es_transcript_kind_t format;
    /* the answer */
    unsigned status; /* 0: none, another actor has it */
    char type[ES_ARRIVAL_TYPE_MAX + 1];
    char *body;
    size_t len;
    uint64_t next, size; /* next: cursor, 0: no more; size: of the file, UINT64_MAX: none told */
    es_job_t changed;    /* by a command */
    bool done;
};

/* Who asks: for every verb, before its own fields. As es_verb_t.read. */
const char *es_inquiry_read_principal(es_inquiry_t *self, const json_t *body);
/* NULL: there is no such verb. */
const es_verb_t *es_verb_find(es_span_t name);

/* Take the place of what was answered before. */
void es_inquiry_json(es_inquiry_t *self, unsigned status, json_t *json);
void es_inquiry_error(es_inquiry_t *self, unsigned status, const char *code, const char *message);
void es_inquiry_bytes(es_inquiry_t *self, const char *type, const void *data, size_t len);
/* OK: go on. Else there is an answer already: no such job, or the store is out of reach (DOWN). */
es_jobs_result_t es_inquiry_found(es_inquiry_t *self, es_jobs_result_t result);

extern const es_verb_t es_inquiry_list, es_inquiry_get, es_inquiry_session, es_inquiry_transcript, es_inquiry_audio,
    es_inquiry_cancel, es_inquiry_retry, es_inquiry_remove;

#endif
