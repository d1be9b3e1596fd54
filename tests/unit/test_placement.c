#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "placement_world.h"

/* ---- placing ---- */

static void test_only_start_places(void **state)
{
    world_t *w = *state;
    up(w, 1, 4);
    es_route_t route = frame(w, "a", 3);
    assert_int_equal(route.verdict, ES_ROUTE_REWIND);
    assert_int_equal(route.epoch, 3);
    assert_drop(close_stream(w, "a", 3), ES_ROUTE_UNKNOWN);
    assert_int_equal(stats(w).streams, 0);
    route = start(w, "a", 4);
    assert_forward(route, 1);
    assert_true(route.placed);
    route = frame(w, "a", 4);
    assert_forward(route, 1);
    assert_false(route.placed);
    assert_int_equal(stats(w).streams, 1);
    assert_int_equal(stats(w).placed, 1);
}

static void test_rewind_is_limited(void **state)
{
    world_t *w = *state;
    assert_int_equal(frame(w, "a", 1).verdict, ES_ROUTE_REWIND);
    assert_drop(frame(w, "a", 1), ES_ROUTE_LIMITED);
    assert_int_equal(frame(w, "b", 1).verdict, ES_ROUTE_REWIND);
    w->now += 100 * MS;
    assert_int_equal(frame(w, "a", 1).verdict, ES_ROUTE_REWIND);
    assert_int_equal(stats(w).rewinds, 3);
    assert_int_equal(stats(w).drops[ES_ROUTE_LIMITED], 1);
}

static void test_least_loaded(void **state)
{
    world_t *w = *state;
    up(w, 1, 2);
    up(w, 2, 4);
    uint64_t seen[3] = {0};
    char key[2] = "a";
    for (int i = 0; i < 6; i++, key[0]++) seen[start(w, key, 1).worker]++;
    assert_int_equal(seen[1], 2);
    assert_int_equal(seen[2], 4);
    assert_wait(start(w, "z", 1), 1);
    assert_int_equal(es_placement_worker_streams(w->p, 2), 4);
    assert_int_equal(es_placement_worker_streams(w->p, 9), 0);
}

static void test_larger_share_free_wins(void **state)
{
    world_t *w = *state;
    up(w, 1, 2);
    up(w, 2, 8);
    assert_forward(start(w, "a", 1), 2); /* equal shares: the one with more places */
    assert_forward(start(w, "b", 1), 1); /* 0/2 against 1/8 */
    assert_forward(start(w, "c", 1), 2);
}

static void test_services_apart(void **state)
{
    world_t *w = *state;
    up(w, 1, 4);
    es_placement_worker_up(w->p, 2, es_span("shout"), 4);
    es_msg_t msg = frame_of(1, ES_F_START);
    msg.service = es_span("shout");
    assert_forward(send(w, "a", msg), 2);
    assert_forward(start(w, "b", 1), 1);
    assert_int_equal(es_placement_free(w->p, es_span("shout"), w->now), 3);
    assert_int_equal(es_placement_free(w->p, es_span("sing"), w->now), 0);
    assert_int_equal(es_placement_free(w->p, es_span(NULL), w->now), 6);
    /* The key's next stream wants the other service: it moves, and the old worker is told. */
    msg.epoch = 2;
    es_route_t route = send(w, "b", msg);
    assert_forward(route, 2);
    assert_int_equal(route.displaced, 1);
    assert_true(route.placed);
    /* And one that nobody offers: it waits for it. */
    msg.epoch = 3;
    msg.service = es_span("sing");
    route = send(w, "b", msg);
    assert_wait(route, 1);
    assert_int_equal(route.displaced, 2);
    /* A waiting one changes its mind. */
    msg.epoch = 4;
    msg.service = es_span("shout");
    assert_forward(send(w, "b", msg), 2);
    assert_int_equal(stats(w).waiting, 0);
    assert_int_equal(stats(w).services, 2);
}

static void test_bad_starts(void **state)
{
    world_t *w = *state;
    up(w, 1, 4);
    es_msg_t msg = frame_of(0, ES_F_START);
    assert_drop(send(w, "a", msg), ES_ROUTE_BAD_START);
    msg = frame_of(1, ES_F_START);
    msg.service = es_span("");
    assert_drop(send(w, "a", msg), ES_ROUTE_BAD_START);
    assert_drop(send(w, "a", (es_msg_t){.kind = ES_PROBE}), ES_ROUTE_UNKNOWN);
}

static void test_service_limit(void **state)
{
    world_t *w = *state;
    w->config.max_services = 2;
    restart(w);
    w->now += 5 * SECOND;
    es_msg_t msg = frame_of(1, ES_F_START);
    msg.service = es_span("one");
    assert_wait(send(w, "a", msg), 1);
    msg.service = es_span("two");
    assert_wait(send(w, "b", msg), 1);
    msg.service = es_span("three");
    assert_drop(send(w, "c", msg), ES_ROUTE_NO_SERVICE);
    w->now += 4 * SECOND; /* nobody waits any more: the services are gone */
    es_placement_tick(w->p, w->now);
    assert_int_equal(stats(w).services, 0);
    assert_wait(send(w, "c", msg), 1);
}

/* What is only waited for, whoever asks for it, keeps no worker out; nor do services that are served keep a stream from waiting for another. */
static void test_what_is_waited_for_keeps_no_worker_out(void **state)
{
    world_t *w = *state;
    w->config.max_services = 2;
    restart(w);
    w->now += 5 * SECOND;
    es_msg_t msg = frame_of(1, ES_F_START);
    msg.service = es_span("one");
    assert_wait(send(w, "a", msg), 1);
    msg.service = es_span("two");
    assert_wait(send(w, "b", msg), 1);
    up(w, 1, 1);
    assert_forward(start(w, "c", 1), 1);
    assert_int_equal(es_placement_worker_up(w->p, 2, es_span("two"), 1), 0);
    assert_forward(send(w, "b", msg), 2);
    assert_int_equal(es_placement_worker_up(w->p, 3, es_span("one"), 1), -1);
    assert_int_equal(es_placement_worker_up(w->p, 3, es_span("four"), 1), -1);
    msg.service = es_span("three");
    assert_wait(send(w, "d", msg), 1);
    es_placement_worker_lost(w->p, 2, NULL, NULL);
    assert_int_equal(es_placement_worker_up(w->p, 1, es_span("one"), 1), 0); /* it changes its mind */
    assert_int_equal(es_placement_worker_up(w->p, 3, es_span("four"), 1), 0);
    assert_int_equal(es_placement_worker_up(w->p, 4, es_span("transcribe"), 1), -1);
}

static void test_every_reason_has_a_word(void **state)
{
    (void)state;
    for (int i = 0; i < ES_ROUTE_REASONS; i++) assert_true(strlen(es_route_reason((es_route_reason_t)i)) > 1);
}

/* ---- sticky ---- */

static void test_sticky_through_epochs(void **state)
{
    world_t *w = *state;
    up(w, 1, 4);
    assert_forward(start(w, "a", 1), 1);
    up(w, 2, 100); /* emptier, and yet */
    assert_forward(start(w, "a", 1), 1);
    assert_forward(start(w, "a", 2), 1);
    assert_forward(frame(w, "a", 3), 1); /* its START was lost: the receiver will say so */
    assert_drop(frame(w, "a", 2), ES_ROUTE_STALE);
    assert_drop(start(w, "a", 2), ES_ROUTE_STALE);
    assert_drop(close_stream(w, "a", 2), ES_ROUTE_STALE);
    assert_forward(close_stream(w, "a", 3), 1);
    assert_int_equal(stats(w).streams, 0);
    assert_forward(start(w, "a", 4), 2);
}

static void test_idle_out(void **state)
{
    world_t *w = *state;
    up(w, 1, 4);
    uint64_t born = w->now;
    start(w, "a", 1);
    start(w, "b", 1);
    assert_int_equal(es_placement_tick(w->p, w->now), born + w->config.stream_idle_us);
    w->now += w->config.stream_idle_us - 1;
    frame(w, "b", 1);
    es_placement_tick(w->p, w->now);
    assert_int_equal(stats(w).streams, 2);
    w->now += 1;
    uint64_t next = es_placement_tick(w->p, w->now);
    assert_int_equal(stats(w).streams, 1);
    assert_int_equal(stats(w).idled, 1);
    assert_int_equal(next, w->now - 1 + w->config.stream_idle_us);
    assert_forward(frame(w, "b", 1), 1);
    assert_int_equal(frame(w, "a", 1).verdict, ES_ROUTE_REWIND);
    w->now = next;
    es_placement_tick(w->p, w->now); /* b spoke a microsecond later than its entry says: it goes to the end once more */
    w->now += 1;
    assert_int_equal(es_placement_tick(w->p, w->now), UINT64_MAX);
    assert_int_equal(stats(w).streams, 0);
}

/* ---- losses and drains ---- */

typedef struct {
    size_t n;
    uint64_t epochs[26];
} losses_t;

static void on_lost(void *ctx, es_span_t key, uint64_t epoch)
{
    losses_t *losses = ctx;
    assert_int_equal(key.len, 1);
    losses->n++;
    losses->epochs[key.ptr[0] - 'a'] = epoch;
}

static void test_worker_lost(void **state)
{
    world_t *w = *state;
    up(w, 1, 4);
    start(w, "a", 1);
    start(w, "a", 2);
    frame(w, "a", 2);
    start(w, "b", 7);
    up(w, 2, 4);
    assert_forward(start(w, "c", 1), 2);
    losses_t losses = {0};
    assert_int_equal(es_placement_worker_lost(w->p, 1, on_lost, &losses), 2);
    assert_int_equal(losses.n, 2);
    assert_int_equal(losses.epochs[0], 2);
    assert_int_equal(losses.epochs[1], 7);
    assert_int_equal(es_placement_worker_lost(w->p, 1, on_lost, &losses), 0);
    assert_int_equal(frame(w, "a", 2).verdict, ES_ROUTE_REWIND);
    assert_forward(start(w, "a", 3), 2);
    assert_forward(frame(w, "c", 1), 2);
    assert_int_equal(stats(w).lost, 2);
    assert_int_equal(es_placement_worker_lost(w->p, 2, NULL, NULL), 2);
    assert_int_equal(stats(w).workers, 0);
    assert_int_equal(stats(w).services, 0);
}

static void test_drain(void **state)
{
    world_t *w = *state;
    up(w, 1, 4);
    assert_forward(start(w, "a", 1), 1);
    up(w, 1, 0);
    assert_forward(frame(w, "a", 1), 1); /* keeps what it has */
    assert_wait(start(w, "b", 1), 1);    /* gets nothing new */
    assert_forward(start(w, "a", 2), 1); /* a new epoch stays where nobody else has room */
    up(w, 2, 4);
    assert_forward(start(w, "a", 2), 1); /* the same START again does not move it */
    es_route_t route = start(w, "a", 3);
    assert_forward(route, 2);
    assert_int_equal(route.displaced, 1);
    assert_int_equal(stats(w).moved, 1);
    assert_int_equal(es_placement_worker_streams(w->p, 1), 0);
    assert_forward(frame(w, "a", 3), 2);
    up(w, 1, 4); /* it changed its mind */
    assert_int_equal(es_placement_free(w->p, es_span("transcribe"), w->now), 7);
}

static void test_worker_changes_service(void **state)
{
    world_t *w = *state;
    up(w, 1, 1);
    assert_forward(start(w, "a", 1), 1);
    es_placement_worker_up(w->p, 1, es_span("shout"), 2);
    assert_forward(frame(w, "a", 1), 1);
    assert_int_equal(stats(w).services, 1);
    assert_int_equal(es_placement_free(w->p, es_span("shout"), w->now), 1);
}

static void test_worker_limit(void **state)
{
    world_t *w = *state;
    w->config.max_workers = 1;
    restart(w);
    up(w, 1, 1);
    assert_int_equal(es_placement_worker_up(w->p, 2, es_span("transcribe"), 1), -1);
    assert_int_equal(es_placement_worker_up(w->p, 1, es_span(""), 1), -1);
    assert_int_equal(es_placement_worker_up(w->p, 1, es_span("transcribe"), 2), 0);
}

static void test_foreign_load(void **state)
{
    world_t *w = *state;
    up(w, 1, 3);
    es_placement_worker_load(w->p, 1, 2); /* another broker placed two */
    assert_forward(start(w, "a", 1), 1);
    assert_int_equal(es_placement_worker_streams(w->p, 1), 1);
    assert_int_equal(es_placement_worker_open(w->p, 1), 3);
    assert_wait(start(w, "b", 1), 1);
    es_placement_worker_load(w->p, 1, 1); /* they are gone: the one is ours */
    assert_forward(start(w, "b", 1), 1);
    es_placement_worker_load(w->p, 1, UINT64_MAX);
    assert_true(es_placement_worker_open(w->p, 1) == UINT64_MAX);
    assert_int_equal(es_placement_worker_open(w->p, 99), 0);
    assert_int_equal(es_placement_free(w->p, es_span("transcribe"), w->now), 0);
    es_placement_worker_load(w->p, 99, 1);
}

static es_route_t start_of_suspect(world_t *w, const char *key, uint64_t epoch)
{
    es_msg_t msg = frame_of(epoch, ES_F_START);
    ES_SET(&msg, ES_M_DEATHS, deaths, 1);
    ES_SET(&msg, ES_M_SHARED, shared, 2);
    return es_placement_route(w->p, es_span(key), &msg, w->now);
}

static size_t suspect_of(world_t *w, uint64_t inc)
{
    char key[ES_KEY_MAX];
    return es_placement_worker_suspect(w->p, inc, key);
}

static void test_suspects_are_kept_apart(void **state)
{
    world_t *w = *state;
    up(w, 1, 4);
    assert_forward(start(w, "a", 1), 1);
    assert_forward(start_of_suspect(w, "s", 4), 1);
    assert_wait(start_of_suspect(w, "t", 4), 1);
    up(w, 2, 1);
    assert_forward(start_of_suspect(w, "t", 4), 2);
    assert_int_equal(es_placement_worker_lost(w->p, 2, NULL, NULL), 1);
    assert_wait(start_of_suspect(w, "t", 5), 1);
    w->now += w->config.clear_us; /* its worker lives on */
    assert_forward(start_of_suspect(w, "t", 5), 1);
    es_placement_stats_t stats;
    es_placement_stats(w->p, &stats);
    assert_int_equal(stats.suspected, 3);
}

static void test_a_suspect_is_to_blame(void **state)
{
    world_t *w = *state;
    char key[ES_KEY_MAX];
    up(w, 1, 4);
    assert_forward(start(w, "a", 1), 1);
    assert_int_equal(suspect_of(w, 1), 0);
    assert_forward(start_of_suspect(w, "s", 4), 1);
    assert_int_equal(es_placement_worker_suspect(w->p, 1, key), 1);
    assert_int_equal(key[0], 's');
    es_placement_worker_load(w->p, 1, 3); /* it may be another broker's stream */
    assert_int_equal(suspect_of(w, 1), 0);
    es_placement_worker_load(w->p, 1, 2);
    es_msg_t frame = frame_of(4, 0);
    frame.seq = 6;
    ES_SET(&frame, ES_M_COMMITTED, committed, 5);
    assert_forward(es_placement_route(w->p, es_span("s"), &frame, w->now), 1);
    assert_int_equal(suspect_of(w, 1), 0); /* it has words */
    assert_int_equal(suspect_of(w, 99), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_only_start_places),
                                       TEST(test_rewind_is_limited),
                                       TEST(test_least_loaded),
                                       TEST(test_larger_share_free_wins),
                                       TEST(test_services_apart),
                                       TEST(test_bad_starts),
                                       TEST(test_service_limit),
                                       TEST(test_what_is_waited_for_keeps_no_worker_out),
                                       TEST(test_every_reason_has_a_word),
                                       TEST(test_sticky_through_epochs),
                                       TEST(test_idle_out),
                                       TEST(test_worker_lost),
                                       TEST(test_drain),
                                       TEST(test_worker_changes_service),
                                       TEST(test_worker_limit),
                                       TEST(test_foreign_load),
                                       TEST(test_suspects_are_kept_apart),
                                       TEST(test_a_suspect_is_to_blame)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
