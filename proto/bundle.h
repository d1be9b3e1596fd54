/* A bundle: small messages of any streams and rooms in one, so that what costs by the message (parts, pipes, wake-ups, system calls) is paid once for all
 * that a turn of a loop has for one peer.
 *
 * Its key ends in `*`, its body is a sequence of items
 *
 *     u8 length, key, u16 length, envelope, u32 length, body        (lengths big-endian; no body: length 0)
 *
 * in the order in which the messages would have gone out alone. Only small messages of streams under way, requests to rooms and answers to one
 * client travel so: a START, a CLOSE, a WAIT, news of a room or a job never do.
 */
#ifndef ES_BUNDLE_H
#define ES_BUNDLE_H

#include "catalogue.h"

#define ES_BUNDLE_KEY "*"
#define ES_BUNDLE_ITEM_MAX 8192U /* bytes of body of one item; larger messages travel alone, without a copy */

typedef struct {
    size_t len;     /* of data */
    unsigned count; /* items */
    uint8_t data[ES_BUNDLE_MAX];
} es_bundle_t;

typedef struct {
    es_span_t key, envelope, body;
} es_bundle_item_t;

typedef enum {
    ES_BUNDLE_TAKEN,
    ES_BUNDLE_FULL, /* no room: send the bundle first, then add again */
    ES_BUNDLE_ALONE /* must not be bundled: send the bundle first, then this message alone */
} es_bundle_add_t;

/* Is this a message that may travel in a bundle? */
bool es_bundle_admits(const es_msg_t *msg, size_t body_len);
/* Appends a copy of the message. time_us of msg must be set. */
es_bundle_add_t es_bundle_add(es_bundle_t *self, es_span_t key, const es_msg_t *msg, const void *body, size_t len);
/* Appends a message that is encoded already. False: no room, or larger than an item may be. */
bool es_bundle_append(es_bundle_t *self, const es_bundle_item_t *item);
void es_bundle_clear(es_bundle_t *self);

/* Takes the next item off *rest (at first a bundle's whole body). 1: *item has spans into it; 0: the end; -1: malformed. */
int es_bundle_next(es_span_t *rest, es_bundle_item_t *item);

#endif
