/* Live first: what file jobs leave free, and who is asked to give a place back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "placement_world.h"

static es_msg_t batch_of(uint64_t epoch, uint64_t flags)
{
    es_msg_t msg = frame_of(epoch, flags);
    ES_SET(&msg, ES_M_PRIORITY, priority, 1);
    return msg;
}

static es_route_t job(world_t *w, const char *key, uint64_t epoch)
{
    return send(w, key, batch_of(epoch, ES_F_START));
}

static void assert_asked(es_route_t route, const char *key, uint64_t epoch)
{
    assert_int_equal(route.verdict, ES_ROUTE_WAIT);
    assert_true(es_span_eq(route.yields, es_span(key)));
    assert_int_equal(route.yields_epoch, epoch);
}

static void assert_nobody_asked(es_route_t route)
{
    assert_int_equal(route.verdict, ES_ROUTE_WAIT);
    assert_int_equal(route.yields.len, 0);
}

static void jobs_leave_a_place_of_each_worker(void **state)
{
    world_t *w = *state;
    up(w, 1, 3);
    assert_forward(job(w, "f1", 1), 1);
    assert_forward(job(w, "f2", 1), 1);
    assert_nobody_asked(job(w, "f3", 1));
    up(w, 2, 2);
    assert_forward(job(w, "f3", 1), 2);
    assert_wait(job(w, "f4", 1), 1);
    assert_forward(start(w, "l1", 1), 2);
    assert_forward(start(w, "l2", 1), 1);
    assert_int_equal(stats(w).batch, 3);
    assert_int_equal(stats(w).waiting_batch, 1);
    close_stream(w, "f1", 1);
    assert_wait(job(w, "f4", 1), 1); /* that is the reserve again */
    close_stream(w, "f2", 1);
    assert_forward(job(w, "f4", 1), 1);
    assert_int_equal(stats(w).batch, 2);
}

/* Workers of one place; and live streams that stay. */
static void the_first_job_takes_any_place(void **state)
{
    world_t *w = *state;
    up(w, 1, 1);
    up(w, 2, 2);
    assert_forward(start(w, "l1", 1), 2);
    assert_forward(job(w, "f1", 1), 1);
    assert_wait(job(w, "f2", 1), 1);
    close_stream(w, "f1", 1);
    assert_forward(job(w, "f2", 1), 1);
}

static void no_reserve_where_none_is_wanted(void **state)
{
    world_t *w = *state;
    w->config.live_reserve = 0;
    restart(w);
    w->now += 5 * SECOND;
    up(w, 1, 2);
    assert_forward(job(w, "f1", 1), 1);
    assert_forward(job(w, "f2", 1), 1);
    assert_asked(start(w, "l1", 1), "f1", 1);
}

static void a_live_stream_asks_the_oldest_job(void **state)
{
    world_t *w = *state;
    w->config.live_reserve = 0;
    restart(w);
    w->now += 5 * SECOND;
    up(w, 1, 3);
    job(w, "f1", 1);
    job(w, "f2", 4);
    job(w, "f3", 1);
    assert_asked(start(w, "l1", 1), "f1", 1);
    assert_asked(start(w, "l2", 1), "f2", 4);
    assert_asked(start(w, "l1", 1), "f1", 1); /* again, and the same */
    assert_int_equal(stats(w).yields, 3);
    assert_forward(close_stream(w, "f1", 1), 1);
    assert_nobody_asked(job(w, "f1", 2)); /* behind both */
    assert_int_equal(job(w, "f1", 2).place, 3);
    assert_asked(start(w, "l2", 1), "f2", 4); /* the place is free and l1's: still one is missing */
    assert_forward(start(w, "l1", 1), 1);
    assert_asked(start(w, "l2", 1), "f2", 4);
    assert_forward(close_stream(w, "f2", 4), 1);
    assert_forward(start(w, "l2", 1), 1);
    assert_int_equal(stats(w).waiting_batch, 1);
}

static void more_who_wait_than_jobs(void **state)
{
    world_t *w = *state;
    up(w, 1, 1);
    job(w, "f1", 1);
    assert_asked(start(w, "l1", 1), "f1", 1);
    assert_nobody_asked(start(w, "l2", 1));
    close_stream(w, "l1", 1); /* gives up */
    assert_asked(start(w, "l2", 1), "f1", 1);
}

static void nobody_is_asked_in_vain(void **state)
{
    world_t *w = *state;
    up(w, 1, 1);
    job(w, "f1", 1);
    assert_int_equal(es_placement_worker_up(w->p, 2, es_span("analyze"), 1), 0);
    es_msg_t other = batch_of(1, ES_F_START);
    other.service = es_span("analyze");
    assert_forward(send(w, "a1", other), 2);
    close_stream(w, "f1", 1);
    assert_forward(start(w, "l1", 1), 1);
    assert_nobody_asked(start(w, "l2", 1)); /* a1 is of another service */
    close_stream(w, "l1", 1);
    close_stream(w, "l2", 1);
    job(w, "f1", 2);
    up(w, 1, 0);
    assert_nobody_asked(start(w, "l1", 1)); /* what drains gives no place */
}

static void a_stream_may_change_sides(void **state)
{
    world_t *w = *state;
    up(w, 1, 1);
    assert_forward(start(w, "k", 1), 1);
    assert_nobody_asked(start(w, "l1", 1));
    assert_forward(job(w, "k", 2), 1); /* the key's next stream */
    assert_int_equal(stats(w).batch, 1);
    assert_asked(start(w, "l1", 1), "k", 2);
    assert_forward(send(w, "k", batch_of(2, 0)), 1); /* who it is does not hang on frames that do not say */
    assert_forward(frame(w, "k", 2), 1);
    assert_int_equal(stats(w).batch, 1);
    assert_forward(start(w, "k", 3), 1);
    assert_int_equal(stats(w).batch, 0);
    assert_nobody_asked(start(w, "l1", 1));
}

static void a_hello_teaches_who_is_batch(void **state)
{
    world_t *w = *state;
    up(w, 1, 1);
    assert_true(es_placement_learn(w->p, 1, &(es_stream_ref_t){es_span("f1"), 7, 1}, w->now));
    assert_asked(start(w, "l1", 1), "f1", 7);
    assert_int_equal(es_placement_worker_lost(w->p, 1, NULL, NULL), 1);
    assert_int_equal(stats(w).batch, 0);
}

/* Taught by a HELLO, and never heard of: it may be over, at another broker. */
static void who_says_nothing_comes_last(void **state)
{
    world_t *w = *state;
    w->config.live_reserve = 0;
    restart(w);
    w->now += 5 * SECOND;
    up(w, 1, 2);
    assert_true(es_placement_learn(w->p, 1, &(es_stream_ref_t){es_span("f1"), 7, 1}, w->now));
    job(w, "f2", 1);
    w->now += 4 * SECOND;
    send(w, "f2", batch_of(1, 0));
    assert_asked(start(w, "l1", 1), "f1", 7);
    w->now += 1 * SECOND;
    assert_asked(start(w, "l1", 1), "f2", 1);
    assert_asked(start(w, "l2", 1), "f1", 7);
}

static void suspects_wait_for_a_worker_of_their_own(void **state)
{
    world_t *w = *state;
    up(w, 1, 2);
    es_msg_t suspect = batch_of(1, ES_F_START);
    ES_SET(&suspect, ES_M_DEATHS, deaths, 3);
    assert_forward(send(w, "f1", suspect), 1);
    assert_wait(send(w, "f2", suspect), 1);
    up(w, 2, 2);
    assert_forward(send(w, "f2", suspect), 2);
}

/* A broker that has just begun knows too little to drive anybody away. */
static void nobody_is_asked_before_all_is_settled(void **state)
{
    world_t *w = *state;
    restart(w);
    up(w, 1, 2);
    assert_true(es_placement_learn(w->p, 1, &(es_stream_ref_t){es_span("f1"), 7, 1}, w->now));
    assert_nobody_asked(start(w, "l1", 1));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(jobs_leave_a_place_of_each_worker),
        TEST(the_first_job_takes_any_place),
        TEST(no_reserve_where_none_is_wanted),
        TEST(a_live_stream_asks_the_oldest_job),
        TEST(more_who_wait_than_jobs),
        TEST(nobody_is_asked_in_vain),
        TEST(a_stream_may_change_sides),
        TEST(a_hello_teaches_who_is_batch),
        TEST(who_says_nothing_comes_last),
        TEST(suspects_wait_for_a_worker_of_their_own),
        TEST(nobody_is_asked_before_all_is_settled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
