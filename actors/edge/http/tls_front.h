/* All TLS connections of an edge, in its loop: accepted sockets come in, plain ends go on to the gate once the handshake is done. A handshake costs a
 * thousand times what a frame does: a few are made in each turn of the loop, first come first served, so that a rush of clients is a wait for them and
 * for nobody else. */
#ifndef ES_TLS_FRONT_H
#define ES_TLS_FRONT_H

#include <stdbool.h>
#include <stddef.h>

#include "edge_loop.h"
#include "tls_conn.h"

typedef struct es_tls_front es_tls_front_t;

typedef struct {
    void *ctx;
    /* The handshake is done: what is said comes out of fd, non-blocking and yours to close. The peer's end is still told by `left`. */
    void (*open)(void *ctx, int fd, void *peer);
    /* The socket that was taken with this peer is closed. */
    void (*left)(void *ctx, void *peer);
} es_tls_front_ops_t;

/* tls and loop outlive it. */
es_tls_front_t *es_tls_front_new(es_tls_t *tls, const es_tls_front_ops_t *ops, const es_tls_times_t *times,
                                 es_edge_loop_t *loop);
void es_tls_front_destroy(es_tls_front_t **self_p);
/* Takes over an accepted, non-blocking socket. */
void es_tls_front_take(es_tls_front_t *self, int fd, void *peer, uint64_t now_us);
/* What was given to `open` as fd is about to be closed with an answer broken off: the client must see that it is. */
void es_tls_front_cut(es_tls_front_t *self, int fd);
/* The client's socket behind it, to be looked at; -1: it is closed. */
int es_tls_front_secret(const es_tls_front_t *self, int fd);
/* Connections that nobody behind knows: before their plain end is given away, or after it was closed. */
size_t es_tls_front_apart(const es_tls_front_t *self);
/* Some of what was said behind is not out. */
bool es_tls_front_busy(const es_tls_front_t *self);
/* Does what is due. Returns when to be called again at the latest; 0: at once. */
uint64_t es_tls_front_turn(es_tls_front_t *self, uint64_t now_us);

es_metric_t *const *es_tls_front_metrics(void);

#endif
