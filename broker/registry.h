/* The registry: which actors live.
 *
 *      HELLO --> ALIVE --PING each heartbeat--> (HEARTBEAT or HELLO: heard) --> ALIVE
 *                  | nothing heard for three heartbeats, a send answers EHOSTUNREACH, GOODBYE
 *                  '--> gone; if it speaks again it is asked WHO_ARE_YOU
 *
 * Asked for and answered from the actor's work loop, so that a hung actor is found as well as a dead one. If the broker itself stood still, silence is
 * no proof: a tick that comes later than a heartbeat after it was due gives every actor a fresh three heartbeats.
 *
 * Pure: no socket, no clock. Actors are named by their incarnation. One thread.
 */
#ifndef ES_REGISTRY_H
#define ES_REGISTRY_H

#include "envelope.h"

typedef struct es_registry es_registry_t;

#define ES_REGISTRY_MISSES 3u /* heartbeats of silence after which an actor is lost */

typedef struct {
    uint64_t heartbeat_us; /* default 500 ms */
    size_t max_actors;     /* default 1024 */
} es_registry_config_t;
es_registry_config_t es_registry_defaults(void);

#define ES_ACTOR_WHO_MAX 95u /* bytes of "role/name" */

typedef struct {
    uint64_t inc;
    char name[ES_NAME_MAX + 1], service[ES_NAME_MAX + 1]; /* NUL-terminated; a NUL inside was replaced by '?' */
    uint64_t capacity, load, lag_us, count;               /* as last told */
    uint64_t heard_us;
    bool draining;                  /* capacity 0 */
    char who[ES_ACTOR_WHO_MAX + 1]; /* identity of its key; empty: it has none */
} es_actor_t;

typedef enum {
    ES_HELLO_NEW,   /* it joined */
    ES_HELLO_AGAIN, /* known, figures updated */
    ES_HELLO_FULL   /* max_actors reached; not taken */
} es_hello_t;

/* NULL config: the defaults. Dies on lack of memory. */
es_registry_t *es_registry_new(const es_registry_config_t *config, uint64_t now_us);
void es_registry_destroy(es_registry_t **self_p);

/* HELLO of incarnation inc. Service, name and capacity are taken from msg. */
es_hello_t es_registry_hello(es_registry_t *self, uint64_t inc, const es_msg_t *msg, uint64_t now_us);
/* HEARTBEAT of inc: heard, figures updated. False: unknown, ask WHO_ARE_YOU. */
bool es_registry_heartbeat(es_registry_t *self, uint64_t inc, const es_msg_t *msg, uint64_t now_us);
/* Takes it out (GOODBYE, EHOSTUNREACH). False: it was not there. */
bool es_registry_remove(es_registry_t *self, uint64_t inc);
/* Whose key it came with ("role/name"), told once, after its first HELLO. */
void es_registry_belongs(es_registry_t *self, uint64_t inc, const char *who);
/* NULL where unknown. Valid until the next call that changes the registry. */
const es_actor_t *es_registry_find(const es_registry_t *self, uint64_t inc);

typedef struct {
    void (*ping)(void *ctx, uint64_t inc); /* send PING; may call es_registry_remove */
    void (*lost)(void *ctx, uint64_t inc,
                 uint64_t silence_us); /* three missed; it is still found during the call, then removed */
} es_registry_ops_t;
/* Asks and judges. Returns the time of the next call; earlier calls are harmless. */
uint64_t es_registry_tick(es_registry_t *self, const es_registry_ops_t *ops, void *ctx, uint64_t now_us);

size_t es_registry_count(const es_registry_t *self);
/* Actors of this service (empty: of all) that take more: not draining. */
size_t es_registry_taking(const es_registry_t *self, es_span_t service);
/* The i-th actor in the order of joining, 0 <= i < count. */
const es_actor_t *es_registry_at(const es_registry_t *self, size_t i);
/* Times that the broker stood still. */
uint64_t es_registry_stalls(const es_registry_t *self);

#endif
