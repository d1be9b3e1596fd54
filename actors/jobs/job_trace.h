/* The trace that a job belongs to: its upload's, or where spans are collected one that begins here. Each time that somebody works on the job is a span of it, and
 * the START of its streams carries that span on to whoever serves them. One thread. */
#ifndef ES_JOB_TRACE_H
#define ES_JOB_TRACE_H

#include "job.h"
#include "spans.h"

/* All zero: there is none. */
typedef struct {
    bool open;
    uint64_t from; /* samples that were done before */
    es_trace_span_t span;
} es_job_trace_t;

/* The job is taken up. */
void es_job_trace_begin(es_job_trace_t *self, const es_job_t *job);
/* Puts the trace on a START; `room` holds it. */
void es_job_trace_stamp(const es_job_trace_t *self, es_msg_t *msg, char room[ES_TRACE_LEN]);
/* It is over: `state` is what became of it, a static name. */
void es_job_trace_end(es_job_trace_t *self, const es_job_t *job, const char *state);

#endif
