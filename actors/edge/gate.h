/* The front of the edge: accepted sockets come here. What opens a WebSocket, and nothing else, is handed on, with a head that is written anew from what was
 * checked; all other requests are served here (http_conn.h).
 *
 *     acceptor --> gate --- GET, Upgrade: websocket, admitted --> libwebsockets
 *                   '------ everything else ---------------------> http_conn --> router --> handlers
 *
 * One thread, the loop's. */
#ifndef ES_GATE_H
#define ES_GATE_H

#include "edge_loop.h"
#include "http_conn.h"

typedef struct es_gate es_gate_t;

typedef struct {
    void *ctx;
    /* Answer it, or hand it to a handler. */
    void (*serve)(void *ctx, es_http_exchange_t *x);
    void *user; /* of the two below */
    /* May this WebSocket be opened? 0, or the HTTP status that refuses it: 403, 404, 431 or 503. */
    unsigned (*admit)(void *user, const char *path, const char *origin, const char *host);
    /* The socket is yours, and these bytes of it are read: a head and what came after it. es_gate_left(peer) is to be called once it is closed. */
    void (*adopt)(void *user, int fd, const char *bytes, size_t len, void *peer);
} es_gate_ops_t;

typedef struct {
    uint64_t connections; /* at once, WebSockets not counted */
    uint64_t address;     /* connections of one address, WebSockets counted; 0: any number */
    uint64_t head_us, body_us, idle_us, send_us;
} es_gate_limits_t;

es_gate_t *es_gate_new(const es_gate_ops_t *ops, const es_gate_limits_t *limits, es_edge_loop_t *loop);
/* Handlers hear that it is over. */
void es_gate_destroy(es_gate_t **self_p);
/* Takes over an accepted, non-blocking socket. */
void es_gate_take(es_gate_t *self, int fd, uint64_t now_us);
/* A connection that was handed on is closed. peer as given to `adopt`; may be NULL. */
void es_gate_left(es_gate_t *self, void *peer);
/* Does what is due or was said since. Returns when to be called again at the latest. */
uint64_t es_gate_turn(es_gate_t *self, uint64_t now_us);
/* No connection is kept from now on, those that are idle are closed. */
void es_gate_drain(es_gate_t *self, uint64_t now_us);
/* Requests that are not answered whole. */
size_t es_gate_busy(const es_gate_t *self);

#endif
