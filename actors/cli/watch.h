/* Listens to the brokers' beacons. The only file of the command that owns a ZeroMQ socket. One thread. */
#ifndef ES_WATCH_H
#define ES_WATCH_H

#include <jansson.h>

#include "loop.h"

typedef struct es_watch es_watch_t;
/* A beacon came: its key ("sys/" and the broker's incarnation) and the state of the house, described in broker/beacon.c. Borrowed. */
typedef void (*es_watch_fn)(void *ctx, const char *key, json_t *house);

/* brokers: a list as in endpoints.h, checked before. */
es_watch_t *es_watch_new(const char *brokers, es_watch_fn fn, void *ctx);
void es_watch_destroy(es_watch_t **self_p);
/* The loop must live longer. */
void es_watch_attach(es_watch_t *self, es_loop_t *loop);

/* Publishes what is heard again at `base` (ipc://...), for `earshot status` of a house whose broker listens inside one process only. Does nothing where
 * somebody serves there already. */
void es_watch_relay(es_watch_t *self, const char *base);

#endif
