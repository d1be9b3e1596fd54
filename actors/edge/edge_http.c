#include "edge_http.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "acceptor.h"
#include "alloc.h"
#include "edge_metrics.h"
#include "http.h"
#include "http_refused.h"
#include "jobs_metrics.h"
#include "sender_link.h"
#include "uploads.h"
#include "wire.h"

struct es_edge_http {
    const es_edge_config_t *config;
    es_edge_loop_t *loop;
    es_acceptor_t *acceptor;
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
    self->config = config;
    self->loop = loop;
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
    es_acceptor_destroy(&self->acceptor);
    es_gate_destroy(&self->gate);
    es_pages_fini(&self->http.pages);
    free(self);
}

es_http_router_t *es_edge_http_router(es_edge_http_t *self)
{
    return &self->router;
}

/* ---- who comes */

static void on_connection(void *ctx, int fd)
{
    es_edge_http_t *self = ctx;
    void *peer;
    es_http_why_t why;
    if (es_gate_enter(self->gate, fd, 0, &peer, &why))
        es_gate_take(self->gate, fd, peer, es_now_us());
    else
        es_gate_turn_away(fd, why);
}

int es_edge_http_listen(es_edge_http_t *self, char *err, size_t err_len)
{
    self->acceptor =
        es_acceptor_new(self->config->host, (unsigned)self->config->port, on_connection, self, err, err_len);
    if (!self->acceptor) return -1;
    es_edge_loop_watch(self->loop, es_acceptor_fd(self->acceptor), es_acceptor_ready, self->acceptor);
    return 0;
}

const char *es_edge_http_url(const es_edge_http_t *self)
{
    return es_acceptor_url(self->acceptor);
}

void es_edge_http_left(es_edge_http_t *self, void *peer)
{
    es_gate_left(self->gate, peer);
}

uint64_t es_edge_http_turn(es_edge_http_t *self, uint64_t now_us)
{
    return es_gate_turn(self->gate, now_us);
}

void es_edge_http_drain(es_edge_http_t *self, uint64_t now_us)
{
    es_edge_loop_unwatch(self->loop, es_acceptor_fd(self->acceptor));
    es_acceptor_drain(&self->acceptor);
    es_gate_drain(self->gate, now_us);
}

bool es_edge_http_busy(const es_edge_http_t *self)
{
    return es_gate_busy(self->gate) > 0;
}
