#include "outbox.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"

typedef struct {
    es_msg_t msg;
    int broker;
    char key[ES_CLIENT_ID_LEN];
    size_t len;
} kept_t;

struct es_outbox {
    es_outbox_fn send;
    void *ctx;
    kept_t kept[ES_OUTBOX_MESSAGES];
    size_t count, bytes;
    char bodies[ES_OUTBOX_BYTES]; /* one after another */
};

es_outbox_t *es_outbox_new(es_outbox_fn send, void *ctx)
{
    es_outbox_t *self = es_alloc(sizeof *self); /* pages that are never used cost nothing */
    self->send = send;
    self->ctx = ctx;
    self->count = self->bytes = 0;
    return self;
}

void es_outbox_destroy(es_outbox_t **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

void es_outbox_flush(es_outbox_t *self)
{
    const char *body = self->bodies;
    for (size_t i = 0; i < self->count; i++) {
        const kept_t *kept = &self->kept[i];
        self->send(self->ctx, kept->broker, es_span_of(kept->key, sizeof kept->key), &kept->msg, body, kept->len);
        body += kept->len;
    }
    self->count = self->bytes = 0;
}

static bool plain(const es_msg_t *msg)
{
    return !(msg->trace.len + msg->checkpoint.len + msg->text.len + msg->service.len + msg->reason.len + msg->name.len +
             msg->language.len);
}

void es_outbox_put(es_outbox_t *self, int broker, es_span_t key, const es_msg_t *msg, const void *body, size_t len)
{
    bool fits = self->count < ES_OUTBOX_MESSAGES && len <= ES_OUTBOX_BYTES - self->bytes;
    if (!fits || !plain(msg) || key.len != ES_CLIENT_ID_LEN) {
        es_outbox_flush(self);
        self->send(self->ctx, broker, key, msg, body, len);
        return;
    }
    kept_t *kept = &self->kept[self->count++];
    kept->msg = *msg;
    kept->broker = broker;
    kept->len = len;
    memcpy(kept->key, key.ptr, sizeof kept->key);
    if (len) memcpy(self->bodies + self->bytes, body, len);
    self->bytes += len;
}
