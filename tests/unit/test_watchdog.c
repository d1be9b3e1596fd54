#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "watchdog.h"

#define SECOND UINT64_C(1000000)

enum { ROOM, EDGE, CHILDREN };
static const uint64_t patience_us = 10 * SECOND, begin_us = 1000 * SECOND;

static int setup(void **state)
{
    *state = es_watchdog_new(CHILDREN, patience_us);
    return 0;
}

static int teardown(void **state)
{
    es_watchdog_t *w = *state;
    es_watchdog_destroy(&w);
    assert_null(w);
    return 0;
}

/* As the loop does it, once a second; `turning` speaks each time. Returns the time. */
static uint64_t turn(es_watchdog_t *w, uint64_t from_us, uint64_t seconds, int turning)
{
    uint64_t now_us = from_us;
    for (uint64_t i = 0; i < seconds; i++) {
        now_us += SECOND;
        if (turning >= 0) es_watchdog_heard(w, (size_t)turning, now_us);
        es_watchdog_look(w, now_us);
    }
    return now_us;
}

static void who_says_nothing_more_is_silent(void **state)
{
    es_watchdog_t *w = *state;
    es_watchdog_look(w, begin_us);
    es_watchdog_heard(w, ROOM, begin_us);
    uint64_t now_us = turn(w, begin_us, 9, EDGE);
    assert_false(es_watchdog_silent(w, ROOM));
    turn(w, now_us, 1, EDGE);
    assert_true(es_watchdog_silent(w, ROOM));
    assert_false(es_watchdog_silent(w, EDGE));
}

static void a_word_is_a_whole_patience(void **state)
{
    es_watchdog_t *w = *state;
    es_watchdog_look(w, begin_us);
    es_watchdog_heard(w, ROOM, begin_us);
    uint64_t now_us = turn(w, begin_us, 9, EDGE);
    es_watchdog_heard(w, ROOM, now_us);
    now_us = turn(w, now_us, 9, EDGE);
    assert_false(es_watchdog_silent(w, ROOM));
    turn(w, now_us, 1, EDGE);
    assert_true(es_watchdog_silent(w, ROOM));
}

static void a_start_may_take_as_long_as_it_likes(void **state)
{
    es_watchdog_t *w = *state;
    es_watchdog_look(w, begin_us);
    turn(w, begin_us, 600, EDGE);
    assert_false(es_watchdog_silent(w, ROOM));
}

static void who_begins_anew_is_not_judged_by_the_one_before(void **state)
{
    es_watchdog_t *w = *state;
    es_watchdog_look(w, begin_us);
    es_watchdog_heard(w, ROOM, begin_us);
    uint64_t now_us = turn(w, begin_us, 20, EDGE);
    assert_true(es_watchdog_silent(w, ROOM));
    es_watchdog_forget(w, ROOM);
    turn(w, now_us, 20, EDGE);
    assert_false(es_watchdog_silent(w, ROOM));
}

/* Stopped for an hour: what was said meanwhile may have been more than a socket holds. */
static void who_was_away_itself_blames_nobody(void **state)
{
    es_watchdog_t *w = *state;
    es_watchdog_look(w, begin_us);
    es_watchdog_heard(w, ROOM, begin_us);
    uint64_t now_us = turn(w, begin_us, 1, EDGE) + 3600 * SECOND;
    es_watchdog_look(w, now_us);
    assert_false(es_watchdog_silent(w, ROOM));
    now_us = turn(w, now_us, 9, EDGE);
    assert_false(es_watchdog_silent(w, ROOM));
    turn(w, now_us, 1, EDGE);
    assert_true(es_watchdog_silent(w, ROOM));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(who_says_nothing_more_is_silent),      T(a_word_is_a_whole_patience),
        T(a_start_may_take_as_long_as_it_likes), T(who_begins_anew_is_not_judged_by_the_one_before),
        T(who_was_away_itself_blames_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
