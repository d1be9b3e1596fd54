/* The edge's loop: libev, because libwebsockets costs five times more on its own; ZeroMQ's descriptors stand beside the sockets.
 *
 * At low rates: wait, let libwebsockets read and write, take what the house says (`turn`). Under load a tick has two halves:
 *
 *     read clients, send off all they said | rest | take the results, write them with the acknowledgements | rest |
 *
 * so that a wake-up of every thread on the way is paid by many frames, and a write by two messages. The busier, the shorter the tick. ZMQ_FD tells only
 * of changes, so `turn` drains until there is nothing before the loop may sleep. One thread. */
#ifndef ES_EDGE_LOOP_H
#define ES_EDGE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

typedef struct es_edge_loop es_edge_loop_t;

typedef struct {
    void *ctx;
    /* Time has passed; called after each wait, before anything else happens. */
    void (*woke)(void *ctx, uint64_t now_us);
    /* The sockets that had something were read; called before anything may wait. */
    void (*flush)(void *ctx);
    /* Do what is due. Returns the time at which to be called again at the latest; 0: at once. *work: messages handled since the last
     * call, the measure of load. */
    uint64_t (*turn)(void *ctx, uint64_t now_us, unsigned *work);
} es_edge_loop_ops_t;

/* NULL where libev cannot start. */
es_edge_loop_t *es_edge_loop_new(const es_edge_loop_ops_t *ops, uint64_t tick_us);
void es_edge_loop_destroy(es_edge_loop_t **self_p);
/* The struct ev_loop, for libwebsockets. */
void *es_edge_loop_handle(es_edge_loop_t *self);
/* Wake up where fd is readable and call fn (NULL: only wake up). At most ES_EDGE_LOOP_FDS. */
#define ES_EDGE_LOOP_FDS 32
void es_edge_loop_watch(es_edge_loop_t *self, int fd, void (*fn)(void *ctx), void *ctx);
void es_edge_loop_unwatch(es_edge_loop_t *self, int fd);
/* Any number of sockets, each with a function of its own: what has come true is told. At first nothing is watched for. */
typedef struct es_edge_watch es_edge_watch_t;
es_edge_watch_t *es_edge_watch_new(es_edge_loop_t *loop, int fd, void (*fn)(void *ctx, bool readable, bool writable),
                                   void *ctx);
void es_edge_watch_set(es_edge_watch_t *self, bool reading, bool writing);
/* Before the socket is closed or given away; also from within fn. */
void es_edge_watch_destroy(es_edge_watch_t **self_p);
/* Watch a raw ZeroMQ socket's descriptor. */
void es_edge_loop_watch_socket(es_edge_loop_t *self, void *socket);
void es_edge_loop_run(es_edge_loop_t *self);
void es_edge_loop_stop(es_edge_loop_t *self);

#endif
