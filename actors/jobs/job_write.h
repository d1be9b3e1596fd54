/* What the owner of a job has to store about it. Writes of one job go to the store in their order, several in one transaction. */
#ifndef ES_JOB_WRITE_H
#define ES_JOB_WRITE_H

#include "job_store.h"

typedef enum {
    ES_WRITE_RENEW,       /* value: for how long, ms */
    ES_WRITE_PROBED,      /* value: duration; text: format */
    ES_WRITE_NOTE,        /* text: the note, or NULL */
    ES_WRITE_FINAL,       /* segment and checkpoint */
    ES_WRITE_TRANSCRIBED, /* */
    ES_WRITE_COMPLETED,   /* text: the analysis, or NULL */
    ES_WRITE_FAILED,      /* text: why */
    ES_WRITE_AGAIN,       /* value: when, ms; text: why the attempt failed, or NULL */
    ES_WRITE_KINDS
} es_job_write_kind_t;

typedef struct {
    es_job_write_kind_t kind;
    uint64_t value;
    char *text; /* owned; of a final: its words as text */
    es_job_segment_t segment;
    char *words; /* owned */
    uint32_t checkpoint_len;
    char checkpoint[];
} es_job_write_t;

es_job_write_t *es_job_write_new(es_job_write_kind_t kind, uint64_t value, const char *text);
/* Copies what segment and checkpoint point to. */
es_job_write_t *es_job_write_final(const es_job_segment_t *segment, es_span_t checkpoint);
void es_job_write_free(es_job_write_t *self);
/* The hold ends with it. */
bool es_job_write_ends(es_job_write_kind_t kind);

/* For a task of the store: all of them, in order, up to the first that is not OK, which is the result. OK: *fresh (es_job_fini it) is the job as it is then. */
es_jobs_result_t es_job_write_run(es_job_store_t *store, const es_job_hold_t *hold, es_job_write_t *const *writes,
                                  size_t n, uint64_t now_ms, es_job_t *fresh);

#endif
