/* What an actor that owns streams (edge, jobs) is connected with: for each broker one PUSH (never one socket to two: it would split a stream) and one SUB,
 * subscribed once to the actor's prefix and to `sys/`. Knows which brokers live, by their beacons.
 *
 * One thread. Loss is allowed everywhere here: senders mend it.
 */
#ifndef ES_SENDER_LINK_H
#define ES_SENDER_LINK_H

#include "envelope.h"
#include "metrics.h"
#include "stream_sender.h"

typedef struct es_sender_link es_sender_link_t;

typedef struct {
    /* A message on one of our keys (PROBED too, where somebody else than the link asked), through this broker. Spans valid during the call. */
    void (*message)(void *ctx, int broker, es_span_t key, const es_msg_t *msg, const void *body, size_t len,
                    uint64_t now_us);
    /* The set of live brokers changed: streams whose broker is gone should be raised (es_sender_link_broker tells the new one). May be NULL. */
    void (*changed)(void *ctx, uint64_t now_us);
    /* A broker's BEACON: its key is `sys/` and the broker's incarnation, the body the state of the house. May be NULL. */
    void (*beacon)(void *ctx, es_span_t key, const es_msg_t *msg, es_span_t body, uint64_t now_us);
    /* Somebody asks us to end (DRAIN), perhaps more than once. May be NULL. */
    void (*drain)(void *ctx, uint64_t now_us);
} es_sender_link_ops_t;

/* prefix: the first ES_PREFIX_LEN digits of all our client_ids. NULL with a message logged on malformed endpoints. */
es_sender_link_t *es_sender_link_new(const char *brokers, const char *prefix, const es_sender_link_ops_t *ops,
                                     void *ctx);
/* Says with a last REPORT that we leave. */
void es_sender_link_destroy(es_sender_link_t **self_p);

/* The broker for this key by rendezvous hashing among the live ones (all, where none lives): its index. */
int es_sender_link_broker(const es_sender_link_t *self, es_span_t key);
/* Send to that broker, DONTWAIT, at the latest with the next es_sender_link_flush. 0, or -1 (counted; the stream's retransmission mends it). */
int es_sender_link_send(es_sender_link_t *self, int broker, es_span_t key, const es_msg_t *msg, const void *body,
                        size_t len);

/* A message on a stream's key, to its sender. own: it came through the broker that the stream is at. Only that one knows whose the stream is; through another one anybody may say
 * anything of it who works there, so that is dropped (es_sender_overhear), and counted where it is no copy. */
void es_sender_link_deliver(es_sender_t *sender, bool own, const es_msg_t *msg, const void *body, size_t len,
                            uint64_t now_us);

/* Hear what is said on this topic (the key of a room) as well, or no more. One subscription a topic: the caller counts who wants it. */
void es_sender_link_subscribe(es_sender_link_t *self, es_span_t topic, bool on);
/* A key of our own, shaped like a client_id, that no client has: answers to what we ask for ourselves come on it. */
const char *es_sender_link_key(const es_sender_link_t *self);

/* Puts what was given to es_sender_link_send in this turn on the wire: small messages leave together (bundle.h). Call before waiting. */
void es_sender_link_flush(es_sender_link_t *self);

/* Raw sockets to watch for input (SUB, one a broker), and their edge-triggered descriptors. Returns the count. */
int es_sender_link_sockets(const es_sender_link_t *self, void *sockets[], int max);
/* Takes what has come, at most `max` messages a socket; true where more may be waiting. Check again before sleeping: ZMQ_FD is edge-triggered. */
bool es_sender_link_drain(es_sender_link_t *self, int max, uint64_t now_us);
/* Looks at beacons' ages, probes, reports. Returns the time of the next call. */
uint64_t es_sender_link_tick(es_sender_link_t *self, uint64_t now_us);

/* A probe through a broker came back within the last 3 s. */
bool es_sender_link_ready(const es_sender_link_t *self);
/* Every broker refuses our key: nothing comes through until it is allowed again. */
bool es_sender_link_refused(const es_sender_link_t *self);
/* Live transcribers as of the last probe; 0 where nobody can transcribe. */
uint64_t es_sender_link_workers(const es_sender_link_t *self);
/* Figures for REPORT, sent once a second under `name`. */
void es_sender_link_report(es_sender_link_t *self, const char *name, uint64_t streams, uint64_t frames,
                           uint64_t lag_us);

/* Tells each broker, once it can be reached, that the sender with this prefix is dead, so that its streams give their places back at once: who takes its work up knows it.
 * `name`: under which it reported. */
void es_sender_link_succeeds(es_sender_link_t *self, const char *prefix, const char *name);
/* Says in REPORTs what this actor is ("jobs"; without this call an edge). Static. */
void es_sender_link_serves(es_sender_link_t *self, const char *service);

es_metric_t *const *es_sender_link_metrics(void);

#endif
