/* A bundle: several messages of one key in one, so that what costs by the message (parts, pipes, system calls) is paid once.
 *
 * Its body is a sequence of
 *
 *     u16 length, envelope, u32 length, body        (lengths big-endian; no body: length 0)
 *
 * in the order in which the messages would have gone out alone. Only small messages of a stream under way travel so: a START, a CLOSE, a
 * WORKER_LOST or a WAIT never does, for the broker acts on those.
 */
#ifndef ES_BUNDLE_H
#define ES_BUNDLE_H

#include "catalogue.h"

#define ES_BUNDLE_ITEM_MAX \
    8192U /* bytes of body of one message in a bundle; larger ones travel alone, without a copy */

typedef struct {
    size_t len;     /* of data */
    unsigned count; /* messages in it */
    uint64_t epoch; /* of all of them */
    uint64_t seq;   /* of the first */
    size_t key_len;
    char key[ES_KEY_MAX];
    uint8_t data[ES_BUNDLE_MAX];
} es_bundle_t;

typedef enum {
    ES_BUNDLE_TAKEN,
    ES_BUNDLE_OTHER, /* of another key or epoch, or no room: send the bundle first, then add again */
    ES_BUNDLE_ALONE  /* must not be bundled: send the bundle first, then this message alone */
} es_bundle_add_t;

/* Appends a copy of the message. time_us of msg must be set. */
es_bundle_add_t es_bundle_add(es_bundle_t *self, es_span_t key, const es_msg_t *msg, const void *body, size_t len);
/* Is this a message that may travel in a bundle? */
bool es_bundle_admits(const es_msg_t *msg, size_t len);
/* The envelope around a bundle of two or more. */
es_msg_t es_bundle_envelope(const es_bundle_t *self);
void es_bundle_clear(es_bundle_t *self);

/* Takes the next message off *rest (at first the bundle's whole body). 1: envelope and body are spans into it; 0: the end; -1: malformed. */
int es_bundle_next(es_span_t *rest, es_span_t *envelope, es_span_t *body);

#endif
