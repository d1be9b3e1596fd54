/* An actor's link to one broker: DEALER to its backend and PUB to its results, a leg each; it is told when the DEALER is connected (again). For
 * actor_link.c only.
 *
 * Of a stream only what comes through its own broker counts. A worker that hears a broker and cannot answer through it would swallow every stream that it is given there, so HELLO
 * waits for both legs, and where the results leg alone has been lost for a second the actor leaves that broker until it is back:
 *
 *      both legs up --HELLO--> served --results leg lost for 1 s--> GOODBYE, no HEARTBEAT --results leg up--> HELLO
 */
#ifndef ES_BROKER_LINK_H
#define ES_BROKER_LINK_H

#include "endpoints.h"
#include "leg.h"
#include "loop.h"
#include "wire.h"

typedef struct es_broker_link es_broker_link_t;

typedef struct {
    /* A message from this broker, malformed ones too. */
    void (*message)(void *ctx, es_broker_link_t *link, es_wire_t *wire, uint64_t now_us);
    /* Say HELLO now. 0 where it was sent. */
    int (*hello)(void *ctx, es_broker_link_t *link);
    /* Say GOODBYE now: the results leg is lost. NULL: what this actor says counts through any broker, so that leg does not matter. */
    void (*goodbye)(void *ctx, es_broker_link_t *link);
} es_broker_link_ops_t;

struct es_broker_link {
    const es_broker_link_ops_t *ops;
    void *ctx;
    es_decoder_t *decoder; /* shared, the actor's */
    es_loop_t *loop;
    void *dealer, *results;
    es_leg_t backend_leg, results_leg;
    uint64_t heard_us; /* last message from the broker; 0: none since the last connect */
    uint64_t hello_us; /* when the next HELLO is due, unless it is heard from before */
    uint64_t sent_us;  /* last HELLO that left; 0: none since the last connect */
    uint64_t retry_us; /* pause after a HELLO that could not leave */
    uint64_t mute_us;  /* since when there is a backend leg and no results leg; 0: not so, or it does not matter */
    bool left;         /* GOODBYE was said for that */
    char broker[ES_ENDPOINT_MAX];
};

/* Makes and connects the sockets; routing id: the incarnation in hex. */
void es_broker_link_init(es_broker_link_t *self, const es_endpoints_t *broker, const char *incarnation,
                         const es_broker_link_ops_t *ops, void *ctx, es_decoder_t *decoder);
/* Closes; what was sent is given a short time to leave. */
void es_broker_link_fini(es_broker_link_t *self);
void es_broker_link_attach(es_broker_link_t *self, es_loop_t *loop);
/* Says HELLO where the broker is new or silent. Returns the time of the next look. */
uint64_t es_broker_link_tick(es_broker_link_t *self, uint64_t now_us);
/* The broker asked for HELLO, or what it says has changed: say it soon, at most ten times a second. */
void es_broker_link_hello_soon(es_broker_link_t *self);
/* The actor has left this broker, because nothing that it says would get there: no HEARTBEAT, and how long it has been so. 0: it has not. */
uint64_t es_broker_link_mute(const es_broker_link_t *self, uint64_t now_us);

#endif
