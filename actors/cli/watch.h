/* Listens to the brokers' beacons and the figures of jobs actors. The only file of the command that owns a ZeroMQ socket. One thread. */
#ifndef ES_WATCH_H
#define ES_WATCH_H

#include <jansson.h>

#include "loop.h"

typedef struct es_watch es_watch_t;
/* A beacon came: its key ("sys/" and the broker's incarnation) and the state of the house, described in broker/beacon.c. Borrowed. */
typedef void (*es_watch_fn)(void *ctx, const char *key, json_t *house);
/* A jobs actor told its figures (JOB_STATS, section 11 of the protocol). Borrowed. */
typedef void (*es_watch_jobs_fn)(void *ctx, const char *name, json_t *stats);

/* brokers: a list as in endpoints.h, checked before. */
es_watch_t *es_watch_new(const char *brokers, es_watch_fn fn, void *ctx);
void es_watch_destroy(es_watch_t **self_p);
/* With the same ctx; before the loop runs. */
void es_watch_on_jobs(es_watch_t *self, es_watch_jobs_fn fn);
/* Sender's wall clock of the message that fn is called for now, in microseconds. */
uint64_t es_watch_sent_us(const es_watch_t *self);
/* The loop must live longer. */
void es_watch_attach(es_watch_t *self, es_loop_t *loop);

/* Publishes what is heard again at `base` (ipc://...), for `earshot status` of a house whose broker listens inside one process only. Does nothing where
 * somebody serves there already. */
void es_watch_relay(es_watch_t *self, const char *base);

#endif
