/* The front of the edge: accepted sockets come here. What opens a WebSocket, and nothing else, is handed on, with a head that is written anew from what was
 * checked; all other requests are served here (http_conn.h).
 *
 *     acceptor --> gate --- GET, Upgrade: websocket, admitted --> libwebsockets
 *                   '------ everything else ---------------------> http_conn --> router --> handlers
 *
 * One thread, the loop's. */
#ifndef ES_GATE_H
#define ES_GATE_H

#include "access/turnstile.h"
#include "edge_loop.h"
#include "http_conn.h"

#define ES_GATE_LINGER_US UINT64_C(5000000) /* a connection that we have closed is read for so long at most */

typedef struct es_gate es_gate_t;
struct es_guest;

typedef struct {
    void *ctx;
    /* Where this request is to wait before it is served or admitted; NULL: nowhere. The function may be NULL. */
    es_turnstile_t *(*turnstile)(void *ctx, const es_http_exchange_t *x);
    /* Answer it, or hand it to a handler. */
    void (*serve)(void *ctx, es_http_exchange_t *x);
    /* This socket, which you gave, is closed now with an answer broken off: nobody may take that for its end. NULL: a reset is enough. */
    void (*cut)(void *ctx, int fd);
    void *user; /* of the two below */
    /* May this WebSocket be opened? 0 with *guest, or the HTTP status that refuses it: 403, 404, 421, 431 or 503. */
    unsigned (*admit)(void *user, const es_http_exchange_t *x, const char *path, const char *origin, const char *host,
                      struct es_guest **guest);
    /* The socket is yours, and these bytes of it are read: a head without any secret, and what came after it. es_gate_left(peer) is to be called once it is
     * closed. guest: as `admit` gave it. */
    void (*adopt)(void *user, int fd, const char *bytes, size_t len, void *peer, struct es_guest *guest);
} es_gate_ops_t;

typedef struct {
    uint64_t connections;       /* at once, WebSockets not counted */
    uint64_t address;           /* connections of one address, WebSockets counted; 0: any number */
    es_http_head_limits_t head; /* all zero: the most that there is */
    uint64_t head_us, body_us, body_least, idle_us, send_us;
} es_gate_limits_t;

es_gate_t *es_gate_new(const es_gate_ops_t *ops, const es_gate_limits_t *limits, es_edge_loop_t *loop);
/* Handlers hear that it is over. */
void es_gate_destroy(es_gate_t **self_p);
/* May one more come? Counted in all, with `others` that are not the gate's yet, and for the address of its socket: *peer is NULL where addresses are not counted.
 * False with *why, which is counted and logged. */
bool es_gate_enter(es_gate_t *self, int fd, size_t others, void **peer, es_http_why_t *why);
/* Answers one that may not come, without waiting for anything, and closes it. */
void es_gate_turn_away(int fd, es_http_why_t why);
/* Takes over a non-blocking socket; peer: of es_gate_enter. leaves: the gate says itself that it left; somebody else will otherwise. */
void es_gate_take(es_gate_t *self, int fd, void *peer, bool leaves, uint64_t now_us);
/* A connection that has entered is closed, be it handed on or never taken. peer may be NULL. */
void es_gate_left(es_gate_t *self, void *peer);
/* Does what is due or was said since. Returns when to be called again at the latest. */
uint64_t es_gate_turn(es_gate_t *self, uint64_t now_us);
/* No connection is kept from now on, those that are idle are closed. */
void es_gate_drain(es_gate_t *self, uint64_t now_us);
/* Requests that are not answered whole. */
size_t es_gate_busy(const es_gate_t *self);

#endif
