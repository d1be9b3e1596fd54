/* The edge's HTTP put together: acceptor, TLS, gate, routes and pages. One thread, the loop's. */
#ifndef ES_EDGE_HTTP_H
#define ES_EDGE_HTTP_H

#include "edge_actor.h"
#include "gate.h"
#include "http_router.h"

typedef struct es_edge_http es_edge_http_t;

typedef struct {
    void *ctx;
    const char *(*unready)(void *ctx); /* why we are not, or NULL */
    /* As in es_gate_ops_t. */
    unsigned (*admit)(void *ctx, const es_http_exchange_t *x, const char *path, const char *origin, const char *host,
                      struct es_guest **guest);
    void (*adopt)(void *ctx, int fd, const char *bytes, size_t len, void *peer, struct es_guest *guest);
} es_edge_http_ops_t;

/* Reads the pages. config and loop outlive it. */
es_edge_http_t *es_edge_http_new(const es_edge_http_ops_t *ops, const es_edge_config_t *config, es_edge_loop_t *loop);
/* Handlers hear that it is over: whatever serves routes is destroyed after this. */
void es_edge_http_destroy(es_edge_http_t **self_p);
/* access: an es_access_t; every route's right is asked of it from now on. */
void es_edge_http_guard(es_edge_http_t *self, void *access);
/* To add routes to. */
es_http_router_t *es_edge_http_router(es_edge_http_t *self);
/* 0, or -1 with a sentence in err: nothing listens. */
int es_edge_http_listen(es_edge_http_t *self, char *err, size_t err_len);
/* "http://127.0.0.1:8000", or https, once it listens. */
const char *es_edge_http_url(const es_edge_http_t *self);
/* Files are read anew, for connections from now on; what cannot be used is logged and the old one stays. */
void es_edge_http_reload(es_edge_http_t *self);
/* A connection that was given to `adopt` is closed. */
void es_edge_http_left(es_edge_http_t *self, void *peer);
/* The client's own socket behind one that was given to `adopt`: the same, but for TLS. -1: it is closed. */
int es_edge_http_socket(const es_edge_http_t *self, int adopted);
/* Does what is due. Returns when to be called again at the latest. */
uint64_t es_edge_http_turn(es_edge_http_t *self, uint64_t now_us);
/* Nobody new is let in, no connection is kept. */
void es_edge_http_drain(es_edge_http_t *self, uint64_t now_us);
/* Answers are not out. */
bool es_edge_http_busy(const es_edge_http_t *self);

#endif
