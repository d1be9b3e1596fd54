#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "placement_world.h"

/* ---- learning ---- */

static void test_settle_then_place(void **state)
{
    world_t *w = *state;
    restart(w);
    up(w, 1, 4);
    assert_int_equal(es_placement_free(w->p, es_span("transcribe"), w->now), 0);
    assert_wait(start(w, "a", 1), 1);
    w->now += w->config.settle_us - 1;
    assert_wait(start(w, "b", 1), 2);
    w->now += 1;
    assert_forward(start(w, "a", 1), 1);
    assert_forward(start(w, "b", 1), 1);
}

static void test_learn_then_rewind(void **state)
{
    world_t *w = *state;
    restart(w);
    w->now += w->config.learn_us - 1;
    assert_drop(frame(w, "a", 1), ES_ROUTE_LEARNING);
    w->now += 1;
    assert_int_equal(frame(w, "a", 1).verdict, ES_ROUTE_REWIND);
}

static void test_hello_teaches(void **state)
{
    world_t *w = *state;
    restart(w);
    up(w, 1, 4);
    assert_true(learn(w, 1, "a", 5));
    assert_forward(frame(w, "a", 5), 1); /* while still settling */
    assert_drop(frame(w, "a", 4), ES_ROUTE_STALE);
    assert_true(learn(w, 1, "a", 3)); /* an older HELLO takes nothing back */
    assert_drop(frame(w, "a", 4), ES_ROUTE_STALE);
    assert_true(learn(w, 1, "a", 6));
    assert_drop(frame(w, "a", 5), ES_ROUTE_STALE);
    assert_int_equal(stats(w).learned, 1);
}

static void test_hello_never_displaces(void **state)
{
    world_t *w = *state;
    up(w, 1, 4);
    assert_forward(start(w, "a", 2), 1);
    up(w, 2, 4);
    assert_false(learn(w, 2, "a", 1));
    assert_false(learn(w, 2, "a", 2));
    assert_true(learn(w, 2, "a", 9)); /* it has moved on through another broker: no DROP there, no change here */
    assert_forward(frame(w, "a", 2), 1);
    assert_false(learn(w, 77, "b", 1)); /* a worker that is not there */
    assert_int_equal(stats(w).losers, 3);
}

static void test_hello_ends_waiting(void **state)
{
    world_t *w = *state;
    assert_wait(start(w, "a", 2), 1);
    assert_wait(start(w, "b", 5), 2);
    up(w, 1, 2);
    assert_false(learn(w, 1, "b", 4)); /* the sender has moved on */
    assert_true(learn(w, 1, "a", 2));
    assert_int_equal(stats(w).waiting, 1);
    assert_forward(frame(w, "a", 2), 1);
    assert_forward(start(w, "b", 5), 1);
}

/* ---- streams of other brokers, known from HELLOs ---- */

/* Their CLOSE does not come to us. */
static void test_what_a_worker_lists_no_more_is_over(void **state)
{
    world_t *w = *state;
    up(w, 1, 4);
    assert_true(learn(w, 1, "a", 1) && learn(w, 1, "b", 1) && learn(w, 1, "c", 1));
    es_placement_worker_listed(w->p, 1);
    assert_false(es_placement_worker_load(w->p, 1, 3));
    assert_forward(frame(w, "a", 1), 1); /* this one is ours */
    assert_true(es_placement_worker_load(w->p, 1, 2));
    up(w, 1, 4);
    assert_true(learn(w, 1, "b", 1));
    es_placement_worker_listed(w->p, 1);
    assert_int_equal(stats(w).streams, 2);
    assert_false(es_placement_worker_load(w->p, 1, 2));
    up(w, 1, 4);
    es_placement_worker_listed(w->p, 1);
    assert_int_equal(stats(w).streams, 1);
    assert_int_equal(stats(w).unlearned, 2);
    assert_false(es_placement_worker_load(w->p, 1, 0)); /* a's START is under way, say */
    assert_forward(frame(w, "a", 1), 1);
    assert_int_equal(es_placement_free(w->p, es_span("transcribe"), w->now), 3);
    assert_int_equal(frame(w, "b", 1).verdict, ES_ROUTE_REWIND); /* if it comes to us after all, it begins anew */
    assert_forward(start(w, "b", 2), 1);
}

static void test_who_waits_has_workers_asked(void **state)
{
    world_t *w = *state;
    up(w, 1, 1);
    assert_false(es_placement_worker_load(w->p, 1, 1)); /* another broker's, and nobody wants its place */
    assert_wait(start(w, "a", 2), 1);
    assert_true(es_placement_worker_load(w->p, 1, 1));
    up(w, 1, 1);
    assert_false(learn(w, 1, "a", 1)); /* it waits for the place that it had through a broker that is gone */
    es_placement_worker_listed(w->p, 1);
    assert_false(es_placement_worker_load(w->p, 1, 0));
    assert_forward(start(w, "a", 2), 1);
    assert_false(es_placement_worker_load(w->p, 99, 1));
}

static void test_a_newer_epoch_displaces_what_was_only_learned(void **state)
{
    world_t *w = *state;
    uint64_t epoch;
    up(w, 1, 4);
    up(w, 2, 4);
    assert_true(learn(w, 1, "a", 3));
    assert_false(learn(w, 2, "a", 3));
    assert_true(learn(w, 2, "a", 5));
    assert_int_equal(es_placement_holder(w->p, es_span("a"), &epoch), 2);
    assert_int_equal(epoch, 5);
    assert_false(learn(w, 1, "a", 3));
    assert_int_equal(es_placement_worker_streams(w->p, 1), 0);
    assert_forward(frame(w, "a", 5), 2);
    assert_true(learn(w, 1, "a", 6));
    assert_forward(frame(w, "a", 5), 2);
}

/* Who has a key of another service takes no streams by claiming them. */
static void test_a_service_takes_nothing_of_another(void **state)
{
    world_t *w = *state;
    uint64_t epoch;
    assert_wait(start(w, "a", 2), 1);
    assert_int_equal(es_placement_worker_up(w->p, 9, es_span("analyze"), 4), 0);
    assert_false(learn(w, 9, "a", 2));
    assert_false(learn(w, 9, "a", 7));
    assert_int_equal(stats(w).waiting, 1);
    up(w, 1, 4);
    assert_forward(start(w, "a", 2), 1);
    assert_true(learn(w, 1, "b", 1));
    assert_true(learn(w, 9, "b", 7)); /* an upload's key may go on as another stream elsewhere */
    assert_int_equal(es_placement_holder(w->p, es_span("b"), &epoch), 1);
    assert_int_equal(epoch, 1);
    assert_int_equal(es_placement_worker_streams(w->p, 9), 0);
}

static void test_stream_limit(void **state)
{
    world_t *w = *state;
    w->config.max_streams = 2;
    restart(w);
    w->now += 5 * SECOND;
    up(w, 1, 10);
    up(w, 2, 10);
    assert_forward(start(w, "a", 1), 2);
    assert_forward(start(w, "b", 1), 1);
    assert_wait(start(w, "c", 1), 1);
    assert_int_equal(stats(w).waits_full, 1);
    assert_true(learn(w, 1, "d", 1)); /* which may be another broker's: it is not ours to end */
    assert_int_equal(stats(w).streams, 3);
    assert_int_equal(es_placement_free(w->p, es_span("transcribe"), w->now), 0);
    close_stream(w, "a", 1);
    assert_int_equal(es_placement_free(w->p, es_span("transcribe"), w->now), 1);
    assert_int_equal(start(w, "c", 1).verdict, ES_ROUTE_FORWARD);
}

/* A worker lists as many streams as it likes: the places of the others stay free. */
static void test_what_is_learnt_takes_no_place_of_others(void **state)
{
    world_t *w = *state;
    w->config.max_streams = 2;
    restart(w);
    w->now += 5 * SECOND;
    up(w, 1, 1);
    assert_int_equal(es_placement_worker_up(w->p, 2, es_span("level"), 1), 0);
    for (const char *const *key = (const char *const[]){"x", "y", "z", NULL}; *key; key++)
        assert_true(learn(w, 2, *key, 1)); /* of the third nothing is known, which ends nothing */
    assert_int_equal(stats(w).streams, 2);
    assert_int_equal(stats(w).taught, 2);
    assert_int_equal(stats(w).untaught, 1);
    assert_int_equal(es_placement_free(w->p, es_span("transcribe"), w->now), 1);
    assert_forward(start(w, "a", 1), 1);
    assert_wait(start(w, "b", 1), 1); /* for a worker */
    assert_int_equal(stats(w).waits_full, 0);
    assert_forward(frame(w, "x", 1), 2); /* ours from now on */
    assert_int_equal(stats(w).taught, 1);
    assert_wait(start(w, "b", 1), 1);
    assert_int_equal(stats(w).waits_full, 1);
    es_placement_worker_lost(w->p, 2, NULL, NULL);
    assert_int_equal(stats(w).streams, 1);
    assert_int_equal(stats(w).taught, 0);
}

/* ---- waiting ---- */

static void test_fifo_nobody_overtakes(void **state)
{
    world_t *w = *state;
    up(w, 1, 1);
    assert_forward(start(w, "a", 1), 1);
    assert_wait(start(w, "b", 1), 1);
    assert_wait(start(w, "c", 1), 2);
    assert_drop(frame(w, "b", 1), ES_ROUTE_WAITING);
    assert_int_equal(stats(w).waits_full, 0); /* of the workers no place was free */
    close_stream(w, "a", 1);
    assert_wait(start(w, "d", 1), 3); /* a place is free, and b's */
    assert_wait(start(w, "c", 1), 2);
    assert_forward(start(w, "b", 1), 1);
    assert_wait(start(w, "c", 1), 1);
    up(w, 1, 3);
    assert_forward(start(w, "d", 1), 1); /* two places, one ahead of it */
    assert_forward(start(w, "c", 1), 1);
    assert_int_equal(stats(w).waiting, 0);
}

static void test_lanes(void **state)
{
    world_t *w = *state;
    es_msg_t batch = frame_of(1, ES_F_START), going = frame_of(4, ES_F_START);
    ES_SET(&batch, ES_M_PRIORITY, priority, 1);
    going.base = 17;
    assert_wait(send(w, "f", batch), 1);
    assert_wait(start(w, "l", 1), 1);
    assert_wait(send(w, "g", going), 1);
    assert_wait(send(w, "f", batch), 3);
    assert_wait(start(w, "l", 1), 2);
    up(w, 1, 1);
    assert_wait(send(w, "f", batch), 3);
    assert_wait(start(w, "l", 1), 2);
    assert_forward(send(w, "g", going), 1);
    up(w, 1, 2);
    assert_wait(send(w, "f", batch), 2);
    assert_forward(start(w, "l", 1), 1);
    up(w, 1, 3);
    assert_forward(send(w, "f", batch), 1);
}

static void assert_calls(es_route_t route, const char *key, uint64_t epoch)
{
    assert_int_equal(route.verdict, ES_ROUTE_FORWARD);
    assert_true(es_span_eq(route.calls, es_span(key)));
    if (*key) assert_int_equal(route.calls_epoch, epoch);
}

/* Whose place it is hears of it, and need not wait until it would ask again. */
static void test_who_leaves_calls_the_next(void **state)
{
    world_t *w = *state;
    es_msg_t batch = frame_of(3, ES_F_START);
    ES_SET(&batch, ES_M_PRIORITY, priority, 1);
    up(w, 1, 2);
    start(w, "a", 1);
    start(w, "b", 1);
    assert_wait(send(w, "f", batch), 1);
    assert_wait(start(w, "c", 2), 1);
    assert_calls(close_stream(w, "a", 1), "c", 2);
    assert_forward(start(w, "c", 2), 1);
    assert_calls(close_stream(w, "b", 1), "f", 3); /* the first job takes any place */
    assert_forward(send(w, "f", batch), 1);
    assert_calls(close_stream(w, "c", 2), "", 0); /* nobody waits */
    assert_wait(send(w, "g", batch), 1);          /* a place is free, and reserved */
    start(w, "d", 1);
    assert_calls(close_stream(w, "d", 1), "", 0);
}

static void test_waiting_expires(void **state)
{
    world_t *w = *state;
    assert_wait(start(w, "a", 1), 1);
    assert_wait(start(w, "b", 1), 2);
    uint64_t next = es_placement_tick(w->p, w->now);
    assert_true(next > w->now && next < w->now + SECOND);
    w->now += 2 * SECOND;
    assert_wait(start(w, "b", 2), 2); /* b asks, a has died */
    assert_drop(start(w, "b", 1), ES_ROUTE_STALE);
    w->now += 1 * SECOND + 1;
    es_placement_tick(w->p, w->now);
    assert_int_equal(stats(w).waiting, 1);
    assert_int_equal(stats(w).wait_expired, 1);
    assert_wait(start(w, "b", 2), 1);
    assert_int_equal(frame(w, "a", 1).verdict, ES_ROUTE_REWIND);
}

static void test_close_leaves_the_queue(void **state)
{
    world_t *w = *state;
    assert_wait(start(w, "a", 2), 1);
    assert_drop(close_stream(w, "a", 1), ES_ROUTE_UNKNOWN);
    assert_int_equal(stats(w).waiting, 1);
    assert_drop(close_stream(w, "a", 2), ES_ROUTE_UNKNOWN);
    assert_int_equal(stats(w).waiting, 0);
    assert_int_equal(stats(w).services, 0);
}

static void test_full_queue(void **state)
{
    world_t *w = *state;
    w->config.max_waiting = 2;
    restart(w);
    w->now += 5 * SECOND;
    assert_wait(start(w, "a", 1), 1);
    assert_wait(start(w, "b", 1), 2);
    assert_wait(start(w, "c", 1), 3);
    assert_wait(start(w, "d", 1), 3); /* told a place behind the end, not kept */
    assert_int_equal(stats(w).waiting, 2);
    assert_int_equal(stats(w).wait_refused, 2);
    close_stream(w, "a", 1);
    assert_wait(start(w, "d", 1), 2);
}

/* Ten thousand streams come and go: nothing is left, and many waited. */
static void test_nothing_is_left(void **state)
{
    world_t *w = *state;
    up(w, 1, 64);
    char key[17];
    for (int i = 0; i < 10000; i++, w->now += MS) {
        snprintf(key, sizeof key, "%016x", i);
        start(w, key, 1);
        if (i >= 100) {
            snprintf(key, sizeof key, "%016x", i - 100);
            close_stream(w, key, 1);
        }
        if (i % 100 == 0) es_placement_tick(w->p, w->now);
    }
    for (int i = 9900; i < 10000; i++) {
        snprintf(key, sizeof key, "%016x", i);
        close_stream(w, key, 1);
    }
    assert_int_equal(stats(w).streams, 0);
    assert_int_equal(stats(w).waiting, 0);
    assert_true(stats(w).waits > 0);
    assert_int_equal(stats(w).placed, stats(w).closed);
    assert_int_equal(es_placement_tick(w->p, w->now), UINT64_MAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_settle_then_place),
                                       TEST(test_learn_then_rewind),
                                       TEST(test_hello_teaches),
                                       TEST(test_hello_never_displaces),
                                       TEST(test_hello_ends_waiting),
                                       TEST(test_what_a_worker_lists_no_more_is_over),
                                       TEST(test_who_waits_has_workers_asked),
                                       TEST(test_a_newer_epoch_displaces_what_was_only_learned),
                                       TEST(test_a_service_takes_nothing_of_another),
                                       TEST(test_stream_limit),
                                       TEST(test_what_is_learnt_takes_no_place_of_others),
                                       TEST(test_fifo_nobody_overtakes),
                                       TEST(test_lanes),
                                       TEST(test_who_leaves_calls_the_next),
                                       TEST(test_waiting_expires),
                                       TEST(test_close_leaves_the_queue),
                                       TEST(test_full_queue),
                                       TEST(test_nothing_is_left)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
