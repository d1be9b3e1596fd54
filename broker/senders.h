/* Which senders live: edges report once a second under a key with their prefix. One that falls silent is dead, or cut off: its streams keep places that others could
 * have. Senders that never report are not known here; what they leave is forgotten when it has been idle.
 *
 * Pure: no clock. Silence is no proof where the broker itself stood still. One thread. */
#ifndef ES_SENDERS_H
#define ES_SENDERS_H

#include "envelope.h"

enum {
    ES_SENDERS_MAX = 1024 /* further ones are not known, and counted */
};
#define ES_SENDER_SILENCE_US UINT64_C(5000000)
#define ES_SENDER_PROOF_US \
    UINT64_C(2000000) /* a frame of this age or less proves that its sender lives, whatever it reports */

typedef struct {
    char prefix[ES_PREFIX_LEN];
    uint64_t heard_us;
} es_sender_heard_t;

typedef struct {
    es_sender_heard_t list[ES_SENDERS_MAX];
    size_t count;
    uint64_t ticked_us, unknown;
} es_senders_t;

/* A report came on this key (a client_id or shaped like one). */
void es_senders_take(es_senders_t *self, es_span_t key, uint64_t now_us);
/* It says itself that it is gone, or its successor does. */
void es_senders_left(es_senders_t *self, es_span_t key);
/* Another sender reports under the name of this one: it was started anew, and this one is dead unless it reports itself. Its silence counts as proof as soon as its frames'. */
void es_senders_replaced(es_senders_t *self, es_span_t key, uint64_t now_us);
/* Takes out one that has been silent, and copies its prefix. False: there is none. Call until then, at least twice a second. */
bool es_senders_silent(es_senders_t *self, uint64_t now_us, char prefix[ES_PREFIX_LEN]);

#endif
