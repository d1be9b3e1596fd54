/* Plain HTTP of the edge itself: health, readiness, metrics, the pages. */
#ifndef ES_HTTP_H
#define ES_HTTP_H

#include "http_router.h"
#include "metrics.h"
#include "pages.h"

typedef struct {
    void *ctx;
    /* Why we are not ready, or NULL where we are. */
    const char *(*unready)(void *ctx);
    es_pages_t pages;
    es_metric_t *const *metrics[16]; /* NULL-terminated lists, NULL after the last */
} es_http_t;

/* Their ctx is an es_http_t. */
extern const es_http_route_t es_http_routes[];

#endif
