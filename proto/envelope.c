#include "envelope.h"

#include <string.h>

#include "unpack.h"

typedef enum { NO_FIELD, UINT, STR, BIN } field_type_t;

/* Every meta key there is; encoding, decoding and limits follow from here. Limits of integers are those of the fields of this program that
 * take them. */
typedef struct {
    field_type_t type;
    size_t offset; /* in es_msg_t, of uint64_t or es_span_t */
    uint64_t max;  /* value, or bytes */
} field_t;

#define FIELD(type, field, max)              \
    {                                        \
        type, offsetof(es_msg_t, field), max \
    }
static const field_t fields[ES_M_END_OF_KEYS] = {
    [ES_M_FLAGS] = FIELD(UINT, flags, UINT64_MAX),
    [ES_M_POS] = FIELD(UINT, pos, UINT64_MAX),
    [ES_M_BASE] = FIELD(UINT, base, UINT64_MAX),
    [ES_M_COMMITTED] = FIELD(UINT, committed, UINT64_MAX),
    [ES_M_CHECKPOINT] = FIELD(BIN, checkpoint, ES_CHECKPOINT_MAX),
    [ES_M_INC] = FIELD(UINT, inc, UINT64_MAX),
    [ES_M_EXPECTED] = FIELD(UINT, expected, UINT64_MAX),
    [ES_M_FROM] = FIELD(UINT, from_seq, UINT64_MAX),
    [ES_M_TO] = FIELD(UINT, to_seq, UINT64_MAX),
    [ES_M_TEXT] = FIELD(STR, text, ES_TEXT_MAX),
    [ES_M_START] = FIELD(UINT, start, UINT64_MAX),
    [ES_M_END] = FIELD(UINT, end, UINT64_MAX),
    [ES_M_SERVICE] = FIELD(STR, service, ES_NAME_MAX),
    [ES_M_PLACE] = FIELD(UINT, place, UINT32_MAX),
    [ES_M_REASON] = FIELD(STR, reason, ES_REASON_MAX),
    [ES_M_CAPACITY] = FIELD(UINT, capacity, UINT32_MAX),
    [ES_M_LOAD] = FIELD(UINT, load, UINT32_MAX),
    [ES_M_SIZE] = FIELD(UINT, size, UINT32_MAX),
    [ES_M_NAME] = FIELD(STR, name, ES_NAME_MAX),
    [ES_M_LANGUAGE] = FIELD(STR, language, ES_NAME_MAX),
    [ES_M_PRIORITY] = FIELD(UINT, priority, UINT32_MAX),
    [ES_M_LAG_US] = FIELD(UINT, lag_us, UINT64_MAX),
    [ES_M_COUNT] = FIELD(UINT, count, UINT64_MAX),
    [ES_M_CONFIDENCE] = FIELD(UINT, confidence, UINT32_MAX),
    [ES_M_CLIENT] = FIELD(STR, client, ES_CLIENT_ID_LEN),
    [ES_M_SESSION] = FIELD(STR, session, ES_SESSION_MAX),
    [ES_M_MSG_ID] = FIELD(STR, msg_id, ES_MSG_ID_MAX),
    [ES_M_ROOM] = FIELD(STR, room, ES_NAME_MAX),
    [ES_M_LOG] = FIELD(UINT, log, UINT64_MAX),
    [ES_M_RSEQ] = FIELD(UINT, rseq, UINT64_MAX),
    [ES_M_FLOOR] = FIELD(UINT, floor, UINT64_MAX),
    [ES_M_STREAM] = FIELD(STR, stream, ES_SESSION_MAX),
    [ES_M_DEATHS] = FIELD(UINT, deaths, UINT32_MAX),
    [ES_M_SHARED] = FIELD(UINT, shared, UINT32_MAX),
};

#define ELEMENTS 7u /* of the array; more are accepted */

static const char *const reasons[ES_DECODE_REASONS] = {
    [ES_DECODE_OK] = "ok",
    [ES_DECODE_TOO_LONG] = "the envelope is longer than 4096 bytes",
    [ES_DECODE_TRUNCATED] = "the envelope ends too soon",
    [ES_DECODE_TRAILING] = "there are bytes after the envelope",
    [ES_DECODE_MALFORMED] = "the envelope is not msgpack, or is nested deeper than 8",
    [ES_DECODE_SHAPE] = "the envelope is not an array of at least 7, or has a meta key twice",
    [ES_DECODE_TYPE] = "a field of the envelope has the wrong type",
    [ES_DECODE_RANGE] = "a field of the envelope is over its limit or is not UTF-8",
    [ES_DECODE_VERSION] = "the envelope's version is not 1, the only one spoken here",
};

const char *es_decode_reason(es_decode_t reason)
{
    return (unsigned)reason < ES_DECODE_REASONS ? reasons[reason] : "unknown reason";
}

static uint64_t *uint_of(const es_msg_t *msg, const field_t *field)
{
    return (uint64_t *)((char *)(uintptr_t)msg + field->offset);
}

static es_span_t *span_of(const es_msg_t *msg, const field_t *field)
{
    return (es_span_t *)((char *)(uintptr_t)msg + field->offset);
}

/* Within its limit and, a string, UTF-8. */
static bool within(const es_msg_t *msg, const field_t *field)
{
    if (field->type == UINT) return *uint_of(msg, field) <= field->max;
    const es_span_t *span = span_of(msg, field);
    return span->len <= field->max && (field->type == BIN || es_utf8_valid(span->ptr, span->len));
}

static es_decode_t decode_field(const msgpack_object *value, const field_t *field, es_msg_t *out)
{
    switch (value->type) {
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        if (field->type != UINT) return ES_DECODE_TYPE;
        *uint_of(out, field) = value->via.u64;
        break;
    case MSGPACK_OBJECT_STR:
        if (field->type != STR) return ES_DECODE_TYPE;
        *span_of(out, field) = es_span_of(value->via.str.ptr, value->via.str.size);
        break;
    case MSGPACK_OBJECT_BIN:
        if (field->type != BIN) return ES_DECODE_TYPE;
        *span_of(out, field) = es_span_of(value->via.bin.ptr, value->via.bin.size);
        break;
    default:
        return ES_DECODE_TYPE;
    }
    return within(out, field) ? ES_DECODE_OK : ES_DECODE_RANGE;
}

static es_decode_t decode_meta(const msgpack_object *meta, es_msg_t *out)
{
    if (meta->type == MSGPACK_OBJECT_NIL) return ES_DECODE_OK;
    if (meta->type != MSGPACK_OBJECT_MAP) return ES_DECODE_TYPE;
    for (uint32_t i = 0; i < meta->via.map.size; i++) {
        const msgpack_object_kv *pair = &meta->via.map.ptr[i];
        uint64_t key;
        if (!es_unpack_uint(&pair->key, &key)) return ES_DECODE_TYPE;
        if (key >= ES_M_END_OF_KEYS || fields[key].type == NO_FIELD) continue;
        if (out->present & ES_BIT(key)) return ES_DECODE_SHAPE;
        es_decode_t bad = decode_field(&pair->val, &fields[key], out);
        if (bad) return bad;
        out->present |= ES_BIT(key);
    }
    return ES_DECODE_OK;
}

static es_decode_t decode_version(const msgpack_object *version, es_msg_t *out)
{
    uint64_t value;
    if (!es_unpack_uint(version, &value)) return ES_DECODE_TYPE;
    out->version = value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
    return value == ES_VERSION ? ES_DECODE_OK : ES_DECODE_VERSION;
}

static es_decode_t decode_trace(const msgpack_object *trace, es_msg_t *out)
{
    if (trace->type == MSGPACK_OBJECT_NIL) return ES_DECODE_OK;
    if (!es_unpack_bin(trace, &out->trace)) return ES_DECODE_TYPE;
    return out->trace.len == ES_TRACE_LEN ? ES_DECODE_OK : ES_DECODE_RANGE;
}

es_decode_t es_decode(es_decoder_t *self, const void *data, size_t len, es_msg_t *out)
{
    memset(out, 0, sizeof *out);
    if (len > ES_ENVELOPE_MAX) return ES_DECODE_TOO_LONG;
    msgpack_object root;
    es_decode_t bad = es_unpack(self, data, len, &root);
    if (bad) return bad;
    if (root.type != MSGPACK_OBJECT_ARRAY || root.via.array.size == 0) return ES_DECODE_SHAPE;
    const msgpack_object *item = root.via.array.ptr;
    /* Before the length: another version may be shaped otherwise, and its sender is to hear about the version. */
    if ((bad = decode_version(&item[0], out))) return bad;
    if (root.via.array.size < ELEMENTS) return ES_DECODE_SHAPE;
    uint64_t kind;
    if (!es_unpack_uint(&item[1], &kind) || !es_unpack_uint(&item[2], &out->epoch) ||
        !es_unpack_uint(&item[3], &out->seq) || !es_unpack_uint(&item[4], &out->time_us))
        return ES_DECODE_TYPE;
    if (kind > UINT32_MAX) return ES_DECODE_RANGE;
    out->kind = (uint32_t)kind;
    if ((bad = decode_trace(&item[5], out))) return bad;
    return decode_meta(&item[6], out);
}

static uint32_t count_fields(const es_msg_t *msg)
{
    uint32_t n = 0;
    for (uint64_t bits = msg->present; bits; bits &= bits - 1) n++;
    return n;
}

/* False where a field is over its limit or a bit of `present` names none. */
static bool encode_meta(es_pack_t *pack, const es_msg_t *msg)
{
    if (msg->present == 0) {
        msgpack_pack_nil(&pack->packer);
        return true;
    }
    msgpack_pack_map(&pack->packer, count_fields(msg));
    for (uint64_t bits = msg->present; bits; bits &= bits - 1) {
        unsigned key = (unsigned)__builtin_ctzll(bits);
        if (key >= ES_M_END_OF_KEYS || fields[key].type == NO_FIELD || !within(msg, &fields[key])) return false;
        msgpack_pack_uint8(&pack->packer, (uint8_t)key);
        switch (fields[key].type) {
        case STR:
            es_pack_str(pack, *span_of(msg, &fields[key]));
            break;
        case BIN:
            es_pack_bin(pack, *span_of(msg, &fields[key]));
            break;
        default:
            msgpack_pack_uint64(&pack->packer, *uint_of(msg, &fields[key]));
            break;
        }
    }
    return true;
}

size_t es_encode(const es_msg_t *msg, void *buf, size_t cap)
{
    if (msg->version > ES_VERSION || (msg->trace.len != 0 && msg->trace.len != ES_TRACE_LEN)) return 0;
    es_pack_t pack;
    es_pack_init(&pack, buf, cap < ES_ENVELOPE_MAX ? cap : ES_ENVELOPE_MAX);
    msgpack_pack_array(&pack.packer, ELEMENTS);
    msgpack_pack_uint32(&pack.packer, ES_VERSION);
    msgpack_pack_uint32(&pack.packer, msg->kind);
    msgpack_pack_uint64(&pack.packer, msg->epoch);
    msgpack_pack_uint64(&pack.packer, msg->seq);
    msgpack_pack_uint64(&pack.packer, msg->time_us);
    if (msg->trace.len)
        es_pack_bin(&pack, msg->trace);
    else
        msgpack_pack_nil(&pack.packer);
    return encode_meta(&pack, msg) ? es_pack_len(&pack) : 0;
}

es_span_t es_span(const char *text)
{
    return es_span_of(text, text ? strlen(text) : 0);
}

es_span_t es_span_of(const void *ptr, size_t len)
{
    return (es_span_t){.ptr = ptr, .len = len};
}

bool es_span_eq(es_span_t a, es_span_t b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* Bytes of the well-formed sequence at p, or 0 (Unicode 15, table 3-7). */
static size_t utf8_sequence(const uint8_t *p, size_t left)
{
    uint8_t low = 0x80, high = 0xbf; /* allowed second bytes */
    size_t len;
    if (p[0] >= 0xc2 && p[0] <= 0xdf)
        len = 2;
    else if (p[0] >= 0xe0 && p[0] <= 0xef)
        len = 3;
    else if (p[0] >= 0xf0 && p[0] <= 0xf4)
        len = 4;
    else
        return 0;
    switch (p[0]) {
    case 0xe0:
        low = 0xa0;
        break; /* shorter forms exist */
    case 0xed:
        high = 0x9f;
        break; /* surrogates */
    case 0xf0:
        low = 0x90;
        break;
    case 0xf4:
        high = 0x8f;
        break; /* above U+10FFFF */
    default:
        break;
    }
    if (left < len || p[1] < low || p[1] > high) return 0;
    for (size_t i = 2; i < len; i++)
        if ((p[i] & 0xc0) != 0x80) return 0;
    return len;
}

bool es_utf8_valid(const void *data, size_t len)
{
    const uint8_t *p = data;
    while (len > 0) {
        uint64_t eight = UINT64_MAX;
        if (len >= sizeof eight) memcpy(&eight, p, sizeof eight);
        size_t n = sizeof eight; /* at once, where none has its high bit set */
        if (eight & UINT64_C(0x8080808080808080)) n = *p < 0x80 ? 1 : utf8_sequence(p, len);
        if (n == 0) return false;
        p += n;
        len -= n;
    }
    return true;
}

size_t es_utf8_repair(es_span_t text, char *out, size_t cap)
{
    static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */
    size_t len = 0;
    for (size_t i = 0; i < text.len;) {
        const uint8_t *p = (const uint8_t *)text.ptr + i;
        size_t n = *p < 0x80 ? 1 : utf8_sequence(p, text.len - i);
        const char *from = n ? text.ptr + i : replacement;
        size_t bytes = n ? n : sizeof replacement - 1;
        if (bytes > cap - len) break;
        memcpy(out + len, from, bytes);
        len += bytes;
        i += n ? n : 1;
    }
    return len;
}
