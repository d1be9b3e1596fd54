#include "edge_http.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "edge_metrics.h"
#include "http.h"
#include "http_refused.h"
#include "jobs_metrics.h"
#include "sender_link.h"
#include "uploads.h"

struct es_edge_http {
    es_gate_t *gate;
    es_http_t http;
    es_http_router_t router;
};

static const char *web_dir(const es_edge_config_t *config)
{
    if (config->web && *config->web) return config->web;
    return access(ES_WEB_SOURCE, R_OK) ? ES_WEB_INSTALLED : ES_WEB_SOURCE;
}

/* What the build has put together lies beside the sources' own files once it is installed. */
static void load_pages(es_pages_t *pages, const char *dir)
{
    es_pages_load(pages, dir);
    if (strcmp(dir, ES_WEB_SOURCE) == 0) es_pages_add(pages, ES_WEB_BUILT);
}

static void serve(void *ctx, es_http_exchange_t *x)
{
    es_edge_http_t *self = ctx;
    es_metric_add(&es_edge_requests, 1);
    es_http_router_serve(&self->router, x);
}

es_edge_http_t *es_edge_http_new(const es_edge_http_ops_t *ops, const es_edge_config_t *config, es_edge_loop_t *loop)
{
    es_edge_http_t *self = es_alloc_zero(sizeof *self);
    const es_gate_ops_t gate_ops = {
        .ctx = self, .serve = serve, .user = ops->ctx, .admit = ops->admit, .adopt = ops->adopt};
    const es_gate_limits_t limits = {.connections = config->max_http,
                                     .address = config->max_address,
                                     .head_us = config->head_us,
                                     .body_us = config->body_us,
                                     .idle_us = config->idle_us,
                                     .send_us = config->send_us};
    self->http = (es_http_t){.ctx = ops->ctx,
                             .unready = ops->unready,
                             .metrics = {es_edge_metrics(), es_edge_jobs_metrics(), es_http_refusal_metrics(),
                                         es_sender_link_metrics(), es_uploads_metrics()}};
    load_pages(&self->http.pages, web_dir(config));
    es_http_router_add(&self->router, es_http_routes, &self->http);
    self->gate = es_gate_new(&gate_ops, &limits, loop);
    return self;
}

void es_edge_http_destroy(es_edge_http_t **self_p)
{
    es_edge_http_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    es_gate_destroy(&self->gate);
    es_pages_fini(&self->http.pages);
    free(self);
}

es_http_router_t *es_edge_http_router(es_edge_http_t *self)
{
    return &self->router;
}

es_gate_t *es_edge_http_gate(es_edge_http_t *self)
{
    return self->gate;
}
