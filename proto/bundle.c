#include "bundle.h"

#include <string.h>

#include "room_wire.h"

enum { KEY_HEAD = 1, ENVELOPE_HEAD = 2, BODY_HEAD = 4, HEADS = KEY_HEAD + ENVELOPE_HEAD + BODY_HEAD };

bool es_bundle_admits(const es_msg_t *msg, size_t body_len)
{
    if (body_len > ES_BUNDLE_ITEM_MAX) return false;
    switch (msg->kind) {
    case ES_FRAME:
        return !(msg->flags & ES_F_START);
    case ES_ACK:
    case ES_REWIND:
    case ES_FINAL:
    case ES_PARTIAL:
    case ES_ROOM_DONE:
    case ES_ROOM_REFUSED:
    case ES_ROOM_EVENTS:
    case ES_ROOM_STATE:
    case ES_ROOM_PRESENT:
    case ES_JOB_TOLD:
        return true;
    default: /* ROOM_NEWS goes to whoever follows the room, on its topic: it is one message for all already */
        return es_room_is_request(msg->kind);
    }
}

static uint8_t *put_number(uint8_t *at, size_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) at[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
    return at + bytes;
}

static uint8_t *put_bytes(uint8_t *at, const void *data, size_t len)
{
    if (len > 0) memcpy(at, data, len);
    return at + len;
}

static void close_item(es_bundle_t *self, uint8_t *at, const void *body, size_t len)
{
    at = put_bytes(put_number(at, len, BODY_HEAD), body, len);
    self->len = (size_t)(at - self->data);
    self->count++;
}

es_bundle_add_t es_bundle_add(es_bundle_t *self, es_span_t key, const es_msg_t *msg, const void *body, size_t len)
{
    if (!es_bundle_admits(msg, len) || key.len == 0 || key.len > ES_KEY_MAX) return ES_BUNDLE_ALONE;
    if (self->len + HEADS + key.len + ES_ENVELOPE_MAX + len > ES_BUNDLE_MAX) return ES_BUNDLE_FULL;
    uint8_t *at = put_bytes(put_number(self->data + self->len, key.len, KEY_HEAD), key.ptr, key.len);
    size_t size = es_encode(msg, at + ENVELOPE_HEAD, ES_ENVELOPE_MAX);
    if (size == 0) return ES_BUNDLE_ALONE; /* fails there too, and is counted */
    close_item(self, put_number(at, size, ENVELOPE_HEAD) + size, body, len);
    return ES_BUNDLE_TAKEN;
}

bool es_bundle_append(es_bundle_t *self, const es_bundle_item_t *item)
{
    if (item->key.len == 0 || item->key.len > ES_KEY_MAX || item->envelope.len > ES_ENVELOPE_MAX ||
        item->body.len > ES_BUNDLE_ITEM_MAX)
        return false;
    if (self->len + HEADS + item->key.len + item->envelope.len + item->body.len > ES_BUNDLE_MAX) return false;
    uint8_t *at = put_bytes(put_number(self->data + self->len, item->key.len, KEY_HEAD), item->key.ptr, item->key.len);
    at = put_bytes(put_number(at, item->envelope.len, ENVELOPE_HEAD), item->envelope.ptr, item->envelope.len);
    close_item(self, at, item->body.ptr, item->body.len);
    return true;
}

void es_bundle_clear(es_bundle_t *self)
{
    self->len = self->count = 0;
}

/* Takes a length of so many bytes and what it counts off *rest. False: there is less. */
static bool take(es_span_t *rest, size_t head, es_span_t *out)
{
    size_t len = 0;
    if (rest->len < head) return false;
    for (size_t i = 0; i < head; i++) len = len << 8 | (uint8_t)rest->ptr[i];
    if (rest->len - head < len) return false;
    *out = es_span_of(rest->ptr + head, len);
    *rest = es_span_of(rest->ptr + head + len, rest->len - head - len);
    return true;
}

int es_bundle_next(es_span_t *rest, es_bundle_item_t *item)
{
    if (rest->len == 0) return 0;
    bool whole = take(rest, KEY_HEAD, &item->key) && take(rest, ENVELOPE_HEAD, &item->envelope) &&
                 take(rest, BODY_HEAD, &item->body);
    return whole && item->key.len > 0 && item->key.len <= ES_KEY_MAX ? 1 : -1;
}
