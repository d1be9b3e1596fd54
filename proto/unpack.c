#include "unpack.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"

#define SCRATCH 8192u /* holds every envelope that has no unknown fields, so that decoding allocates nothing */

struct es_decoder {
    msgpack_zone zone;
};

es_decoder_t *es_decoder_new(void)
{
    es_decoder_t *self = es_alloc(sizeof *self);
    if (!msgpack_zone_init(&self->zone, SCRATCH)) abort();
    return self;
}

void es_decoder_destroy(es_decoder_t **self_p)
{
    if (!*self_p) return;
    msgpack_zone_destroy(&(*self_p)->zone);
    free(*self_p);
    *self_p = NULL;
}

/* What follows the first byte of an item: `length` bytes of big-endian length, `fixed` bytes of payload beside what that length tells, and
 * whether the length counts items (1: array, 2: map) and not bytes. For the first bytes 0xc0 to 0xdf. */
static const struct {
    uint8_t length, fixed, items;
    bool never;
} heads[32] = {
    [0x00] = {0, 0, 0, false},  [0x01] = {0, 0, 0, true},  [0x02] = {0, 0, 0, false}, [0x03] = {0, 0, 0, false},
    [0x04] = {1, 0, 0, false},  [0x05] = {2, 0, 0, false}, [0x06] = {4, 0, 0, false}, /* bin */
    [0x07] = {1, 1, 0, false},  [0x08] = {2, 1, 0, false}, [0x09] = {4, 1, 0, false}, /* ext */
    [0x0a] = {0, 4, 0, false},  [0x0b] = {0, 8, 0, false},                            /* float */
    [0x0c] = {0, 1, 0, false},  [0x0d] = {0, 2, 0, false}, [0x0e] = {0, 4, 0, false}, [0x0f] = {0, 8, 0, false},
    [0x10] = {0, 1, 0, false},  [0x11] = {0, 2, 0, false}, [0x12] = {0, 4, 0, false}, [0x13] = {0, 8, 0, false},
    [0x14] = {0, 2, 0, false},  [0x15] = {0, 3, 0, false}, [0x16] = {0, 5, 0, false}, [0x17] = {0, 9, 0, false},
    [0x18] = {0, 17, 0, false},                                                       /* fixext 16 */
    [0x19] = {1, 0, 0, false},  [0x1a] = {2, 0, 0, false}, [0x1b] = {4, 0, 0, false}, /* str */
    [0x1c] = {2, 0, 1, false},  [0x1d] = {4, 0, 1, false},                            /* array */
    [0x1e] = {2, 0, 2, false},  [0x1f] = {4, 0, 2, false},                            /* map */
};

/* Reads the head of one item at *p: how many bytes of payload and how many items follow. */
static es_decode_t head(const uint8_t **p, const uint8_t *end, uint64_t *bytes, uint64_t *items)
{
    uint8_t first = *(*p)++;
    *bytes = *items = 0;
    if (first < 0x80 || first >= 0xe0) return ES_DECODE_OK;
    if (first < 0xc0) {
        if (first < 0x90)
            *items = (first & 0x0fu) << 1;
        else if (first < 0xa0)
            *items = first & 0x0fu;
        else
            *bytes = first & 0x1fu;
        return ES_DECODE_OK;
    }
    unsigned i = first & 0x1fu;
    if (heads[i].never) return ES_DECODE_MALFORMED;
    if ((size_t)(end - *p) < heads[i].length) return ES_DECODE_TRUNCATED;
    uint64_t length = 0;
    for (unsigned n = 0; n < heads[i].length; n++) length = length << 8 | *(*p)++;
    *bytes = heads[i].fixed + (heads[i].items ? 0 : length);
    *items = heads[i].items * length;
    return ES_DECODE_OK;
}

/* Is this exactly one whole object, nested no deeper than allowed? No memory, no recursion. */
static es_decode_t walk(const uint8_t *p, size_t len)
{
    const uint8_t *end = p + len;
    uint64_t left[ES_NESTING_MAX + 1] = {1}; /* items still to come at each depth */
    unsigned depth = 0;
    for (;;) {
        while (left[depth] == 0) {
            if (depth == 0) return p == end ? ES_DECODE_OK : ES_DECODE_TRAILING;
            depth--;
        }
        left[depth]--;
        if (p == end) return ES_DECODE_TRUNCATED;
        uint64_t bytes, items;
        es_decode_t bad = head(&p, end, &bytes, &items);
        if (bad) return bad;
        if (bytes > (size_t)(end - p) || items > (size_t)(end - p)) return ES_DECODE_TRUNCATED;
        p += bytes;
        if (items == 0) continue;
        if (depth == ES_NESTING_MAX) return ES_DECODE_MALFORMED;
        left[++depth] = items;
    }
}

es_decode_t es_unpack(es_decoder_t *self, const void *data, size_t len, msgpack_object *out)
{
    es_decode_t bad = walk(data, len);
    if (bad) return bad;
    msgpack_zone_clear(&self->zone);
    size_t used = 0;
    msgpack_unpack_return answer = msgpack_unpack(data, len, &used, &self->zone, out);
    return answer == MSGPACK_UNPACK_SUCCESS && used == len ? ES_DECODE_OK : ES_DECODE_MALFORMED;
}

bool es_unpack_str(const msgpack_object *object, es_span_t *out)
{
    if (object->type != MSGPACK_OBJECT_STR) return false;
    *out = es_span_of(object->via.str.ptr, object->via.str.size);
    return es_utf8_valid(out->ptr, out->len);
}

bool es_unpack_bin(const msgpack_object *object, es_span_t *out)
{
    if (object->type != MSGPACK_OBJECT_BIN) return false;
    *out = es_span_of(object->via.bin.ptr, object->via.bin.size);
    return true;
}

bool es_unpack_uint(const msgpack_object *object, uint64_t *out)
{
    if (object->type != MSGPACK_OBJECT_POSITIVE_INTEGER) return false;
    *out = object->via.u64;
    return true;
}

static int write_bounded(void *data, const char *bytes, size_t len)
{
    es_pack_t *self = data;
    if (self->full || len > self->cap - self->len) {
        self->full = true;
        return -1;
    }
    if (len > 0) memcpy(self->buf + self->len, bytes, len);
    self->len += len;
    return 0;
}

void es_pack_init(es_pack_t *self, void *buf, size_t cap)
{
    *self = (es_pack_t){.buf = buf, .cap = cap};
    msgpack_packer_init(&self->packer, self, write_bounded);
}

void es_pack_str(es_pack_t *self, es_span_t text)
{
    msgpack_pack_str(&self->packer, text.len);
    msgpack_pack_str_body(&self->packer, text.ptr, text.len);
}

void es_pack_bin(es_pack_t *self, es_span_t bytes)
{
    msgpack_pack_bin(&self->packer, bytes.len);
    msgpack_pack_bin_body(&self->packer, bytes.ptr, bytes.len);
}

size_t es_pack_len(const es_pack_t *self)
{
    return self->full ? 0 : self->len;
}
