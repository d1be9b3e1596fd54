#include "bundle.h"

#include <string.h>

enum { HEAD = 2, BODY_HEAD = 4 };

bool es_bundle_admits(const es_msg_t *msg, size_t len)
{
    if (len > ES_BUNDLE_ITEM_MAX) return false;
    switch (msg->kind) {
    case ES_FRAME:
        return !(msg->flags & ES_F_START);
    case ES_ACK:
    case ES_REWIND:
    case ES_FINAL:
    case ES_PARTIAL:
        return true;
    default:
        return false;
    }
}

static bool belongs(const es_bundle_t *self, es_span_t key, const es_msg_t *msg, size_t len)
{
    if (self->count == 0) return true;
    if (key.len != self->key_len || memcmp(key.ptr, self->key, key.len) != 0 || msg->epoch != self->epoch) return false;
    return self->len + HEAD + ES_ENVELOPE_MAX + BODY_HEAD + len <= ES_BUNDLE_MAX;
}

es_bundle_add_t es_bundle_add(es_bundle_t *self, es_span_t key, const es_msg_t *msg, const void *body, size_t len)
{
    if (!es_bundle_admits(msg, len) || key.len > ES_KEY_MAX) return ES_BUNDLE_ALONE;
    if (!belongs(self, key, msg, len)) return ES_BUNDLE_OTHER;
    uint8_t *at = self->data + self->len;
    size_t size = es_encode(msg, at + HEAD, ES_ENVELOPE_MAX);
    if (size == 0) return ES_BUNDLE_ALONE; /* fails there too, and is counted */
    if (self->count++ == 0) {
        self->epoch = msg->epoch;
        self->seq = msg->seq;
        self->key_len = key.len;
        memcpy(self->key, key.ptr, key.len);
    }
    at[0] = (uint8_t)(size >> 8);
    at[1] = (uint8_t)size;
    at += HEAD + size;
    for (int i = 0; i < BODY_HEAD; i++) at[i] = (uint8_t)(len >> (24 - 8 * i));
    if (len > 0) memcpy(at + BODY_HEAD, body, len);
    self->len += HEAD + size + BODY_HEAD + len;
    return ES_BUNDLE_TAKEN;
}

es_msg_t es_bundle_envelope(const es_bundle_t *self)
{
    return (es_msg_t){.kind = ES_BUNDLE, .epoch = self->epoch, .seq = self->seq};
}

void es_bundle_clear(es_bundle_t *self)
{
    self->len = self->count = 0;
}

int es_bundle_next(es_span_t *rest, es_span_t *envelope, es_span_t *body)
{
    const uint8_t *at = (const uint8_t *)rest->ptr;
    size_t left = rest->len;
    if (left == 0) return 0;
    if (left < HEAD) return -1;
    size_t size = (size_t)at[0] << 8 | at[1];
    at += HEAD, left -= HEAD;
    if (left < size + BODY_HEAD) return -1;
    *envelope = es_span_of(at, size);
    at += size, left -= size;
    size_t len = (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
    at += BODY_HEAD, left -= BODY_HEAD;
    if (left < len) return -1;
    *body = es_span_of(at, len);
    *rest = es_span_of(at + len, left - len);
    return 1;
}
