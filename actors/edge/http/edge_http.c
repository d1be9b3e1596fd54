#include "edge_http.h"

#include <stdlib.h>
#include <unistd.h>

#include "acceptor.h"
#include "access/access.h"
#include "access/rights.h"
#include "alloc.h"
#include "descriptors.h"
#include "edge_metrics.h"
#include "http.h"
#include "http_refused.h"
#include "jobs/jobs_metrics.h"
#include "jobs/uploads.h"
#include "log.h"
#include "loopback.h"
#include "metrics_page.h"
#include "sender_link.h"
#include "tls_front.h"
#include "web_dir.h"
#include "wire.h"
#include "ws_close.h"

struct es_edge_http {
    const es_edge_config_t *config;
    es_edge_loop_t *loop;
    es_acceptor_t *acceptor;
    es_tls_t *tls; /* NULL: plain */
    es_tls_front_t *tls_front;
    es_gate_t *gate;
    es_http_t http;
    es_http_router_t router;
    es_access_t *access; /* NULL: there is no door */
};

static void load_pages(es_pages_t *pages, const es_edge_config_t *config)
{
    char dir[ES_WEB_DIR_MAX];
    es_pages_load(pages, config->web && *config->web ? config->web : es_web_dir(dir, ES_WEB_INSTALLED));
}

static void serve(void *ctx, es_http_exchange_t *x)
{
    es_edge_http_t *self = ctx;
    es_metric_add(&es_edge_requests, 1);
    es_http_router_serve(&self->router, x);
}

static es_turnstile_t *turnstile(void *ctx, const es_http_exchange_t *x)
{
    es_edge_http_t *self = ctx;
    return self->access ? es_access_turnstile(self->access, x) : NULL;
}

static void serve_cut(void *ctx, int fd)
{
    es_edge_http_t *self = ctx;
    if (self->tls_front) es_tls_front_cut(self->tls_front, fd);
}

es_edge_http_t *es_edge_http_new(const es_edge_http_ops_t *ops, const es_edge_config_t *config, es_edge_loop_t *loop)
{
    es_edge_http_t *self = es_alloc_zero(sizeof *self);
    const es_gate_ops_t gate_ops = {.ctx = self,
                                    .turnstile = turnstile,
                                    .serve = serve,
                                    .cut = serve_cut,
                                    .user = ops->ctx,
                                    .admit = ops->admit,
                                    .adopt = ops->adopt};
    const es_gate_limits_t limits = {.connections = config->max_http,
                                     .address = config->max_address,
                                     .head = {.line = (uint32_t)config->max_request_line,
                                              .head = (uint32_t)config->max_head,
                                              .fields = (uint32_t)config->max_head_lines},
                                     .head_us = config->head_us,
                                     .body_us = config->body_us,
                                     .body_least = config->body_least,
                                     .idle_us = config->idle_us,
                                     .send_us = config->send_us};
    self->http = (es_http_t){.ctx = ops->ctx,
                             .unready = ops->unready,
                             .metrics = {es_edge_metrics(), es_edge_jobs_metrics(), es_http_refusal_metrics(),
                                         es_sender_link_metrics(), es_uploads_metrics(), es_tls_metrics(),
                                         es_tls_front_metrics(), es_rights_metrics(), es_who_metrics(),
                                         es_tickets_metrics(), es_ws_close_metrics(), es_dead_letters_metrics()}};
    self->config = config;
    self->loop = loop;
    for (es_metric_t *const *const *list = self->http.metrics; *list; list++) es_metrics_register(*list);
    load_pages(&self->http.pages, config);
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
    es_tls_front_destroy(&self->tls_front);
    es_tls_destroy(&self->tls);
    es_gate_destroy(&self->gate);
    es_pages_fini(&self->http.pages);
    free(self);
}

void es_edge_http_guard(es_edge_http_t *self, void *access)
{
    self->router.allows = es_access_allows;
    self->router.allows_ctx = self->access = access;
    es_http_router_add(&self->router, es_access_routes, access);
}

es_http_router_t *es_edge_http_router(es_edge_http_t *self)
{
    return &self->router;
}

/* ---- who comes */

static void on_connection(void *ctx, int fd)
{
    es_edge_http_t *self = ctx;
    size_t apart = self->tls_front ? es_tls_front_apart(self->tls_front) : 0;
    uint64_t now_us = es_now_us();
    void *peer;
    es_http_why_t why;
    bool welcome = es_gate_enter(self->gate, fd, apart, &peer, &why);
    if (welcome && self->tls)
        es_tls_front_take(self->tls_front, fd, peer, now_us);
    else if (welcome)
        es_gate_take(self->gate, fd, peer, true, now_us);
    else if (self->tls)
        close(fd); /* saying why would cost a handshake */
    else
        es_gate_turn_away(fd, why);
}

/* The socket of the client is counted, not this end of a pair. */
static void tls_open(void *ctx, int fd, void *peer)
{
    es_edge_http_t *self = ctx;
    es_gate_take(self->gate, fd, peer, false, es_now_us());
}

static void tls_left(void *ctx, void *peer)
{
    es_edge_http_t *self = ctx;
    es_gate_left(self->gate, peer);
}

static int start_tls(es_edge_http_t *self, char *err, size_t err_len)
{
    const es_edge_config_t *config = self->config;
    const es_tls_front_ops_t ops = {.ctx = self, .open = tls_open, .left = tls_left};
    const es_tls_times_t times = {
        .handshake_us = config->handshake_us, .send_us = config->send_us, .linger_us = ES_GATE_LINGER_US};
    if (!config->tls_cert || !*config->tls_cert) return 0;
    self->tls = es_tls_new(config->tls_cert, config->tls_key, err, err_len);
    if (!self->tls) return -1;
    self->tls_front = es_tls_front_new(self->tls, &ops, &times, self->loop);
    return 0;
}

/* --insecure was said, or it would not have come to this. */
static void warn_of_open_door(const es_edge_http_t *self)
{
    if (self->tls || es_loopback_host(self->config->host)) return;
    es_log_warn("this edge listens beyond this machine without TLS: what is said can be heard on the way",
                ES_S("host", self->config->host));
}

int es_edge_http_listen(es_edge_http_t *self, char *err, size_t err_len)
{
    if (start_tls(self, err, err_len)) return -1;
    const es_acceptor_config_t config = {.host = self->config->host,
                                         .port = (unsigned)self->config->port,
                                         .shared = self->config->reuse_port,
                                         .reserved_from = es_descriptors_reserved_from(self->config),
                                         .scheme = self->tls ? "https" : "http"};
    self->acceptor = es_acceptor_new(&config, on_connection, self, err, err_len);
    if (!self->acceptor) return -1;
    warn_of_open_door(self);
    es_edge_loop_watch(self->loop, es_acceptor_fd(self->acceptor), es_acceptor_ready, self->acceptor);
    return 0;
}

static void reload_certificate(es_edge_http_t *self)
{
    char err[1400];
    if (!self->tls) return;
    if (es_tls_reload(self->tls, err, sizeof err))
        es_log_error("the certificate is not changed", ES_S("error", err));
    else
        es_log_info("the certificate was read again: connections from now on get it");
}

void es_edge_http_reload(es_edge_http_t *self)
{
    reload_certificate(self);
    es_access_reload(self->access);
}

const char *es_edge_http_url(const es_edge_http_t *self)
{
    return es_acceptor_url(self->acceptor);
}

void es_edge_http_left(es_edge_http_t *self, void *peer)
{
    es_gate_left(self->gate, peer);
}

int es_edge_http_socket(const es_edge_http_t *self, int adopted)
{
    return self->tls_front ? es_tls_front_secret(self->tls_front, adopted) : adopted;
}

uint64_t es_edge_http_turn(es_edge_http_t *self, uint64_t now_us)
{
    es_turnstile_t *door = &self->access->env->turnstile;
    es_turnstile_turn(door, es_now_us);
    uint64_t gate = es_gate_turn(self->gate, now_us);
    uint64_t tls = self->tls_front ? es_tls_front_turn(self->tls_front, now_us) : UINT64_MAX;
    if (es_turnstile_waits(door)) return 0;
    return tls < gate ? tls : gate;
}

void es_edge_http_drain(es_edge_http_t *self, uint64_t now_us)
{
    es_edge_loop_unwatch(self->loop, es_acceptor_fd(self->acceptor));
    es_acceptor_drain(&self->acceptor);
    es_gate_drain(self->gate, now_us);
}

bool es_edge_http_busy(const es_edge_http_t *self)
{
    return es_gate_busy(self->gate) > 0 || (self->tls_front && es_tls_front_busy(self->tls_front));
}
