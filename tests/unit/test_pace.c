#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "pace.h"

#define SECOND UINT64_C(1000000)

static const es_pace_limits_t limits = {.messages = 100, .bytes = 1000, .patience_us = 10 * SECOND};
static const uint64_t start = 1000 * SECOND;

static void a_second_is_there_at_once(void **state)
{
    (void)state;
    es_pace_t pace = {0};
    for (int i = 0; i < 100; i++) assert_false(es_pace_spend(&pace, &limits, 1, 10, start));
    assert_false(es_pace_held(&pace, start));
    assert_true(es_pace_spend(&pace, &limits, 1, 10, start));
    assert_true(es_pace_held(&pace, start));
    assert_false(es_pace_held(&pace, start + SECOND / 100));
}

static void bytes_count_by_themselves(void **state)
{
    (void)state;
    es_pace_t pace = {0};
    assert_true(es_pace_spend(&pace, &limits, 1, 3000, start)); /* a second was paid for, two are owed */
    assert_true(es_pace_held(&pace, start + 2 * SECOND - 1));
    assert_false(es_pace_held(&pace, start + 2 * SECOND));
}

static void who_owes_too_much_is_a_flood_at_once(void **state)
{
    (void)state;
    es_pace_t pace = {0};
    assert_true(es_pace_spend(&pace, &limits, 1, 10900, start));
    assert_false(es_pace_is_flood(&pace, &limits, start));
    pace = (es_pace_t){0};
    assert_true(es_pace_spend(&pace, &limits, 1, 11100, start));
    assert_true(es_pace_is_flood(&pace, &limits, start));
}

static void nothing_is_held_without_limits(void **state)
{
    (void)state;
    const es_pace_limits_t none = {.patience_us = SECOND};
    es_pace_t pace = {0};
    for (int i = 0; i < 100000; i++) assert_false(es_pace_spend(&pace, &none, 1, 1 << 20, start));
}

static void the_rate_itself_is_never_held(void **state)
{
    (void)state;
    es_pace_t pace = {0};
    for (uint64_t i = 0; i < 6000; i++) {
        assert_false(es_pace_spend(&pace, &limits, 1, 10, start + i * SECOND / 100));
        assert_false(es_pace_is_flood(&pace, &limits, start + i * SECOND / 100));
    }
}

/* Sends as fast as it is read. */
static bool floods(es_pace_t *pace, uint64_t from, uint64_t to)
{
    uint64_t now = from;
    while (now < to) {
        if (es_pace_spend(pace, &limits, 1, 1, now) && es_pace_is_flood(pace, &limits, now)) return true;
        now = es_pace_held(pace, now) ? pace->until_us : now + 10;
    }
    return false;
}

static void who_goes_on_is_a_flood_and_who_pauses_is_none(void **state)
{
    (void)state;
    es_pace_t pace = {0};
    assert_false(floods(&pace, start, start + 10 * SECOND));
    assert_true(floods(&pace, start + 10 * SECOND, start + 12 * SECOND));
    pace = (es_pace_t){0};
    assert_false(floods(&pace, start, start + 8 * SECOND));
    assert_false(
        floods(&pace, start + 9 * SECOND, start + 17 * SECOND)); /* a second's pause gives half of a second back */
}

static void a_pause_of_years_breaks_nothing(void **state)
{
    (void)state;
    es_pace_t pace = {0};
    assert_true(es_pace_spend(&pace, &limits, 1000, 1 << 20, start));
    assert_false(es_pace_spend(&pace, &limits, 1, 1, start + UINT64_C(100000000) * SECOND));
    assert_false(es_pace_is_flood(&pace, &limits, start + UINT64_C(100000000) * SECOND));
    pace = (es_pace_t){0};
    assert_true(es_pace_spend(&pace, &limits, 200, 1, 5)); /* a clock that has just begun */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_second_is_there_at_once),
                                       cmocka_unit_test(bytes_count_by_themselves),
                                       cmocka_unit_test(who_owes_too_much_is_a_flood_at_once),
                                       cmocka_unit_test(nothing_is_held_without_limits),
                                       cmocka_unit_test(the_rate_itself_is_never_held),
                                       cmocka_unit_test(who_goes_on_is_a_flood_and_who_pauses_is_none),
                                       cmocka_unit_test(a_pause_of_years_breaks_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
