#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "chat_place.h"

static void check_gap(const es_chat_gap_t *gap, uint64_t from, uint64_t to)
{
    assert_int_equal(gap->from, from);
    assert_int_equal(gap->to, to);
}

static void check_no_gap(const es_chat_gap_t *gap)
{
    assert_true(gap->from > gap->to);
}

static es_chat_place_t at_ten(void)
{
    es_chat_place_t place = {.log = NULL};
    es_chat_gap_t gap;
    assert_int_equal(es_chat_place_enter(&place, "a", 10, 8, &gap), ES_CHAT_FIRST);
    check_no_gap(&gap);
    assert_int_equal(place.oldest, 8);
    for (uint64_t n = 8; n <= 10; n++) {
        assert_false(es_chat_place_caught_up(&place));
        assert_true(es_chat_place_take(&place, n, &gap));
        check_no_gap(&gap);
    }
    assert_true(es_chat_place_caught_up(&place));
    return place;
}

static void each_event_once(void **state)
{
    es_chat_place_t place = at_ten();
    es_chat_gap_t gap;
    (void)state;
    assert_false(es_chat_place_take(&place, 10, &gap));
    assert_false(es_chat_place_take(&place, 3, &gap));
    assert_true(es_chat_place_take(&place, 11, &gap));
    es_chat_place_fini(&place);
}

static void what_never_came_is_told(void **state)
{
    es_chat_place_t place = at_ten();
    es_chat_gap_t gap;
    (void)state;
    assert_true(es_chat_place_take(&place, 14, &gap));
    check_gap(&gap, 11, 13);
    es_chat_place_skip(&place, 14, &gap);
    check_no_gap(&gap);
    es_chat_place_skip(&place, 20, &gap);
    check_gap(&gap, 15, 20);
    assert_true(es_chat_place_take(&place, 21, &gap));
    check_no_gap(&gap);
    es_chat_place_fini(&place);
}

static void coming_back(void **state)
{
    es_chat_place_t place = at_ten();
    es_chat_gap_t gap;
    (void)state;
    assert_int_equal(es_chat_place_enter(&place, "a", 12, 11, &gap), ES_CHAT_GOES_ON);
    check_no_gap(&gap);
    assert_false(es_chat_place_caught_up(&place));
    assert_int_equal(es_chat_place_enter(&place, "a", 30, 21, &gap), ES_CHAT_GOES_ON);
    check_gap(&gap, 11, 20);
    assert_true(es_chat_place_take(&place, 21, &gap));
    check_no_gap(&gap);
    es_chat_place_fini(&place);
}

static void another_log(void **state)
{
    es_chat_place_t place = at_ten();
    es_chat_gap_t gap;
    (void)state;
    assert_int_equal(es_chat_place_enter(&place, "b", 40, 31, &gap), ES_CHAT_OTHER_LOG);
    check_no_gap(&gap);
    assert_true(es_chat_place_take(&place, 31, &gap));
    assert_int_equal(es_chat_place_enter(&place, "b", 5, 1, &gap), ES_CHAT_OTHER_LOG); /* it ends before what came */
    assert_true(es_chat_place_take(&place, 1, &gap));
    check_no_gap(&gap);
    es_chat_place_fini(&place);
}

static void an_empty_room(void **state)
{
    es_chat_place_t place = {.log = NULL};
    es_chat_gap_t gap;
    (void)state;
    assert_false(es_chat_place_caught_up(&place));
    es_chat_place_enter(&place, "a", 0, 1, &gap);
    assert_true(es_chat_place_caught_up(&place));
    assert_true(es_chat_place_take(&place, 1, &gap));
    check_no_gap(&gap);
    es_chat_place_fini(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_event_once), cmocka_unit_test(what_never_came_is_told), cmocka_unit_test(coming_back),
        cmocka_unit_test(another_log),     cmocka_unit_test(an_empty_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
