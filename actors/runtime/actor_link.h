/* How an actor that serves (transcriber, room, ...) is linked to its brokers: a DEALER and a PUB for each, HELLO when connected or asked, HEARTBEAT from
 * the work loop, GOODBYE at the end. worker.h is streams on top of this; an actor that serves something else begins here.
 *
 *     brokers --DEALER--> PING, WHO_ARE_YOU, DRAIN, BUNDLE: the link's own business;  all else, alone or out of a bundle --> the actor
 *     actor   ---PUB----> every broker, in one bundle a turn: whoever owns the stream or the room hears its own
 *
 * One thread.
 */
#ifndef ES_ACTOR_LINK_H
#define ES_ACTOR_LINK_H

#include "catalogue.h"
#include "loop.h"
#include "metrics.h"

typedef struct es_actor_link es_actor_link_t;

typedef struct {
    uint64_t load;   /* streams (rooms) open now */
    uint64_t count;  /* messages handled since the start */
    uint64_t lag_us; /* age of the oldest that is not answered */
} es_actor_figures_t;

typedef struct {
    /* A well-formed message that is not the link's own business; spans are valid during the call. False: nothing for this actor; counted and logged. */
    bool (*message)(void *ctx, es_span_t key, const es_msg_t *msg, es_span_t body, uint64_t now_us);
    /* For HELLO and HEARTBEAT. *out is all zero. */
    void (*figures)(void *ctx, es_actor_figures_t *out, uint64_t now_us);
    /* Streams for HELLO's list, into a malloc'ed *refs that the link frees; keys stay valid until the next turn. Returns the count. NULL: none, ever; the link
     * of who has streams leaves a broker while what it publishes cannot get there (broker_link.h). */
    size_t (*streams)(void *ctx, es_stream_ref_t **refs);
    /* After a PING was answered: the time to say again what may have been lost. NULL: nothing. */
    void (*pinged)(void *ctx, uint64_t now_us);
} es_actor_link_ops_t;

typedef struct {
    const char *name;    /* for people */
    const char *service; /* "transcribe", "room" */
    const char *brokers; /* endpoints.h list */
    uint32_t capacity;   /* streams (rooms) at once */
} es_actor_link_config_t;

/* NULL with a message logged where a broker's endpoint, the name or the service is malformed. Strings are copied, ops are not. */
es_actor_link_t *es_actor_link_new(const es_actor_link_config_t *config, const es_actor_link_ops_t *ops, void *ctx);
/* Sends what was published, says GOODBYE, frees. Calls no op. */
void es_actor_link_destroy(es_actor_link_t **self_p);
/* Adds the sockets, the timer and the flush to a loop, which must live longer. Flushes added to the loop before this one run before it: what they publish
 * leaves with it. */
void es_actor_link_attach(es_actor_link_t *self, es_loop_t *loop);
/* Publishes to every broker, at the latest with the flush of this turn, in the order of the calls, signed with our incarnation. Everything is copied. What
 * cannot leave is counted, not told. */
void es_actor_link_publish(es_actor_link_t *self, es_span_t key, const es_msg_t *msg, const void *body, size_t len);
/* HELLO with capacity 0 to every broker, soon: nothing new comes. A second call does nothing. */
void es_actor_link_drain(es_actor_link_t *self);
/* Calls fn when somebody asks this actor to end (DRAIN): es_runner_drain with the watch of the pipe. Without it such a request is dropped. */
void es_actor_link_on_drain(es_actor_link_t *self, void (*fn)(void *ctx, uint64_t now_us), void *ctx);
uint64_t es_actor_link_incarnation(const es_actor_link_t *self);

/* Counters of all links of this process; what brokers talk to is a worker to them, whatever it serves. es_worker_metrics has these too. */
extern es_metric_t es_actor_link_malformed, es_actor_link_unsent, es_actor_link_hellos;
/* NULL-terminated list for es_metrics_print. */
es_metric_t *const *es_actor_link_metrics(void);

#endif
