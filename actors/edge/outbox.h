/* Frames on their way to the brokers, kept until a batch of reading is over and then sent in one go: ZeroMQ's thread and the broker wake
 * once for all of them. In order. One thread. */
#ifndef ES_OUTBOX_H
#define ES_OUTBOX_H

#include "envelope.h"

#define ES_OUTBOX_MESSAGES 256u
#define ES_OUTBOX_BYTES 262144u

typedef void (*es_outbox_fn)(void *ctx, int broker, es_span_t key, const es_msg_t *msg, const void *body, size_t len);

typedef struct es_outbox es_outbox_t;

es_outbox_t *es_outbox_new(es_outbox_fn send, void *ctx);
/* What was not flushed is lost. */
void es_outbox_destroy(es_outbox_t **self_p);
/* Keeps a copy, or, where there is no room or msg holds text or bytes of its own, flushes and sends at once. */
void es_outbox_put(es_outbox_t *self, int broker, es_span_t key, const es_msg_t *msg, const void *body, size_t len);
void es_outbox_flush(es_outbox_t *self);

#endif
