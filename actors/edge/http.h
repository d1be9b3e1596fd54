/* Plain HTTP: health, readiness, metrics, the page. Request in, answer out; the server writes it. */
#ifndef ES_HTTP_H
#define ES_HTTP_H

#include <stdbool.h>

#include "metrics.h"
#include "pages.h"

typedef struct {
    const char *method; /* "GET" */
    const char *path;   /* decoded, without query */
    const char *if_none_match;
} es_http_request_t;

typedef struct {
    unsigned status;
    const char *type;  /* static */
    const char *etag;  /* NULL: none, and nothing may be kept in a cache */
    const char *allow; /* with 405 */
    const char *body;
    size_t len;
    char *owned; /* to be freed by whoever wrote the answer; body points into it */
} es_http_answer_t;

typedef struct {
    void *ctx;
    /* Why we are not ready, or NULL where we are. */
    const char *(*unready)(void *ctx);
    es_pages_t pages;
    es_metric_t *const *metrics[4]; /* NULL-terminated lists, NULL after the last */
} es_http_t;

void es_http_answer(const es_http_t *self, const es_http_request_t *request, es_http_answer_t *out);

/* Headers that every answer carries: name, value, name, value, ..., NULL. */
extern const char *const es_http_headers[];

#endif
