/* Bundles: what may travel in one, in which order, and what becomes of hostile bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bundle.h"

static es_bundle_t bundle;
static const es_span_t key = {"0123456789abcdef", 16}, other = {"0123456789abcdee", 16};

static int setup(void **state)
{
    (void)state;
    memset(&bundle, 0, sizeof bundle);
    return 0;
}

static es_msg_t frame(uint64_t epoch, uint64_t seq, uint64_t flags)
{
    es_msg_t msg = {.kind = ES_FRAME, .epoch = epoch, .seq = seq, .time_us = 1};
    ES_SET(&msg, ES_M_FLAGS, flags, flags);
    ES_SET(&msg, ES_M_POS, pos, seq * 320);
    ES_SET(&msg, ES_M_COMMITTED, committed, 0);
    return msg;
}

static void gives_back_what_it_took_in_order(void **state)
{
    (void)state;
    for (uint64_t seq = 5; seq < 9; seq++) {
        es_msg_t msg = frame(2, seq, 0);
        assert_int_equal(es_bundle_add(&bundle, seq == 7 ? other : key, &msg, "audio", seq == 6 ? 0 : 5),
                         ES_BUNDLE_TAKEN);
    }
    assert_int_equal(bundle.count, 4);
    es_decoder_t *decoder = es_decoder_new();
    es_span_t rest = es_span_of(bundle.data, bundle.len);
    es_bundle_item_t item;
    for (uint64_t seq = 5; seq < 9; seq++) {
        es_msg_t msg;
        assert_int_equal(es_bundle_next(&rest, &item), 1);
        assert_true(es_span_eq(item.key, seq == 7 ? other : key));
        assert_int_equal(es_decode(decoder, item.envelope.ptr, item.envelope.len, &msg), ES_DECODE_OK);
        assert_int_equal(msg.seq, seq);
        assert_int_equal(item.body.len, seq == 6 ? 0 : 5);
        if (item.body.len) assert_memory_equal(item.body.ptr, "audio", 5);
    }
    assert_int_equal(es_bundle_next(&rest, &item), 0);
    es_decoder_destroy(&decoder);
    es_bundle_clear(&bundle);
    assert_int_equal(bundle.count, 0);
    assert_int_equal(bundle.len, 0);
}

static void what_the_broker_acts_on_travels_alone(void **state)
{
    (void)state;
    es_msg_t start = frame(2, 1, ES_F_START), lost = {.kind = ES_WORKER_LOST, .epoch = 2};
    es_msg_t close = {.kind = ES_CLOSE, .epoch = 2}, ack = {.kind = ES_ACK, .epoch = 2}, mark = frame(2, 2, ES_F_MARK);
    assert_int_equal(es_bundle_add(&bundle, key, &start, NULL, 0), ES_BUNDLE_ALONE);
    assert_int_equal(es_bundle_add(&bundle, key, &close, NULL, 0), ES_BUNDLE_ALONE);
    assert_int_equal(es_bundle_add(&bundle, key, &lost, NULL, 0), ES_BUNDLE_ALONE);
    assert_int_equal(bundle.count, 0);
    assert_int_equal(es_bundle_add(&bundle, key, &ack, NULL, 0), ES_BUNDLE_TAKEN);
    assert_int_equal(es_bundle_add(&bundle, key, &mark, NULL, 0), ES_BUNDLE_TAKEN);
}

/* Requests of all members to one room, answers to all clients of one edge; but news are one message for all already, and questions about jobs are rare. */
static void rooms_and_jobs_are_bundled_but_for_news(void **state)
{
    (void)state;
    for (uint32_t kind = ES_ROOM_JOIN - 1; kind < 128; kind++) {
        es_msg_t msg = {.kind = kind};
        bool request = kind >= ES_ROOM_JOIN && kind <= ES_ROOM_WHO;
        bool answer = (kind >= ES_ROOM_DONE && kind <= ES_ROOM_PRESENT) || kind == ES_JOB_TOLD;
        assert_int_equal(es_bundle_admits(&msg, 0), request || answer);
        assert_int_equal(es_bundle_admits(&msg, ES_BUNDLE_ITEM_MAX), request || answer);
        assert_false(es_bundle_admits(&msg, ES_BUNDLE_ITEM_MAX + 1));
    }
    assert_false(es_bundle_admits(&(es_msg_t){.kind = ES_ROOM_NEWS}, 0));
}

static void large_bodies_and_bad_messages_travel_alone(void **state)
{
    (void)state;
    static char large[ES_BUNDLE_ITEM_MAX + 1];
    static char long_key[ES_KEY_MAX + 1];
    es_msg_t msg = frame(2, 5, 0), bad = {.kind = ES_FINAL, .epoch = 2};
    ES_SET(&bad, ES_M_TEXT, text, es_span("\xff"));
    assert_int_equal(es_bundle_add(&bundle, key, &msg, large, sizeof large), ES_BUNDLE_ALONE);
    assert_int_equal(es_bundle_add(&bundle, key, &bad, NULL, 0), ES_BUNDLE_ALONE);
    assert_int_equal(es_bundle_add(&bundle, es_span_of(long_key, sizeof long_key), &msg, NULL, 0), ES_BUNDLE_ALONE);
    assert_int_equal(es_bundle_add(&bundle, es_span(""), &msg, NULL, 0), ES_BUNDLE_ALONE);
    assert_int_equal(bundle.count, 0);
    assert_int_equal(es_bundle_add(&bundle, key, &msg, large, sizeof large - 1), ES_BUNDLE_TAKEN);
}

static void never_grows_beyond_its_limit(void **state)
{
    (void)state;
    static char body[ES_BUNDLE_ITEM_MAX];
    es_msg_t msg = frame(2, 5, 0);
    unsigned taken = 0;
    while (es_bundle_add(&bundle, key, &msg, body, sizeof body) == ES_BUNDLE_TAKEN) taken++;
    assert_in_range(taken, 5, 8);
    assert_true(bundle.len <= ES_BUNDLE_MAX);
    assert_int_equal(es_bundle_add(&bundle, key, &msg, body, sizeof body), ES_BUNDLE_FULL);
}

static void appends_what_is_encoded_already(void **state)
{
    (void)state;
    static char large[ES_BUNDLE_ITEM_MAX + 1];
    es_bundle_item_t item = {.key = key, .envelope = es_span("envelope"), .body = es_span("audio")}, back;
    assert_true(es_bundle_append(&bundle, &item));
    es_span_t rest = es_span_of(bundle.data, bundle.len);
    assert_int_equal(es_bundle_next(&rest, &back), 1);
    assert_true(es_span_eq(back.key, key) && es_span_eq(back.envelope, item.envelope) &&
                es_span_eq(back.body, item.body));
    item.body = es_span_of(large, sizeof large);
    assert_false(es_bundle_append(&bundle, &item));
    item.body.len--;
    while (es_bundle_append(&bundle, &item)) assert_true(bundle.len <= ES_BUNDLE_MAX);
    item.key = es_span("");
    assert_false(es_bundle_append(&bundle, &item));
}

static void cut_at_any_byte_it_is_malformed(void **state)
{
    (void)state;
    es_msg_t msg = frame(2, 5, 0);
    es_bundle_item_t item;
    es_bundle_add(&bundle, key, &msg, "audio", 5);
    for (size_t len = 1; len < bundle.len; len++) {
        es_span_t rest = es_span_of(bundle.data, len);
        assert_int_equal(es_bundle_next(&rest, &item), -1);
    }
    static const uint8_t hostile[] = {1, 'a', 0xff, 0xff, 0, 0, 0xff, 0xff, 0xff, 0xff},
                         no_key[] = {0, 0, 0, 0, 0, 0, 0};
    es_span_t rest = es_span_of(hostile, sizeof hostile);
    assert_int_equal(es_bundle_next(&rest, &item), -1);
    rest = es_span_of(no_key, sizeof no_key);
    assert_int_equal(es_bundle_next(&rest, &item), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(gives_back_what_it_took_in_order, setup),
        cmocka_unit_test_setup(what_the_broker_acts_on_travels_alone, setup),
        cmocka_unit_test_setup(rooms_and_jobs_are_bundled_but_for_news, setup),
        cmocka_unit_test_setup(large_bodies_and_bad_messages_travel_alone, setup),
        cmocka_unit_test_setup(never_grows_beyond_its_limit, setup),
        cmocka_unit_test_setup(appends_what_is_encoded_already, setup),
        cmocka_unit_test_setup(cut_at_any_byte_it_is_malformed, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
