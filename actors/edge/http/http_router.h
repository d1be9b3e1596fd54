/* Which handler answers which request: tables of method and pattern, looked through in the order in which they were added.
 *
 *     static const es_http_route_t routes[] = {{"GET", "/jobs/{id}", show_job, ES_RIGHT_JOBS}, {"GET", "/", show_page, ES_HTTP_PUBLIC}, {0}};
 *     es_http_router_add(&router, routes, jobs);
 *
 * A `{name}` matches one segment of the path that is not empty. */
#ifndef ES_HTTP_ROUTER_H
#define ES_HTTP_ROUTER_H

#include "http_exchange.h"

#define ES_HTTP_IDS 2u /* `{name}`s in a pattern, at most */
/* Besides an es_right_t, in a route's `right`: everybody has it; it is asked for also where no credentials are needed otherwise. */
#define ES_HTTP_PUBLIC (1u << 31)
#define ES_HTTP_GUARDED (1u << 30)

typedef struct {
    const char *method; /* GET answers HEAD too; NULL ends the table */
    const char *pattern;
    /* ids: what stood for each `{name}`, decoded; they live as long as the exchange. */
    void (*handle)(void *ctx, es_http_exchange_t *x, const es_span_t ids[ES_HTTP_IDS]);
    unsigned right; /* that the request takes; never 0 */
} es_http_route_t;

#define ES_HTTP_TABLES 8u
typedef struct {
    struct {
        const es_http_route_t *routes;
        void *ctx;
    } tables[ES_HTTP_TABLES];
    size_t count;
    /* May this request be handled? False: it is answered. NULL: all may. */
    bool (*allows)(void *ctx, es_http_exchange_t *x, const es_http_route_t *route);
    void *allows_ctx;
} es_http_router_t;

/* routes and ctx outlive the router. */
void es_http_router_add(es_http_router_t *self, const es_http_route_t *routes, void *ctx);
/* Calls the handler of the request where that is allowed, or answers: 404 for an unknown path, 405 with Allow for a method that the path does not know. */
void es_http_router_serve(const es_http_router_t *self, es_http_exchange_t *x);
/* Does the path match? Fills ids (ES_HTTP_IDS of them), those beyond the pattern's with empty spans. */
bool es_http_route_match(const char *pattern, es_span_t path, es_span_t *ids);

#endif
