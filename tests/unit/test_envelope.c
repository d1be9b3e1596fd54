#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "envelope.h"

static int with_decoder(void **state)
{
    *state = es_decoder_new();
    return 0;
}

static int without_decoder(void **state)
{
    es_decoder_destroy((es_decoder_t **)state);
    return 0;
}

static uint8_t nibble(char c)
{
    return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* Lowercase hex digits, blanks between, to bytes in an allocation of exactly their number, so that a sanitizer sees every read beyond. */
static uint8_t *bytes_of(const char *hex, size_t *len)
{
    uint8_t *all = malloc(strlen(hex) + 1), high = 0;
    bool half = false;
    *len = 0;
    for (; *hex; hex++) {
        if (*hex == ' ') continue;
        if (half)
            all[(*len)++] = (uint8_t)(high << 4 | nibble(*hex));
        else
            high = nibble(*hex);
        half = !half;
    }
    return realloc(all, *len ? *len : 1);
}

static es_decode_t decode_hex(void **state, const char *hex, es_msg_t *out)
{
    size_t len;
    uint8_t *bytes = bytes_of(hex, &len);
    es_decode_t reason = es_decode(*state, bytes, len, out);
    free(bytes);
    return reason;
}

#define REFUSED(reason, hex)                                     \
    do {                                                         \
        es_msg_t got_;                                           \
        assert_int_equal(decode_hex(state, hex, &got_), reason); \
    } while (0)
#define ACCEPTED(hex) REFUSED(ES_DECODE_OK, hex)

static es_msg_t everything(void)
{
    static const char trace[ES_TRACE_LEN] = "\0\1\2\3\4\5\6\7";
    es_msg_t msg = {
        .kind = 77, .epoch = 3, .seq = UINT64_MAX, .time_us = 1700000000000000, .trace = es_span_of(trace, 25)};
    ES_SET(&msg, ES_M_FLAGS, flags, ES_F_START | ES_F_PARTIALS);
    ES_SET(&msg, ES_M_POS, pos, 1);
    ES_SET(&msg, ES_M_BASE, base, 200);
    ES_SET(&msg, ES_M_COMMITTED, committed, 70000);
    ES_SET(&msg, ES_M_CHECKPOINT, checkpoint, es_span_of("\0\xff\x80", 3));
    ES_SET(&msg, ES_M_INC, inc, UINT64_MAX);
    ES_SET(&msg, ES_M_EXPECTED, expected, UINT64_C(1) << 40);
    ES_SET(&msg, ES_M_FROM, from_seq, 8);
    ES_SET(&msg, ES_M_TO, to_seq, 9);
    ES_SET(&msg, ES_M_TEXT, text, es_span("gr\xc3\xbc\xc3\x9f dich, \xf0\x9f\x91\x8b"));
    ES_SET(&msg, ES_M_START, start, 11);
    ES_SET(&msg, ES_M_END, end, 12);
    ES_SET(&msg, ES_M_SERVICE, service, es_span("transcribe"));
    ES_SET(&msg, ES_M_PLACE, place, 14);
    ES_SET(&msg, ES_M_REASON, reason, es_span("why"));
    ES_SET(&msg, ES_M_CAPACITY, capacity, 16);
    ES_SET(&msg, ES_M_LOAD, load, 17);
    ES_SET(&msg, ES_M_SIZE, size, 18);
    ES_SET(&msg, ES_M_NAME, name, es_span("transcriber-1"));
    ES_SET(&msg, ES_M_LANGUAGE, language, es_span("en"));
    ES_SET(&msg, ES_M_PRIORITY, priority, 21);
    ES_SET(&msg, ES_M_LAG_US, lag_us, 22);
    ES_SET(&msg, ES_M_COUNT, count, 23);
    ES_SET(&msg, ES_M_CONFIDENCE, confidence, 1000);
    ES_SET(&msg, ES_M_CLIENT, client, es_span("3f9a0c00000000a1"));
    ES_SET(&msg, ES_M_SESSION, session, es_span("5b1f0c9e77d24a60"));
    ES_SET(&msg, ES_M_MSG_ID, msg_id, es_span("a1"));
    ES_SET(&msg, ES_M_ROOM, room, es_span("lobby"));
    ES_SET(&msg, ES_M_LOG, log, UINT64_MAX - 29);
    ES_SET(&msg, ES_M_RSEQ, rseq, 30);
    ES_SET(&msg, ES_M_FLOOR, floor, 31);
    ES_SET(&msg, ES_M_STREAM, stream, es_span("a1-1"));
    ES_SET(&msg, ES_M_DEATHS, deaths, 33);
    ES_SET(&msg, ES_M_SHARED, shared, 34);
    return msg;
}

static void same(const es_msg_t *a, const es_msg_t *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->epoch, b->epoch);
    assert_int_equal(a->seq, b->seq);
    assert_int_equal(a->time_us, b->time_us);
    assert_true(es_span_eq(a->trace, b->trace));
    assert_int_equal(a->present, b->present);
    const uint64_t *x = &a->flags, *y = &b->flags;
    for (const uint64_t *end = &a->floor; x <= end; x++, y++) assert_int_equal(*x, *y);
    const es_span_t *s = &a->checkpoint, *t = &b->checkpoint;
    for (const es_span_t *end = &a->stream; s <= end; s++, t++) assert_true(es_span_eq(*s, *t));
}

static void every_field_makes_the_round_trip(void **state)
{
    es_msg_t msg = everything(), back;
    uint64_t all = 0;
    for (unsigned key = ES_M_FLAGS; key < ES_M_END_OF_KEYS; key++) all |= ES_BIT(key);
    assert_int_equal(msg.present, all);
    char buf[ES_ENVELOPE_MAX], again[ES_ENVELOPE_MAX];
    size_t len = es_encode(&msg, buf, sizeof buf);
    assert_true(len > 0);
    assert_int_equal(es_decode(*state, buf, len, &back), ES_DECODE_OK);
    assert_int_equal(back.version, ES_VERSION);
    same(&msg, &back);
    assert_int_equal(es_encode(&back, again, sizeof again), len);
    assert_memory_equal(buf, again, len);
}

static void each_field_alone_makes_the_round_trip(void **state)
{
    for (unsigned key = ES_M_FLAGS; key < ES_M_END_OF_KEYS; key++) {
        es_msg_t msg = everything(), back;
        msg.present = ES_BIT(key);
        char buf[ES_ENVELOPE_MAX];
        size_t len = es_encode(&msg, buf, sizeof buf);
        assert_int_equal(es_decode(*state, buf, len, &back), ES_DECODE_OK);
        assert_int_equal(back.present, ES_BIT(key));
        char again[ES_ENVELOPE_MAX];
        assert_int_equal(es_encode(&back, again, sizeof again), len);
        assert_memory_equal(buf, again, len);
    }
}

static void the_smallest_is_eight_bytes(void **state)
{
    es_msg_t msg = {.kind = 35}, back;
    uint8_t buf[ES_ENVELOPE_MAX];
    assert_int_equal(es_encode(&msg, buf, sizeof buf), 8);
    assert_memory_equal(buf, "\x97\x01\x23\x00\x00\x00\xc0\xc0", 8);
    assert_int_equal(es_decode(*state, buf, 8, &back), ES_DECODE_OK);
    assert_null(back.trace.ptr);
    assert_false(ES_HAS(&back, ES_M_TEXT));
}

static void empty_strings_are_present(void **state)
{
    es_msg_t msg = {.kind = 18}, back;
    ES_SET(&msg, ES_M_TEXT, text, es_span(NULL));
    ES_SET(&msg, ES_M_CHECKPOINT, checkpoint, es_span(NULL));
    char buf[64];
    size_t len = es_encode(&msg, buf, sizeof buf);
    assert_int_equal(es_decode(*state, buf, len, &back), ES_DECODE_OK);
    assert_true(ES_HAS(&back, ES_M_TEXT) && ES_HAS(&back, ES_M_CHECKPOINT));
    assert_int_equal(back.text.len + back.checkpoint.len, 0);
}

static const uint64_t rooms_own = ES_BIT(ES_M_CLIENT) | ES_BIT(ES_M_SESSION) | ES_BIT(ES_M_MSG_ID) | ES_BIT(ES_M_ROOM) |
                                  ES_BIT(ES_M_LOG) | ES_BIT(ES_M_RSEQ) | ES_BIT(ES_M_FLOOR) | ES_BIT(ES_M_STREAM);
static const uint64_t streams_own = ES_BIT(ES_M_CHECKPOINT) | ES_BIT(ES_M_SERVICE) | ES_BIT(ES_M_LANGUAGE);

/* Every field at its limit but those. No message has the fields of streams and of rooms. */
static es_msg_t largest_without(uint64_t absent)
{
    static char filler[ES_TEXT_MAX];
    memset(filler, 'x', sizeof filler);
    es_msg_t msg = everything();
    for (uint64_t *x = &msg.flags; x <= &msg.floor; x++) *x = UINT32_MAX;
    msg.flags = msg.pos = msg.base = msg.committed = msg.inc = msg.expected = msg.from_seq = msg.to_seq = msg.start =
        msg.end = msg.lag_us = msg.count = msg.log = msg.rseq = msg.floor = UINT64_MAX;
    msg.epoch = msg.seq = msg.time_us = UINT64_MAX;
    msg.kind = UINT32_MAX;
    msg.text = es_span_of(filler, ES_TEXT_MAX);
    msg.checkpoint = es_span_of(filler, ES_CHECKPOINT_MAX);
    msg.reason = es_span_of(filler, ES_REASON_MAX);
    msg.service = msg.name = msg.language = msg.room = es_span_of(filler, ES_NAME_MAX);
    msg.client = es_span_of(filler, ES_CLIENT_ID_LEN);
    msg.session = msg.stream = es_span_of(filler, ES_SESSION_MAX);
    msg.msg_id = es_span_of(filler, ES_MSG_ID_MAX);
    msg.present &= ~absent;
    return msg;
}

static void the_largest_fits(void **state)
{
    const uint64_t absent[] = {rooms_own, streams_own};
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++) {
        es_msg_t msg = largest_without(absent[i]), back;
        char buf[ES_ENVELOPE_MAX], again[ES_ENVELOPE_MAX];
        size_t len = es_encode(&msg, buf, sizeof buf);
        assert_true(len > 0);
        assert_int_equal(es_decode(*state, buf, len, &back), ES_DECODE_OK);
        assert_int_equal(back.present, msg.present);
        assert_int_equal(es_encode(&back, again, sizeof again), len);
        assert_memory_equal(buf, again, len);
        for (size_t cap = 0; cap < len; cap++) assert_int_equal(es_encode(&msg, buf, cap), 0);
    }
}

static void encode_refuses_what_decode_would(void **state)
{
    (void)state;
    char buf[8192], filler[ES_TEXT_MAX + 1];
    memset(filler, 'x', sizeof filler);
    es_msg_t msg = everything();
    msg.text = es_span_of(filler, ES_TEXT_MAX + 1);
    assert_int_equal(es_encode(&msg, buf, sizeof buf), 0);
    msg = everything();
    msg.checkpoint = es_span_of(filler, ES_CHECKPOINT_MAX + 1);
    assert_int_equal(es_encode(&msg, buf, sizeof buf), 0);
    msg = everything();
    msg.reason = es_span("\xff");
    assert_int_equal(es_encode(&msg, buf, sizeof buf), 0);
    msg = everything();
    msg.capacity = UINT64_C(1) << 32;
    assert_int_equal(es_encode(&msg, buf, sizeof buf), 0);
    msg = everything();
    msg.trace.len = 24;
    assert_int_equal(es_encode(&msg, buf, sizeof buf), 0);
    msg = everything();
    msg.version = 2;
    assert_int_equal(es_encode(&msg, buf, sizeof buf), 0);
    msg = everything();
    msg.present |= ES_BIT(ES_M_END_OF_KEYS);
    assert_int_equal(es_encode(&msg, buf, sizeof buf), 0);
    msg.present = ES_BIT(0);
    assert_int_equal(es_encode(&msg, buf, sizeof buf), 0);
}

static void truncated_at_every_byte(void **state)
{
    es_msg_t msg = everything(), back;
    char buf[ES_ENVELOPE_MAX];
    size_t len = es_encode(&msg, buf, sizeof buf);
    for (size_t cut = 0; cut < len; cut++) {
        char *exact = malloc(cut ? cut : 1);
        memcpy(exact, buf, cut);
        assert_int_equal(es_decode(*state, exact, cut, &back), ES_DECODE_TRUNCATED);
        free(exact);
    }
}

/* Whatever one byte becomes, the decoder answers, and what it accepts it can say again. */
static void every_byte_changed_in_every_way(void **state)
{
    es_msg_t msg = everything(), back;
    char buf[ES_ENVELOPE_MAX], again[ES_ENVELOPE_MAX];
    size_t len = es_encode(&msg, buf, sizeof buf);
    for (size_t i = 0; i < len; i++) {
        char was = buf[i];
        for (int value = 0; value < 256; value++) {
            buf[i] = (char)value;
            if (es_decode(*state, buf, len, &back) == ES_DECODE_OK)
                assert_true(es_encode(&back, again, sizeof again) > 0);
        }
        buf[i] = was;
    }
}

static void lengths(void **state)
{
    REFUSED(ES_DECODE_TRAILING, "9701010000 00c0c0 00");
    REFUSED(ES_DECODE_TRAILING, "c0c0");
    uint8_t big[ES_ENVELOPE_MAX + 1] = {0};
    es_msg_t out;
    assert_int_equal(es_decode(*state, big, sizeof big, &out), ES_DECODE_TOO_LONG);
    assert_int_equal(es_decode(*state, big, 0, &out), ES_DECODE_TRUNCATED);
    /* one unknown field fills the envelope to its last byte */
    uint8_t full[ES_ENVELOPE_MAX] = {0x97, 1, 1, 0, 0, 0, 0xc0, 0x81, 0x63, 0xc5, 0x0f, 0xf4};
    assert_int_equal(es_decode(*state, full, sizeof full, &out), ES_DECODE_OK);
}

static void shape(void **state)
{
    REFUSED(ES_DECODE_SHAPE, "c0");
    REFUSED(ES_DECODE_SHAPE, "01");
    REFUSED(ES_DECODE_SHAPE, "80");
    REFUSED(ES_DECODE_SHAPE, "90");
    REFUSED(ES_DECODE_SHAPE, "9101");
    REFUSED(ES_DECODE_SHAPE, "96010100000 0c0");
    ACCEPTED("98010100000 0c0c0 c0");
    ACCEPTED("dc0009 010100000 0c0c0 93010203 81a161a162");
    ACCEPTED("dd00000007 010100000 0c0c0");
}

static void versions(void **state)
{
    es_msg_t out;
    assert_int_equal(decode_hex(state, "97000100 0000c0c0", &out), ES_DECODE_VERSION);
    assert_int_equal(out.version, 0);
    assert_int_equal(decode_hex(state, "97020100 0000c0c0", &out), ES_DECODE_VERSION);
    assert_int_equal(out.version, 2);
    assert_int_equal(decode_hex(state, "9109", &out), ES_DECODE_VERSION);
    assert_int_equal(out.version, 9);
    assert_int_equal(decode_hex(state, "97 cf0000000100000001 0100 0000c0c0", &out), ES_DECODE_VERSION);
    assert_int_equal(out.version, UINT32_MAX);
    REFUSED(ES_DECODE_TYPE, "97ff0100 0000c0c0");
    REFUSED(ES_DECODE_TYPE, "97c00100 0000c0c0");
}

static void types_of_the_array(void **state)
{
    REFUSED(ES_DECODE_TYPE, "9701c0000000c0c0");
    REFUSED(ES_DECODE_TYPE, "970101ff0000c0c0");
    REFUSED(ES_DECODE_TYPE, "97010100a000c0c0");
    REFUSED(ES_DECODE_TYPE, "9701010000ca00000000c0c0");
    REFUSED(ES_DECODE_TYPE, "970101000000a0c0");
    REFUSED(ES_DECODE_TYPE, "97010100000001c0");
    REFUSED(ES_DECODE_TYPE, "970101000000c090");
    REFUSED(ES_DECODE_TYPE, "970101000000c001");
    ACCEPTED("970101000000c080");
    REFUSED(ES_DECODE_RANGE, "9701 cf0000000100000000 000000c0c0");
    REFUSED(ES_DECODE_RANGE, "970101000000 c400 c0");
    REFUSED(ES_DECODE_RANGE, "970101000000 c418 000000000000000000000000000000000000000000000000 c0");
    ACCEPTED("970101000000 c419 00000000000000000000000000000000000000000000000000 c0");
    /* a wide or signed integer that is not negative is the same integer */
    ACCEPTED("97d30000000000000001 d001 ce00000000 cd0000 cc00 c0c0");
}

static void types_of_meta(void **state)
{
    REFUSED(ES_DECODE_TYPE, "970101000000c0 81 a101 01"); /* key is a string */
    REFUSED(ES_DECODE_TYPE, "970101000000c0 81 ff 01");   /* key is negative */
    REFUSED(ES_DECODE_TYPE, "970101000000c0 81 c0 01");
    REFUSED(ES_DECODE_TYPE, "970101000000c0 81 02 ff"); /* pos */
    REFUSED(ES_DECODE_TYPE, "970101000000c0 81 02 a0");
    REFUSED(ES_DECODE_TYPE, "970101000000c0 81 02 c400");
    REFUSED(ES_DECODE_TYPE, "970101000000c0 81 02 c0");
    REFUSED(ES_DECODE_TYPE, "970101000000c0 81 02 cb0000000000000000");
    REFUSED(ES_DECODE_TYPE, "970101000000c0 81 05 a0");   /* checkpoint as str */
    REFUSED(ES_DECODE_TYPE, "970101000000c0 81 0a c400"); /* text as bin */
    REFUSED(ES_DECODE_TYPE, "970101000000c0 81 0a 00");
    REFUSED(ES_DECODE_TYPE, "970101000000c0 81 0a 90");
    REFUSED(ES_DECODE_RANGE, "970101000000c0 81 0a a1ff");               /* not UTF-8 */
    REFUSED(ES_DECODE_RANGE, "970101000000c0 81 0e cf0000000100000000"); /* place */
    REFUSED(ES_DECODE_SHAPE, "970101000000c0 82 0201 0202");             /* pos twice */
}

static void unknown_keys_are_skipped(void **state)
{
    es_msg_t out;
    assert_int_equal(decode_hex(state, "970101000000c0 84 00c0 7f90 cd012c81a161c3 0207", &out), ES_DECODE_OK);
    assert_int_equal(out.present, ES_BIT(ES_M_POS));
    assert_int_equal(out.pos, 7);
    ACCEPTED("970101000000c0 82 6301 6302"); /* twice, but nobody reads it */
    ACCEPTED("970101000000c0 81 63 c7 02 05 0102");
    ACCEPTED("970101000000c0 81 cfffffffffffffffff d80500000000000000000000000000000000");
}

static void limits_of_strings(void **state)
{
    static const struct {
        unsigned key, max;
    } limits[] = {{ES_M_TEXT, ES_TEXT_MAX},        {ES_M_REASON, ES_REASON_MAX},   {ES_M_SERVICE, ES_NAME_MAX},
                  {ES_M_LANGUAGE, ES_NAME_MAX},    {ES_M_NAME, ES_NAME_MAX},       {ES_M_CHECKPOINT, ES_CHECKPOINT_MAX},
                  {ES_M_CLIENT, ES_CLIENT_ID_LEN}, {ES_M_SESSION, ES_SESSION_MAX}, {ES_M_MSG_ID, ES_MSG_ID_MAX},
                  {ES_M_ROOM, ES_NAME_MAX},        {ES_M_STREAM, ES_SESSION_MAX}};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        for (unsigned over = 0; over < 2; over++) {
            uint8_t buf[ES_ENVELOPE_MAX] = {0x97, 1, 1, 0, 0, 0, 0xc0, 0x81};
            size_t len = limits[i].max + over, head = 12;
            buf[8] = (uint8_t)limits[i].key;
            buf[9] = limits[i].key == ES_M_CHECKPOINT ? 0xc5 : 0xda;
            buf[10] = (uint8_t)(len >> 8);
            buf[11] = (uint8_t)len;
            memset(buf + head, 'x', len);
            es_msg_t out;
            assert_int_equal(es_decode(*state, buf, head + len, &out), over ? ES_DECODE_RANGE : ES_DECODE_OK);
        }
    }
}

static void nesting_is_bounded(void **state)
{
    /* [1, 1, 0, 0, 0, nil, {99: [[[[[[1]]]]]]}]: eight deep */
    ACCEPTED("970101000000c0 81 63 91919191919101");
    REFUSED(ES_DECODE_MALFORMED, "970101000000c0 81 63 9191919191919101");
    ACCEPTED("970101000000c0 81 63 91919191919190"); /* an empty one holds nothing */
    uint8_t deep[ES_ENVELOPE_MAX];
    es_msg_t out;
    memset(deep, 0x91, sizeof deep);
    assert_int_equal(es_decode(*state, deep, sizeof deep, &out), ES_DECODE_MALFORMED);
    memset(deep, 0x81, sizeof deep);
    assert_int_equal(es_decode(*state, deep, sizeof deep, &out), ES_DECODE_MALFORMED);
}

static void declared_sizes_ask_for_nothing(void **state)
{
    REFUSED(ES_DECODE_TRUNCATED, "ddffffffff");
    REFUSED(ES_DECODE_TRUNCATED, "dd0aaaaaaa 0101");
    REFUSED(ES_DECODE_TRUNCATED, "dfffffffff");
    REFUSED(ES_DECODE_TRUNCATED, "dcffff");
    REFUSED(ES_DECODE_TRUNCATED, "970101000000c0 dfffffffff");
    REFUSED(ES_DECODE_TRUNCATED, "970101000000c0 81 63 ddffffffff");
    REFUSED(ES_DECODE_TRUNCATED, "970101000000c0 81 0a dbffffffff");
    REFUSED(ES_DECODE_TRUNCATED, "970101000000c0 81 05 c6ffffffff");
    REFUSED(ES_DECODE_TRUNCATED, "970101000000c0 81 63 c9ffffffff00");
    REFUSED(ES_DECODE_MALFORMED, "c1");
    REFUSED(ES_DECODE_MALFORMED, "97010100000 0c0c1");
}

static void every_msgpack_type_can_be_skipped(void **state)
{
    const char *value = "00 7f ff e0 80 90 a0 c0 c2 c3 c40101 c5000101 c60000000101 c7010501 c800010501 c9000000010501 "
                        "cc01 cd0101 ce01010101 cf0101010101010101 d001 d10101 d201010101 d30101010101010101 "
                        "ca01010101 cb0101010101010101 d40501 d5050101 d60501010101 d7050101010101010101 "
                        "d80501010101010101010101010101010101 d90161 da000161 db0000000161 "
                        "dc000101 dd0000000101 de00010101 df000000010101";
    for (size_t len; *value; value += len + (value[len] == ' ')) {
        len = strcspn(value, " ");
        char hex[128];
        snprintf(hex, sizeof hex, "970101000000c0 82 63 %.*s 02 07", (int)len, value);
        es_msg_t out;
        assert_int_equal(decode_hex(state, hex, &out), ES_DECODE_OK);
        assert_int_equal(out.pos, 7);
    }
}

static void utf8(void **state)
{
    (void)state;
    static const char *const good[] = {"",
                                       "plain text that is longer than eight",
                                       "\xc2\x80",
                                       "\xdf\xbf",
                                       "\xe0\xa0\x80",
                                       "\xed\x9f\xbf",
                                       "\xee\x80\x80",
                                       "\xef\xbf\xbf",
                                       "\xf0\x90\x80\x80",
                                       "\xf4\x8f\xbf\xbf",
                                       "12345678\xc3\xa4",
                                       "1234567\xc3\xa4"};
    static const char *const bad[] = {"\x80",
                                      "\xbf",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xc2",
                                      "\xc2\x7f",
                                      "\xc2\xc0",
                                      "\xe0\x9f\xbf",
                                      "\xe1\x80",
                                      "\xe1\x80\x7f",
                                      "\xed\xa0\x80",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf1\x80\x80",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xff",
                                      "12345678\x80",
                                      "\xf1\x80\x80\xc0"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) assert_true(es_utf8_valid(good[i], strlen(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(es_utf8_valid(bad[i], strlen(bad[i])));
    assert_true(es_utf8_valid("a\0b", 3));
    assert_true(es_utf8_valid(NULL, 0));
}

static void spans(void **state)
{
    (void)state;
    assert_int_equal(es_span(NULL).len, 0);
    assert_true(es_span_eq(es_span(NULL), es_span("")));
    assert_true(es_span_eq(es_span("ab"), es_span_of("abc", 2)));
    assert_false(es_span_eq(es_span("ab"), es_span("abc")));
    assert_false(es_span_eq(es_span("ab"), es_span("ac")));
}

static void reasons_have_words(void **state)
{
    (void)state;
    for (int i = 0; i < ES_DECODE_REASONS; i++) assert_true(strlen(es_decode_reason((es_decode_t)i)) > 1);
    assert_string_equal(es_decode_reason(ES_DECODE_REASONS), "unknown reason");
}

static void destroying_nothing_is_fine(void **state)
{
    (void)state;
    es_decoder_t *none = NULL;
    es_decoder_destroy(&none);
    assert_null(none);
}

static void repaired(const char *text, size_t cap, const char *expected)
{
    char out[64];
    size_t n = es_utf8_repair(es_span(text), out, cap);
    assert_true(n <= cap);
    assert_true(es_span_eq(es_span_of(out, n), es_span(expected)));
}

static void utf8_repair(void **state)
{
    (void)state;
    repaired("", 0, "");
    repaired("plain", 64, "plain");
    repaired("gr\xc3\xbc\xc3\x9f", 64, "gr\xc3\xbc\xc3\x9f");
    repaired("a\xffz", 64, "a\xef\xbf\xbdz");
    repaired("\xc3", 64, "\xef\xbf\xbd");                                   /* cut short */
    repaired("\xed\xa0\x80!", 64, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd!"); /* a surrogate */
    repaired("ab\xc3\xbc", 3, "ab");                                        /* ends before what does not fit */
    repaired("\xff\xff", 5, "\xef\xbf\xbd");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_field_makes_the_round_trip, with_decoder, without_decoder),
        cmocka_unit_test_setup_teardown(each_field_alone_makes_the_round_trip, with_decoder, without_decoder),
        cmocka_unit_test_setup_teardown(the_smallest_is_eight_bytes, with_decoder, without_decoder),
        cmocka_unit_test_setup_teardown(empty_strings_are_present, with_decoder, without_decoder),
        cmocka_unit_test_setup_teardown(the_largest_fits, with_decoder, without_decoder),
        cmocka_unit_test(encode_refuses_what_decode_would),
        cmocka_unit_test_setup_teardown(truncated_at_every_byte, with_decoder, without_decoder),
        cmocka_unit_test_setup_teardown(every_byte_changed_in_every_way, with_decoder, without_decoder),
        cmocka_unit_test_setup_teardown(lengths, with_decoder, without_decoder),
        cmocka_unit_test_setup_teardown(shape, with_decoder, without_decoder),
        cmocka_unit_test_setup_teardown(versions, with_decoder, without_decoder),
        cmocka_unit_test_setup_teardown(types_of_the_array, with_decoder, without_decoder),
        cmocka_unit_test_setup_teardown(types_of_meta, with_decoder, without_decoder),
        cmocka_unit_test_setup_teardown(unknown_keys_are_skipped, with_decoder, without_decoder),
        cmocka_unit_test_setup_teardown(limits_of_strings, with_decoder, without_decoder),
        cmocka_unit_test_setup_teardown(nesting_is_bounded, with_decoder, without_decoder),
        cmocka_unit_test_setup_teardown(declared_sizes_ask_for_nothing, with_decoder, without_decoder),
        cmocka_unit_test_setup_teardown(every_msgpack_type_can_be_skipped, with_decoder, without_decoder),
        cmocka_unit_test(utf8),
        cmocka_unit_test(utf8_repair),
        cmocka_unit_test(spans),
        cmocka_unit_test(reasons_have_words),
        cmocka_unit_test(destroying_nothing_is_fine),
    };
    return cmocka_run_group_tests_name("envelope", tests, NULL, NULL);
}
