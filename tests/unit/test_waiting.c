#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "waiting.h"

static void let_go(void *ctx, es_waiter_t *waiter)
{
    es_waiting_remove(ctx, waiter);
    free(waiter);
}

static void test_places_by_lane(void **state)
{
    (void)state;
    es_waiting_t q;
    es_waiting_init(&q);
    assert_int_equal(es_waiting_count(&q), 0);
    es_waiter_t *batch = es_waiting_add(&q, ES_LANE_BATCH, es_span("b"), NULL);
    assert_int_equal(es_waiting_place(&q, batch), 1);
    es_waiter_t *live = es_waiting_add(&q, ES_LANE_LIVE, es_span("l"), NULL);
    es_waiter_t *going = es_waiting_add(&q, ES_LANE_GOING, es_span("g"), NULL);
    assert_int_equal(es_waiting_place(&q, going), 1);
    assert_int_equal(es_waiting_place(&q, live), 2);
    assert_int_equal(es_waiting_place(&q, batch), 3);
    assert_int_equal(es_waiting_ahead(&q, ES_LANE_GOING), 1);
    assert_int_equal(es_waiting_ahead(&q, ES_LANE_LIVE), 2);
    assert_int_equal(es_waiting_ahead(&q, ES_LANE_BATCH), 3);
    es_waiting_expire(&q, UINT64_MAX, let_go, &q);
    assert_int_equal(es_waiting_count(&q), 0);
}

static void test_gaps_close_at_expiry(void **state)
{
    (void)state;
    es_waiting_t q;
    es_waiting_init(&q);
    es_waiter_t *w[4];
    for (int i = 0; i < 4; i++) {
        w[i] = es_waiting_add(&q, ES_LANE_LIVE, es_span("x"), NULL);
        w[i]->last_us = 100;
    }
    let_go(&q, w[0]); /* at the head: exact at once */
    assert_int_equal(es_waiting_place(&q, w[1]), 1);
    let_go(&q, w[2]); /* in the middle: too high until the next round */
    assert_int_equal(es_waiting_place(&q, w[3]), 3);
    w[3]->last_us = 200;
    es_waiting_expire(&q, 100, let_go, &q);
    assert_int_equal(es_waiting_place(&q, w[3]), 2);
    es_waiting_expire(&q, 150, let_go, &q);
    assert_int_equal(es_waiting_count(&q), 1);
    assert_int_equal(es_waiting_place(&q, w[3]), 1);
    es_waiter_t *late = es_waiting_add(&q, ES_LANE_LIVE, es_span("y"), NULL);
    assert_int_equal(es_waiting_place(&q, late), 2);
    es_waiting_expire(&q, UINT64_MAX, let_go, &q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_places_by_lane),
                                       cmocka_unit_test(test_gaps_close_at_expiry)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
