#include "decode_wire.h"

#include <string.h>

#include "envelope.h"

typedef struct {
    uint32_t kind, len; /* bytes that follow */
    uint64_t pos, limit, cpu_s;
} head_t;

_Static_assert(sizeof(head_t) + ES_DECODE_FRAME * sizeof(int16_t) == ES_DECODE_PACKET_MAX, "a packet holds a frame");
_Static_assert(ES_DECODE_TEXT_MAX <= ES_DECODE_FRAME * sizeof(int16_t), "a packet holds a text");

size_t es_decode_pack(const es_decode_msg_t *msg, char out[ES_DECODE_PACKET_MAX])
{
    bool audio = msg->kind == ES_DECODE_AUDIO;
    size_t most = audio ? ES_DECODE_FRAME * sizeof(int16_t) : ES_DECODE_TEXT_MAX;
    size_t len = audio ? msg->n_samples * sizeof(int16_t) : msg->text_len;
    if (len > most) len = most;
    head_t head = {.kind = msg->kind, .len = (uint32_t)len, .pos = msg->pos, .limit = msg->limit, .cpu_s = msg->cpu_s};
    memcpy(out, &head, sizeof head);
    if (len > 0) memcpy(out + sizeof head, audio ? (const char *)msg->samples : msg->text, len);
    return sizeof head + len;
}

int es_decode_unpack(const void *data, size_t len, es_decode_msg_t *out)
{
    head_t head;
    if (len < sizeof head) return -1;
    memcpy(&head, data, sizeof head);
    if (head.kind < ES_DECODE_OPEN || head.kind > ES_DECODE_REFUSED || head.len != len - sizeof head) return -1;
    *out = (es_decode_msg_t){
        .kind = (es_decode_kind_t)head.kind, .pos = head.pos, .limit = head.limit, .cpu_s = head.cpu_s};
    const char *rest = (const char *)data + sizeof head;
    if (head.kind == ES_DECODE_AUDIO) {
        out->samples = (const int16_t *)(const void *)rest;
        out->n_samples = head.len / sizeof(int16_t);
        return head.len % sizeof(int16_t) == 0 && head.len > 0 && out->n_samples <= ES_DECODE_FRAME ? 0 : -1;
    }
    out->text = rest;
    out->text_len = head.len;
    return head.len <= ES_DECODE_TEXT_MAX && es_utf8_valid(rest, head.len) ? 0 : -1;
}
