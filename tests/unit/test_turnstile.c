#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "access/turnstile.h"
#include "edge_metrics.h"

enum { MANY = 10 };
typedef struct {
    es_turnstile_place_t place;
    unsigned passed;
    bool again;
} guest_t;

static es_turnstile_t turnstile;
static guest_t guests[MANY];
static guest_t *order[4 * MANY];
static unsigned passes;
static uint64_t now_us, each_us;

static uint64_t clock_us(void)
{
    return now_us;
}

static void on_pass(es_turnstile_place_t *place)
{
    guest_t *guest = (guest_t *)place;
    guest->passed++;
    order[passes++] = guest;
    now_us += each_us;
    if (guest->again) es_turnstile_join(&turnstile, place);
}

static int begin(void **state)
{
    (void)state;
    turnstile = (es_turnstile_t){0};
    passes = 0;
    for (int i = 0; i < MANY; i++) guests[i] = (guest_t){.place.pass = on_pass};
    return 0;
}

static void join_all(void)
{
    for (int i = 0; i < MANY; i++) es_turnstile_join(&turnstile, &guests[i].place);
}

static void turn(void)
{
    es_turnstile_turn(&turnstile, clock_us);
}

static void those_who_come_first_pass_first(void **state)
{
    (void)state;
    each_us = 1;
    turn();
    join_all();
    join_all();
    assert_true(es_turnstile_waits(&turnstile));
    turn();
    assert_false(es_turnstile_waits(&turnstile));
    assert_int_equal(passes, MANY);
    for (int i = 0; i < MANY; i++) assert_ptr_equal(order[i], &guests[i]);
}

static void a_turn_gives_them_so_much_time(void **state)
{
    (void)state;
    uint64_t late = es_metric_get(&es_edge_tokens_late);
    each_us = ES_TURNSTILE_US / 2;
    join_all();
    for (unsigned i = 1; i <= MANY / 2; i++) {
        turn();
        assert_int_equal(passes, 2 * i);
    }
    assert_int_equal(es_metric_get(&es_edge_tokens_late) - late, MANY - 2);
    each_us = 10 * ES_TURNSTILE_US; /* however long one takes */
    join_all();
    turn();
    assert_int_equal(passes, MANY + 1);
}

static void who_comes_again_is_the_last_and_waits_for_the_next_turn(void **state)
{
    (void)state;
    each_us = 0;
    guests[0].again = guests[1].again = true;
    join_all();
    for (unsigned i = 1; i <= 3; i++) {
        turn();
        assert_int_equal(guests[0].passed, i);
        assert_int_equal(guests[1].passed, i);
    }
    assert_ptr_equal(order[MANY], &guests[0]);
    assert_true(es_turnstile_waits(&turnstile));
}

static void who_leaves_is_gone_wherever_it_stood(void **state)
{
    (void)state;
    each_us = 1;
    join_all();
    es_turnstile_leave(&turnstile, &guests[0].place);
    es_turnstile_leave(&turnstile, &guests[4].place);
    es_turnstile_leave(&turnstile, &guests[4].place);
    es_turnstile_leave(&turnstile, &guests[MANY - 1].place);
    es_turnstile_join(&turnstile, &guests[4].place);
    turn();
    assert_int_equal(passes, MANY - 2);
    assert_ptr_equal(order[0], &guests[1]);
    assert_ptr_equal(order[passes - 1], &guests[4]);
    es_turnstile_join(&turnstile, &guests[0].place);
    es_turnstile_leave(&turnstile, &guests[0].place);
    assert_false(es_turnstile_waits(&turnstile));
    join_all();
    turn();
    assert_int_equal(passes, 2 * MANY - 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(those_who_come_first_pass_first, begin),
        cmocka_unit_test_setup(a_turn_gives_them_so_much_time, begin),
        cmocka_unit_test_setup(who_comes_again_is_the_last_and_waits_for_the_next_turn, begin),
        cmocka_unit_test_setup(who_leaves_is_gone_wherever_it_stood, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
