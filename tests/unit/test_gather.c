/* The adaptive tick on a virtual clock: a source of messages, a loop that wakes, and what the gathering does to both. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gather.h"

#define TICK UINT64_C(1000)
#define WAKE UINT64_C(25) /* a wake-up costs */

typedef struct {
    es_gather_t gather;
    uint64_t now;
    unsigned turns, taken;
    uint64_t longest; /* from a message's arrival to its turn */
} world_t;

static world_t world(uint64_t tick_us)
{
    world_t w = {.now = 1000000};
    es_gather_set_tick(&w.gather, tick_us);
    return w;
}

/* `n` messages, one each gap_us; every turn takes what has come. */
static void steady(world_t *w, unsigned n, uint64_t gap_us)
{
    uint64_t began = w->now, until = 0;
    for (unsigned i = 0; i < n; w->turns++) {
        uint64_t arrival = began + i * gap_us;
        if (until > w->now) w->now = until;
        if (arrival >= w->now) {
            if (until) es_gather_idle(&w->gather); /* slept, and nothing came */
            w->now = arrival + WAKE;
        }
        if (w->now - arrival > w->longest) w->longest = w->now - arrival;
        unsigned before = i;
        while (i < n && began + i * gap_us <= w->now) i++;
        es_gather_count(&w->gather, i - before);
        w->taken += i - before;
        until = es_gather_until(&w->gather, w->now);
        w->now += i - before; /* a microsecond a message */
    }
}

static void gathers_under_load(void **state)
{
    world_t w = world(TICK);
    (void)state;
    steady(&w, 100000, 10);
    assert_int_equal(w.taken, 100000);
    assert_true(w.turns > 100000 / (2 * ES_GATHER_BATCH) &&
                w.turns < 100000 / (ES_GATHER_BATCH / 2)); /* some 32 a turn */
    assert_true(w.longest <= TICK + WAKE + 256);
}

static void gathers_for_a_tick_at_most(void **state)
{
    world_t w = world(TICK);
    (void)state;
    steady(&w, 10000, 200); /* 32 of them would take 6 ms */
    assert_true(w.turns > 10000 / 6 && w.turns < 10000 / 3);
    assert_true(w.longest <= TICK + WAKE + 256);
}

static void reacts_at_once_at_low_rates(void **state)
{
    world_t w = world(TICK);
    (void)state;
    steady(&w, 1000, 700);
    assert_int_equal(w.turns, 1000);
    assert_true(w.longest <= WAKE);
}

static void without_a_tick_it_never_sleeps(void **state)
{
    world_t w = world(0);
    (void)state;
    steady(&w, 10000, 50);
    assert_int_equal(w.turns, 10000);
    assert_true(w.longest <= WAKE);
}

/* Whoever waits for each answer before it asks again gains nothing from batches: a few sleeps, then none for half a second. */
static void a_lone_client_is_not_slowed_down(void **state)
{
    world_t w = world(TICK);
    uint64_t slept = 0, began = w.now;
    (void)state;
    while (w.now < began + 10 * ES_GATHER_HOLD_US) {
        es_gather_count(&w.gather, 1);
        uint64_t until = es_gather_until(&w.gather, w.now);
        if (until > w.now) {
            slept += until - w.now;
            w.now = until;
        }
        w.now += 2 * WAKE; /* there and back */
    }
    assert_true(slept < (w.now - began) / 20);
}

/* Where nobody counts, a turn that is quick after another is all there is to go by. */
static void without_counts_it_gathers_too(void **state)
{
    world_t w = world(TICK);
    unsigned sleeps = 0;
    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        uint64_t until = es_gather_until(&w.gather, w.now);
        sleeps += until > w.now;
        w.now = (until > w.now ? until : w.now) + WAKE;
    }
    assert_true(sleeps > 100 - 2 * ES_GATHER_QUICK);
    es_gather_idle(&w.gather);
    assert_int_equal(es_gather_until(&w.gather, w.now), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gathers_under_load),
        cmocka_unit_test(gathers_for_a_tick_at_most),
        cmocka_unit_test(reacts_at_once_at_low_rates),
        cmocka_unit_test(without_a_tick_it_never_sleeps),
        cmocka_unit_test(a_lone_client_is_not_slowed_down),
        cmocka_unit_test(without_counts_it_gathers_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
