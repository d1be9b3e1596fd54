/* What clients of /ws are told of a job: made of a jobs actor's news, or of how the job stands in an answer. Pure. PROTOCOL.md, section 13. */
#ifndef ES_JOB_EVENT_H
#define ES_JOB_EVENT_H

#include <jansson.h>

#include "job_wire.h"

typedef enum {
    ES_JOB_EVENT_QUEUED,
    ES_JOB_EVENT_PROGRESS,
    ES_JOB_EVENT_COMPLETED,
    ES_JOB_EVENT_FAILED,
    ES_JOB_EVENT_CANCELLED,
    ES_JOB_EVENT_DELETED,
    ES_JOB_EVENTS
} es_job_event_type_t;

typedef struct {
    es_job_event_type_t type;
    char job[ES_JOB_ID_LEN + 1];
    char session[ES_SESSION_MAX + 1];
    char principal[ES_JOB_PRINCIPAL_MAX + 1]; /* whose it is; "": nobody's */
    uint64_t version;
    char *fields; /* of the payload: "job_id":...,"job":{...}; owned */
    size_t len;
} es_job_event_t;

/* The body of JOB_NEWS. 0, or -1 where it is malformed. */
int es_job_event_of_news(es_job_event_t *out, const void *body, size_t len);
/* How a job of an answer stands; its history and analysis are left out. 0, or -1. */
int es_job_event_of_job(es_job_event_t *out, const json_t *job);
/* A job that is not there any more. */
void es_job_event_gone(es_job_event_t *out, const char *job, const char *session, const char *principal,
                       uint64_t version);
void es_job_event_fini(es_job_event_t *self);

/* It stays as it is now, unless somebody has it tried again. */
static inline bool es_job_event_over(const es_job_event_t *self)
{
    return self->type >= ES_JOB_EVENT_COMPLETED;
}
/* {"type":"job.queued","payload":{ */
es_span_t es_job_event_head(es_job_event_type_t type);

#endif
