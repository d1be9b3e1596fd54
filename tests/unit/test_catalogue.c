#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "catalogue.h"

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

static const uint32_t kinds[] = {
    ES_FRAME,        ES_CLOSE,     ES_BUNDLE,     ES_ACK,       ES_REWIND,       ES_FINAL,        ES_PARTIAL,
    ES_WORKER_LOST,  ES_WAIT,      ES_REFUSED,    ES_HELLO,     ES_HEARTBEAT,    ES_GOODBYE,      ES_PING,
    ES_WHO_ARE_YOU,  ES_DROP,      ES_PROBE,      ES_REPORT,    ES_PROBED,       ES_BEACON,       ES_DRAIN,
    ES_DRAINED,      ES_ROOM_JOIN, ES_ROOM_LEAVE, ES_ROOM_SAY,  ES_ROOM_CAPTION, ES_ROOM_PARTIAL, ES_ROOM_MEMBERS,
    ES_ROOM_FETCH,   ES_ROOM_WHO,  ES_ROOM_NEWS,  ES_ROOM_DONE, ES_ROOM_REFUSED, ES_ROOM_EVENTS,  ES_ROOM_STATE,
    ES_ROOM_PRESENT, ES_YIELD,     ES_JOB_ASK,    ES_JOB_TOLD,  ES_JOB_NEWS,     ES_JOB_STATS};
#define KINDS (sizeof kinds / sizeof *kinds)

/* A message of this kind with what it must have and nothing else. */
static es_msg_t least(uint32_t kind)
{
    return (es_msg_t){.kind = kind, .epoch = 1, .seq = 1, .present = es_catalogue_find(kind)->required};
}

static void every_kind_has_an_entry(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        const es_catalogue_entry_t *entry = es_catalogue_find(kinds[i]);
        assert_non_null(entry);
        assert_int_equal(entry->kind, kinds[i]);
        assert_true(strlen(entry->name) > 2);
        for (size_t j = 0; j < i; j++) assert_string_not_equal(entry->name, es_catalogue_find(kinds[j])->name);
    }
    size_t n = 0;
    for (uint32_t kind = 0; kind < 200; kind++) n += es_catalogue_find(kind) != NULL;
    assert_int_equal(n, KINDS);
}

static void unknown_kinds(void **state)
{
    (void)state;
    static const uint32_t none[] = {0, 4, 15, 54, 63, 72, 86, 95, 100, UINT32_MAX};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        es_msg_t msg = {.kind = none[i], .present = UINT64_MAX};
        assert_null(es_catalogue_find(none[i]));
        assert_int_equal(es_catalogue_check(&msg, 0), ES_CHECK_UNKNOWN_KIND);
    }
}

static void each_required_field_is_required(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        es_msg_t msg = least(kinds[i]);
        assert_int_equal(es_catalogue_check(&msg, 0), ES_CHECK_OK);
        uint64_t required = msg.present;
        for (uint64_t bits = required; bits; bits &= bits - 1) {
            msg.present = required & ~(bits & -bits);
            assert_int_equal(es_catalogue_check(&msg, 0), ES_CHECK_MISSING);
        }
        msg.present = UINT64_MAX; /* more than required is fine */
        assert_int_equal(es_catalogue_check(&msg, 0), ES_CHECK_OK);
    }
}

static void bodies_have_limits(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        es_msg_t msg = least(kinds[i]);
        size_t max = es_catalogue_find(kinds[i])->body_max;
        assert_int_equal(es_catalogue_check(&msg, max), ES_CHECK_OK);
        assert_int_equal(es_catalogue_check(&msg, max + 1), ES_CHECK_BODY);
        assert_int_equal(es_catalogue_check(&msg, SIZE_MAX), ES_CHECK_BODY);
    }
}

static void frames(void **state)
{
    (void)state;
    es_msg_t msg = least(ES_FRAME);
    msg.seq = 0;
    assert_int_equal(es_catalogue_check(&msg, 0), ES_CHECK_MISSING);
    msg = least(ES_FRAME);
    msg.epoch = 0;
    assert_int_equal(es_catalogue_check(&msg, 0), ES_CHECK_MISSING);
    msg = least(ES_FRAME);
    msg.flags = ES_F_START;
    assert_int_equal(es_catalogue_check(&msg, 0), ES_CHECK_MISSING);
    msg.present |= ES_BIT(ES_M_BASE);
    assert_int_equal(es_catalogue_check(&msg, 0), ES_CHECK_MISSING);
    msg.present |= ES_BIT(ES_M_SERVICE);
    assert_int_equal(es_catalogue_check(&msg, 640), ES_CHECK_OK);
    msg = least(ES_FRAME);
    msg.flags = ES_F_MARK;
    assert_int_equal(es_catalogue_check(&msg, 0), ES_CHECK_OK);
    assert_int_equal(es_catalogue_check(&msg, 2), ES_CHECK_BODY);
    msg.flags = ES_F_EOS;
    assert_int_equal(es_catalogue_check(&msg, 2), ES_CHECK_OK);
}

static void reasons_have_words(void **state)
{
    (void)state;
    for (int i = 0; i < ES_CHECK_REASONS; i++) assert_true(strlen(es_check_reason((es_check_t)i)) > 1);
    assert_string_equal(es_check_reason(ES_CHECK_REASONS), "unknown reason");
}

static void words_make_the_round_trip(void **state)
{
    const es_word_t words[] = {{es_span("gr\xc3\xbc\xc3\x9f"), 0, 1600, 1000},
                               {es_span(""), UINT64_MAX, UINT64_MAX, UINT32_MAX},
                               {es_span("you"), 1600, 70000, 0}};
    uint8_t buf[256];
    size_t len = es_words_encode(words, 3, buf, sizeof buf);
    assert_true(len > 0);
    es_word_t back[3];
    assert_int_equal(es_words_decode(*state, buf, len, back, 3), 3);
    for (int i = 0; i < 3; i++) {
        assert_true(es_span_eq(words[i].text, back[i].text));
        assert_int_equal(words[i].start, back[i].start);
        assert_int_equal(words[i].end, back[i].end);
        assert_int_equal(words[i].confidence, back[i].confidence);
    }
    assert_int_equal(es_words_decode(*state, buf, len, back, 2), 2);
    assert_int_equal(es_words_decode(*state, buf, len, back, 0), 0);
    for (size_t cap = 0; cap < len; cap++) assert_int_equal(es_words_encode(words, 3, buf, cap), 0);
    const es_word_t bad = {es_span("\xff"), 0, 0, 0};
    assert_int_equal(es_words_encode(&bad, 1, buf, sizeof buf), 0);
}

static void no_words(void **state)
{
    uint8_t buf[8];
    es_word_t word;
    assert_int_equal(es_words_decode(*state, NULL, 0, &word, 1), 0);
    assert_int_equal(es_words_encode(NULL, 0, buf, sizeof buf), 1);
    assert_int_equal(es_words_decode(*state, buf, 1, &word, 1), 0);
}

static void bytes_that_are_no_words(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } bad[] = {
        {"\xc0", 1},                                      /* no array */
        {"\x91", 1},                                      /* cut */
        {"\x90\x90", 2},                                  /* more behind */
        {"\x91\x01", 2},                                  /* no row */
        {"\x91\x93\xa0\x00\x00", 5},                      /* short row */
        {"\x91\x94\x00\x00\x00\x00", 6},                  /* text no str */
        {"\x91\x94\xa1\xff\x00\x00\x00", 7},              /* no UTF-8 */
        {"\x91\x94\xa0\xff\x00\x00", 6},                  /* negative start */
        {"\x91\x94\xa0\x00\xc0\x00", 6},                  /* end nil */
        {"\x91\x94\xa0\x00\x00\xa0", 6},                  /* confidence str */
        {"\x91\x94\xa0\x00\x00\xcf\0\0\0\1\0\0\0\0", 14}, /* confidence 2^32 */
    };
    es_word_t words[4];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(es_words_decode(*state, bad[i].bytes, bad[i].len, words, 4), -1);
    char longer[] = "\x91\x95\xa1x\x01\x02\x03\xc0";
    assert_int_equal(es_words_decode(*state, longer, sizeof longer - 1, words, 4), 1);
    assert_int_equal(words[0].end, 2);
    char *big = calloc(1, ES_WORDS_MAX + 1);
    assert_int_equal(es_words_decode(*state, big, ES_WORDS_MAX + 1, words, 4), -1);
    free(big);
}

static void streams_make_the_round_trip(void **state)
{
    enum { N = 30000 }; /* near what ES_HOUSE_MAX holds */
    char(*keys)[ES_CLIENT_ID_LEN] = malloc(N * sizeof *keys);
    es_stream_ref_t *streams = calloc(N, sizeof *streams), *back = calloc(N, sizeof *back);
    for (unsigned i = 0; i < N; i++) {
        for (unsigned d = 0; d < ES_CLIENT_ID_LEN; d++) keys[i][d] = "0123456789abcdef"[(i * 2654435761u >> d) & 15];
        streams[i] = (es_stream_ref_t){es_span_of(keys[i], ES_CLIENT_ID_LEN), (uint64_t)i << 33, i % 3 == 0 ? 7 : 0};
    }
    char *buf = malloc(ES_HOUSE_MAX);
    size_t len = es_streams_encode(streams, N, buf, ES_HOUSE_MAX);
    assert_true(len > 18 * (size_t)N && len <= ES_HOUSE_MAX);
    assert_int_equal(es_streams_decode(*state, buf, len, back, N), N);
    for (unsigned i = 0; i < N; i++) {
        assert_true(es_span_eq(streams[i].key, back[i].key));
        assert_int_equal(streams[i].epoch, back[i].epoch);
        assert_int_equal(streams[i].priority, back[i].priority);
    }
    assert_int_equal(es_streams_decode(*state, buf, len, back, 10), 10);
    assert_int_equal(es_streams_encode(streams, N, buf, len - 1), 0);
    assert_int_equal(es_streams_decode(*state, buf, ES_HOUSE_MAX + 1, back, N), -1);
    free(buf);
    free(back);
    free(streams);
    free(keys);
}

static void keys_of_streams(void **state)
{
    char buf[512], filler[ES_KEY_MAX + 1];
    memset(filler, 'k', sizeof filler);
    es_stream_ref_t stream = {es_span_of(filler, ES_KEY_MAX), 1, 0}, back[2];
    size_t len = es_streams_encode(&stream, 1, buf, sizeof buf);
    assert_int_equal(es_streams_decode(*state, buf, len, back, 1), 1);
    assert_int_equal(back[0].key.len, ES_KEY_MAX);
    stream.key.len++;
    assert_int_equal(es_streams_encode(&stream, 1, buf, sizeof buf), 0);
    stream.key = es_span("\xff");
    assert_int_equal(es_streams_encode(&stream, 1, buf, sizeof buf), 0);

    assert_int_equal(es_streams_decode(*state, "\x91\x92\xc4\x02\xff\0\x05", 7, back, 1), 1); /* bin will do */
    assert_int_equal(back[0].key.len, 2);
    assert_int_equal(es_streams_decode(*state, "\x91\x93\xa1k\x05\xc0", 6, back, 1), 1); /* longer row */
    assert_int_equal(back[0].priority, 0);
    assert_int_equal(es_streams_decode(*state, "\x91\x94\xa1k\x05\x07\xc0", 7, back, 1), 1);
    assert_int_equal(back[0].priority, 7);
    assert_int_equal(back[0].epoch, 5);
    assert_int_equal(es_streams_decode(*state, NULL, 0, back, 1), 0);
    assert_int_equal(es_streams_decode(*state, "\x80", 1, back, 1), -1);
    assert_int_equal(es_streams_decode(*state, "\x91\x91\xa1k", 4, back, 1), -1);
    assert_int_equal(es_streams_decode(*state, "\x91\x92\x01\x01", 4, back, 1), -1);
    assert_int_equal(es_streams_decode(*state, "\x91\x92\xa1k\xff", 5, back, 1), -1);
    char over[8 + sizeof filler] = "\x91\x92\xd9\x81";
    memset(over + 4, 'k', sizeof filler);
    over[4 + sizeof filler] = 1;
    assert_int_equal(es_streams_decode(*state, over, 5 + sizeof filler, back, 1), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_has_an_entry),
        cmocka_unit_test(unknown_kinds),
        cmocka_unit_test(each_required_field_is_required),
        cmocka_unit_test(bodies_have_limits),
        cmocka_unit_test(frames),
        cmocka_unit_test(reasons_have_words),
        cmocka_unit_test_setup_teardown(words_make_the_round_trip, with_decoder, without_decoder),
        cmocka_unit_test_setup_teardown(no_words, with_decoder, without_decoder),
        cmocka_unit_test_setup_teardown(bytes_that_are_no_words, with_decoder, without_decoder),
        cmocka_unit_test_setup_teardown(streams_make_the_round_trip, with_decoder, without_decoder),
        cmocka_unit_test_setup_teardown(keys_of_streams, with_decoder, without_decoder),
    };
    return cmocka_run_group_tests_name("catalogue", tests, NULL, NULL);
}
