/* What is said to senders and observers: results of workers, relayed from `results` to `publish`, and what the house itself publishes there.
 *
 * Results of peers on this machine are not even decoded: a topic and two or three parts is all that is asked. Those of peers with a key are, since the kind decides
 * whether they may say it, and are held to the catalogue: a subscriber that reads nothing has us hold so many messages, and a kind's bound is the only one on their bytes. Small results of streams leave together, one message an edge, unless somebody observes a single client. Belongs to the hub, which drains the
 * sockets through it.
 */
#ifndef ES_RELAY_H
#define ES_RELAY_H

#include "access.h"
#include "bundles.h"
#include "dead_letters.h"
#include "house.h"
#include "metrics.h"

typedef struct {
    void *results, *publish; /* raw, the doors' */
    es_access_t *access;     /* or NULL */
    const es_house_t *house;
    es_decoder_t *decoder;
    es_bundles_t *to_edges;  /* of this turn */
    es_dead_letters_t *dead; /* or NULL */
    size_t observers;        /* subscriptions to single client_ids: those must see every message on its own key */
} es_relay_t;

void es_relay_init(es_relay_t *self, void *results, void *publish, es_access_t *access, es_decoder_t *decoder);
void es_relay_fini(es_relay_t *self);
/* Publishes for the house. */
void es_relay_say(es_relay_t *self, es_span_t key, const es_msg_t *msg, const void *body, size_t len);
/* Sends what was gathered in this turn. */
void es_relay_flush(es_relay_t *self);
/* Each takes at most ES_LOOP_BATCH messages and returns how many; a bundle counts as what is in it. */
unsigned es_relay_results(es_relay_t *self);
unsigned es_relay_subscriptions(es_relay_t *self);

typedef struct {
    es_socket_t socket; /* that it came to */
    const es_speaker_t *speaker;
    const es_span_t *parts;
    size_t count;
    bool fragment; /* of what came: other parts are gone, or it came in a bundle */
} es_malformed_t;

/* A message that is not what the protocol allows: counted, logged, and kept as a dead letter, where `dead` is not NULL. For the hub too. */
void es_relay_malformed(es_dead_letters_t *dead, es_metric_t *counter, const es_malformed_t *what, const char *reason);

#endif
