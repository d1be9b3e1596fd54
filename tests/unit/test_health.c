#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "health.h"

#define S UINT64_C(1000000)

static es_health_t look(uint64_t now_us)
{
    es_health_t health;
    es_health_look(&health, now_us);
    return health;
}

static int closed(void **state)
{
    (void)state;
    es_health_close();
    es_health_limit(5 * S);
    return 0;
}

static void nobody_is_not_ready(void **state)
{
    (void)state;
    es_health_t health = look(S);
    assert_int_equal(health.state, ES_HEALTH_OK);
    assert_string_equal(health.unready, "no actor has started");
    es_health_beat(S); /* of a thread that is no actor */
    es_health_lag(ES_HEALTH_WORK, 100 * S, "never seen");
    assert_int_equal(look(S).lag_us, 0);
}

static void ready_once_the_loop_turns(void **state)
{
    (void)state;
    es_health_open("edge");
    assert_string_equal(look(S).unready, "edge is starting");
    es_health_beat(S);
    assert_string_equal(look(S).unready, "");
    es_health_unready("it is going down");
    assert_string_equal(look(S).unready, "it is going down");
    es_health_unready(NULL);
    assert_string_equal(look(S).unready, "");
}

static void late_says_why(void **state)
{
    (void)state;
    es_health_open("transcriber-1");
    es_health_beat(10 * S);
    es_health_lag(ES_HEALTH_LINK, S, "a second");
    es_health_lag(ES_HEALTH_WORK, 5 * S, "the oldest audio has waited %.1f s", 5.0);
    es_health_t health = look(10 * S);
    assert_int_equal(health.state, ES_HEALTH_OK); /* exactly the limit */
    assert_int_equal(health.lag_us, 5 * S);
    es_health_lag(ES_HEALTH_WORK, 7300000, "the oldest audio has waited %.1f s", 7.3);
    health = look(10 * S);
    assert_int_equal(health.state, ES_HEALTH_LATE);
    assert_int_equal(health.lag_us, 7300000);
    assert_string_equal(health.reason, "the oldest audio has waited 7.3 s");
    es_health_limit(8 * S);
    assert_int_equal(look(10 * S).state, ES_HEALTH_OK);
    es_health_lag(ES_HEALTH_WORK, 0, " ");
    assert_int_equal(look(10 * S).lag_us, S);
}

static void stuck_comes_before_late(void **state)
{
    (void)state;
    es_health_open("broker");
    es_health_beat(10 * S);
    es_health_lag(ES_HEALTH_WORK, 60 * S, "streams wait");
    assert_int_equal(look(15 * S - 1).state, ES_HEALTH_LATE);
    es_health_t health = look(17 * S + S / 2);
    assert_int_equal(health.state, ES_HEALTH_STUCK);
    assert_int_equal(health.lag_us, 7500000);
    assert_int_equal(health.beat_us, 7500000);
    assert_string_equal(health.reason, "the work loop of broker has not turned for 7.5 s");
    es_health_beat(17 * S);
    assert_int_equal(look(18 * S).state, ES_HEALTH_LATE);
}

static void a_slot_is_given_anew(void **state)
{
    (void)state;
    es_health_open("one");
    es_health_beat(S);
    es_health_lag(ES_HEALTH_STORE, 60 * S, "the disk");
    es_health_say("busy");
    assert_string_equal(look(S).said, "busy");
    es_health_close();
    es_health_open("two");
    es_health_t health = look(S);
    assert_int_equal(health.lag_us, 0);
    assert_string_equal(health.said, "");
    assert_string_equal(health.unready, "two is starting");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_teardown(nobody_is_not_ready, closed),
                                       cmocka_unit_test_teardown(ready_once_the_loop_turns, closed),
                                       cmocka_unit_test_teardown(late_says_why, closed),
                                       cmocka_unit_test_teardown(stuck_comes_before_late, closed),
                                       cmocka_unit_test_teardown(a_slot_is_given_anew, closed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
