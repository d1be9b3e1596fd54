/* The loop of an actor: tick, wait at most what tick returned, dispatch; nothing in it blocks.
 *
 * Handlers of ZeroMQ sockets are called when the socket has events; they drain at most ES_LOOP_BATCH messages and return true where more
 * may be waiting (then the loop does not sleep). Under load the loop waits for the end of an adaptive tick of at most `tick_us`, so that
 * messages are taken in batches; at low rates it reacts at once. It turns at least once a second, and each turn is a beat of its actor's health (health.h).
 */
#ifndef ES_LOOP_H
#define ES_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#define ES_LOOP_BATCH 256

typedef struct es_loop es_loop_t;
typedef bool (*es_loop_zmq_fn)(void *ctx, uint64_t now_us);
typedef void (*es_loop_fd_fn)(void *ctx, short revents, uint64_t now_us);
/* Returns the time at which it wants to be called next (UINT64_MAX: no wish). Called every turn. */
typedef uint64_t (*es_loop_tick_fn)(void *ctx, uint64_t now_us);

es_loop_t *es_loop_new(void);
void es_loop_destroy(es_loop_t **self_p);
/* Watch a raw ZeroMQ socket for input. */
void es_loop_add_socket(es_loop_t *self, void *socket, es_loop_zmq_fn fn, void *ctx);
/* Watch a descriptor for `events` (POLLIN, POLLOUT); the same fd again changes its events. */
void es_loop_add_fd(es_loop_t *self, int fd, short events, es_loop_fd_fn fn, void *ctx);
void es_loop_remove_fd(es_loop_t *self, int fd);
void es_loop_add_tick(es_loop_t *self, es_loop_tick_fn fn, void *ctx);
/* Called after ticks and after sockets that had messages, before any wait: send off what was gathered. */
void es_loop_add_flush(es_loop_t *self, void (*fn)(void *ctx), void *ctx);
/* 0 (default) switches the adaptive tick off. */
void es_loop_set_tick(es_loop_t *self, uint64_t tick_us);
/* A handler tells how many messages it took. Where somebody does, the adaptive tick ends as soon as about 32 messages are worth a wake-up, and is left
 * where sleeping gathers none (a lone client that waits for each answer). */
void es_loop_count(es_loop_t *self, uint64_t messages);
/* The loop frees `memory` (from malloc) when it is destroyed: for the state of a watch that lives as long as the loop. */
void es_loop_own(es_loop_t *self, void *memory);
/* Runs until es_loop_stop. 0, or -1 where the context was terminated. */
int es_loop_run(es_loop_t *self);
void es_loop_stop(es_loop_t *self);

#endif
