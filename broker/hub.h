/* The hub owns the broker's four sockets and moves messages between them; what to do with each is the house's.
 *
 *   senders  PUSH ----> PULL frontend --[house]--> backend ROUTER ----> DEALER  workers
 *   senders  SUB  <---- XPUB publish  <----------- results XSUB  <---- PUB     workers
 *
 * Bodies travel by reference and are kept nowhere. What comes over tcp with a key is held to what the key's role may say (access.h). XSUB
 * takes everything and passes no subscription on to workers (design: re-subscriptions of thousands of clients are dropped at the high-water mark).
 * A subscriber that is slower than its high-water mark loses what is above; libzmq tells nobody, the streams mend it.
 */
#ifndef ES_HUB_H
#define ES_HUB_H

#include "dead_letters.h"
#include "endpoints.h"
#include "house.h"
#include "loop.h"

typedef struct es_hub es_hub_t;

typedef struct {
    es_house_config_t house; /* inc is drawn by the hub */
    es_endpoints_t base;
    es_endpoints_t tcp;       /* bound besides; tcp.base empty: not */
    int queue;                /* high-water mark of each socket, messages a peer */
    uint64_t max_connections; /* descriptors in use, beyond which nobody new is let in on tcp */
    es_dead_letters_config_t dead;
    const char *keys; /* directory of key files; its `allowed` says who may come, where es_curve_on */
} es_hub_config_t;

/* Takes the lock (ipc only: a second bind would silently steal the endpoint), binds. NULL with a message logged where another broker is there or an
 * endpoint cannot be bound. Strings in config must outlive the hub. */
es_hub_t *es_hub_new(const es_hub_config_t *config);
/* Unbinds and gives the lock back. NULL is fine. */
void es_hub_destroy(es_hub_t **self_p);
/* Adds the sockets and timers to a loop, which must end first. */
void es_hub_attach(es_hub_t *self, es_loop_t *loop);
/* Calls fn when somebody asks this broker to end (DRAIN); before es_hub_attach. */
void es_hub_on_drain(es_hub_t *self, void (*fn)(void *ctx, uint64_t now_us), void *ctx);
/* Says that this broker ends (es_house_leave). */
void es_hub_leave(es_hub_t *self, uint64_t now_us);
/* Takes and forwards what waits now, in a bounded number of rounds. */
void es_hub_drain(es_hub_t *self);

#endif
