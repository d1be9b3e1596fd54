#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "timers.h"

static void the_earliest_comes_first(void **state)
{
    (void)state;
    enum { N = 1000 };
    es_timers_t timers = {0};
    es_timer_t all[N] = {0};
    uint32_t random = 1;
    assert_int_equal(es_timers_next(&timers), UINT64_MAX);
    for (int i = 0; i < N; i++) {
        random = random * 1103515245u + 12345u;
        es_timers_arm(&timers, &all[i], random % 500 + 1000);
    }
    for (int i = 0; i < N; i += 3) es_timers_disarm(&timers, &all[i]);
    for (int i = 1; i < N; i += 7) es_timers_arm(&timers, &all[i], 900);
    assert_null(es_timers_due(&timers, 899));
    uint64_t last = 0;
    size_t count = timers.count;
    for (es_timer_t *timer; (timer = es_timers_due(&timers, 5000)); count--) {
        assert_true(timer->at >= last);
        assert_int_equal(timer->place, 0);
        last = timer->at;
    }
    assert_int_equal(count, 0);
    es_timers_fini(&timers);
}

static void later_is_free(void **state)
{
    (void)state;
    es_timers_t timers = {0};
    es_timer_t timer = {0};
    es_timers_disarm(&timers, &timer);
    es_timers_arm(&timers, &timer, UINT64_MAX);
    assert_int_equal(timers.count, 0);
    es_timers_arm(&timers, &timer, 10);
    es_timers_arm(&timers, &timer, 20);
    assert_int_equal(es_timers_next(&timers), 10);
    es_timers_arm(&timers, &timer, 5);
    assert_int_equal(es_timers_next(&timers), 5);
    es_timers_disarm(&timers, &timer);
    assert_int_equal(es_timers_next(&timers), UINT64_MAX);
    es_timers_fini(&timers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_earliest_comes_first), cmocka_unit_test(later_is_free)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
