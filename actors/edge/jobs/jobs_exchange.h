/* What the handlers of jobs_http.c, job_transcript.c and job_audio.c share: a request with a question under way. */
#ifndef ES_JOBS_EXCHANGE_H
#define ES_JOBS_EXCHANGE_H

#include <jansson.h>

#include "asks.h"
#include "job_wire.h"
#include "jobs_http.h"

#define ES_JOBS_BODY_MAX 65536u /* bytes of a body that is read away: no request here has one */

/* First in each handler. */
typedef struct {
    const es_jobs_http_t *http;
    es_http_exchange_t *x;
    uint64_t ask;    /* 0: none under way */
    unsigned number; /* of the answer before; see es_asks_ask_again */
    bool answered;
    bool head; /* HEAD: no body will be sent */
    char id[ES_JOB_ID_LEN + 1];
} es_jobs_exchange_t;

/* A handler of `size` bytes, zero but for its exchange; es_jobs_exchange_over frees it. */
void *es_jobs_exchange_new(size_t size, const es_jobs_http_t *http, es_http_exchange_t *x, es_span_t id);
/* For es_http_handler_ops_t. */
void es_jobs_exchange_body(void *handler, es_http_exchange_t *x, const void *data, size_t len);
void es_jobs_exchange_over(void *handler, bool answered);

/* An answer has come: the next question goes to whom it came from. For the beginning of an es_told_fn. */
void es_jobs_exchange_told(es_jobs_exchange_t *self, const es_told_t *told);
/* Asks in the name of who made the request; takes the question over. Where too many are under way, 503 is answered, or the answer under way is cut. */
void es_jobs_exchange_ask(es_jobs_exchange_t *self, const char *verb, json_t *question, es_told_fn told);
/* {"job": id} */
json_t *es_jobs_exchange_question(const es_jobs_exchange_t *self);
/* The answer as it is, under this status. */
void es_jobs_exchange_pass(es_jobs_exchange_t *self, const es_told_t *told, unsigned status);
/* A job actor's answer that is none: 502, or the answer under way is cut. */
void es_jobs_exchange_broken(es_jobs_exchange_t *self);

/* Is it an id of a job? Otherwise 404 is answered. */
bool es_jobs_exchange_id(es_http_exchange_t *x, es_span_t id);
/* The type of an answer, NUL-terminated, where it is one of those that a jobs actor gives; else `otherwise`. */
void es_jobs_exchange_type(const es_told_t *told, const char *otherwise, char out[96]);

/* The routes that live in files of their own. */
void es_job_transcript(void *ctx, es_http_exchange_t *x, const es_span_t *ids);
void es_job_audio(void *ctx, es_http_exchange_t *x, const es_span_t *ids);

#endif
