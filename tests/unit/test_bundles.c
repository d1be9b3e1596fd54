/* Bundles by destination: order, bounds, and that nothing stays behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bundles.h"

enum { SENT_MAX = 1024 };

typedef struct {
    unsigned bundles, items;
    uint64_t to[SENT_MAX]; /* of each item, and its text */
    char text[SENT_MAX][8];
} sent_t;

static void record(void *ctx, uint64_t to, const es_bundle_t *bundle)
{
    sent_t *sent = ctx;
    es_span_t rest = es_span_of(bundle->data, bundle->len);
    es_bundle_item_t item;
    unsigned n = 0;
    sent->bundles++;
    for (; es_bundle_next(&rest, &item) == 1; n++) {
        assert_true(sent->items < SENT_MAX);
        sent->to[sent->items] = to;
        memcpy(sent->text[sent->items++], item.envelope.ptr, item.envelope.len < 8 ? item.envelope.len : 7);
    }
    assert_int_equal(n, bundle->count);
    assert_true(n > 0);
}

static bool add(es_bundles_t *bundles, uint64_t to, const char *text, size_t body_len)
{
    static char body[ES_BUNDLE_ITEM_MAX + 1];
    es_bundle_item_t item = {.key = es_span("key"), .envelope = es_span(text), .body = es_span_of(body, body_len)};
    return es_bundles_add(bundles, to, &item);
}

static void one_bundle_for_each_destination(void **state)
{
    (void)state;
    sent_t *sent = calloc(1, sizeof *sent);
    es_bundles_t *bundles = es_bundles_new(record, sent);
    for (int turn = 0; turn < 3; turn++) {
        memset(sent, 0, sizeof *sent);
        assert_true(add(bundles, 1, "a", 0) && add(bundles, 2, "b", 640) && add(bundles, 1, "c", 640));
        assert_int_equal(sent->bundles, 0);
        es_bundles_flush(bundles);
        assert_int_equal(sent->bundles, 2);
        assert_int_equal(sent->items, 3);
        es_bundles_flush(bundles);
        assert_int_equal(sent->bundles, 2);
    }
    es_bundles_destroy(&bundles);
    assert_null(bundles);
    es_bundles_destroy(&bundles);
    free(sent);
}

static void one_destination_leaves_before_the_others(void **state)
{
    (void)state;
    sent_t *sent = calloc(1, sizeof *sent);
    es_bundles_t *bundles = es_bundles_new(record, sent);
    add(bundles, 1, "a", 0), add(bundles, 2, "b", 0), add(bundles, 3, "c", 0);
    es_bundles_flush_one(bundles, 2);
    es_bundles_flush_one(bundles, 9);
    assert_int_equal(sent->bundles, 1);
    assert_string_equal(sent->text[0], "b");
    es_bundles_flush(bundles);
    assert_int_equal(sent->items, 3);
    es_bundles_destroy(&bundles);
    free(sent);
}

static void what_is_too_large_sends_what_came_before(void **state)
{
    (void)state;
    sent_t *sent = calloc(1, sizeof *sent);
    es_bundles_t *bundles = es_bundles_new(record, sent);
    add(bundles, 1, "a", 0);
    assert_false(add(bundles, 1, "large", ES_BUNDLE_ITEM_MAX + 1));
    assert_int_equal(sent->items, 1);
    assert_false(add(bundles, 2, "large", ES_BUNDLE_ITEM_MAX + 1));
    es_bundles_flush(bundles);
    assert_int_equal(sent->items, 1);
    for (int i = 0; i < 20; i++) assert_true(add(bundles, 1, "full", ES_BUNDLE_ITEM_MAX));
    assert_true(sent->bundles > 2);
    es_bundles_flush(bundles);
    assert_int_equal(sent->items, 21);
    es_bundles_destroy(&bundles);
    free(sent);
}

static void more_destinations_than_slots(void **state)
{
    (void)state;
    sent_t *sent = calloc(1, sizeof *sent);
    es_bundles_t *bundles = es_bundles_new(record, sent);
    for (int round = 0; round < 3; round++)
        for (uint64_t to = 0; to < 3 * ES_BUNDLES_MAX; to++)
            assert_true(add(bundles, to, round ? "later" : "first", 10));
    es_bundles_flush(bundles);
    assert_int_equal(sent->items, 9 * ES_BUNDLES_MAX);
    for (unsigned i = 0; i < sent->items; i++)
        for (unsigned k = 0; k < i; k++) /* in order for each */
            if (sent->to[k] == sent->to[i])
                assert_false(!strcmp(sent->text[k], "later") && !strcmp(sent->text[i], "first"));
    es_bundles_destroy(&bundles);
    free(sent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_bundle_for_each_destination),
        cmocka_unit_test(one_destination_leaves_before_the_others),
        cmocka_unit_test(what_is_too_large_sends_what_came_before),
        cmocka_unit_test(more_destinations_than_slots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
