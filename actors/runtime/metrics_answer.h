/* What the server of metrics answers to a request. Pure but for the figures that it reads. For metrics_server.c. */
#ifndef ES_METRICS_ANSWER_H
#define ES_METRICS_ANSWER_H

#include "http_head.h"

typedef struct {
    unsigned status;
    char *bytes; /* head and body; the caller frees it */
    size_t len;
} es_metrics_answer_t;

/* token: what /metrics wants as a bearer, or NULL. */
es_metrics_answer_t es_metrics_answer(const es_http_head_t *head, const char *token, uint64_t now_us);
es_metrics_answer_t es_metrics_refuse(es_http_why_t why);

#endif
