/* What is said comes back as it was; texts. What the decoder takes and refuses is test_envelope_decode.c. */
#include "envelope_world.h"

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
        cmocka_unit_test(utf8),
        cmocka_unit_test(utf8_repair),
        cmocka_unit_test(spans),
        cmocka_unit_test(reasons_have_words),
        cmocka_unit_test(destroying_nothing_is_fine),
    };
    return cmocka_run_group_tests_name("envelope", tests, NULL, NULL);
}
