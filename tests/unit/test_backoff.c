#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "backoff.h"

static void check_between(uint64_t value, uint64_t low, uint64_t high)
{
    assert_true(value >= low && value <= high);
}

static void doubled_up_to_the_most(void **state)
{
    static const uint64_t whole_us[] = {400000, 800000, 1600000, 3200000, 5000000, 5000000, 5000000};
    (void)state;
    for (uint64_t seed = 0; seed < 100; seed++) {
        es_backoff_t backoff;
        es_backoff_init(&backoff, 1, seed);
        check_between(es_backoff_lost(&backoff, true), ES_BACKOFF_MIN_US / 2, ES_BACKOFF_MIN_US);
        for (size_t i = 0; i < sizeof whole_us / sizeof *whole_us; i++)
            check_between(es_backoff_lost(&backoff, false), whole_us[i] / 2, whole_us[i]);
        check_between(es_backoff_lost(&backoff, true), ES_BACKOFF_MIN_US / 2, ES_BACKOFF_MIN_US);
    }
}

static void every_address_has_its_turn(void **state)
{
    es_backoff_t backoff;
    (void)state;
    es_backoff_init(&backoff, 3, 7);
    for (int i = 0; i < 2; i++) check_between(es_backoff_lost(&backoff, false), 100000, 200000);
    check_between(es_backoff_lost(&backoff, false), 200000, 400000);
}

static void not_all_at_once(void **state)
{
    es_backoff_t one, other;
    (void)state;
    es_backoff_init(&one, 1, 12345);
    es_backoff_init(&other, 1, 54321);
    assert_int_not_equal(es_backoff_lost(&one, true), es_backoff_lost(&other, true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(doubled_up_to_the_most),
                                       cmocka_unit_test(every_address_has_its_turn), cmocka_unit_test(not_all_at_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
