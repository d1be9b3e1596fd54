/* Jobs as JSON: for answers, news and webhooks. PROTOCOL.md, sections 11.2 and 12. Pure. */
#ifndef ES_JOB_JSON_H
#define ES_JOB_JSON_H

#include <jansson.h>

#include "job_store.h"

/* The job as in section 12. The caller's to decref. */
json_t *es_job_json(const es_job_t *job);
/* One row of its history. */
json_t *es_job_attempt_json(const es_job_attempt_t *attempt);
/* What a job holds as JSON text (its analysis), as JSON; null where it is none. */
json_t *es_job_analysis_json(const es_job_t *job);
/* {"QUEUED":3,...} */
json_t *es_job_counts_json(const es_job_counts_t *counts);
/* Text, or null where there is none; bytes that are not UTF-8 become question marks. */
json_t *es_job_text_json(const char *text);

/* "job.queued", "job.progress", ...: what is to be told of a job that came into this state. Static. */
const char *es_job_news_type(es_job_state_t state);
/* The body of a JOB_NEWS (NULL type: as its state; empty text: none). Free it. */
char *es_job_news(const es_job_t *job, const char *type, es_span_t text, size_t *len);

/* Compact text, to be freed; consumes `json`. */
char *es_job_json_text(json_t *json, size_t *len);

#endif
