#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "loop.h"
#include "wire.h"

enum { DEADLINE_US = 5000000 };

typedef struct {
    es_loop_t *loop;
    void *push, *pull;
    unsigned got, stop_at, calls, ticks;
    unsigned per_call; /* messages taken in one call */
    int pipe[2];
    uint64_t began_us, wish_us;
    bool late;
} world_t;

/* Ends a test that would run for ever. */
static uint64_t deadline(void *ctx, uint64_t now_us)
{
    world_t *w = ctx;
    w->ticks++;
    if (now_us > w->began_us + DEADLINE_US) {
        w->late = true;
        es_loop_stop(w->loop);
    }
    return w->began_us + DEADLINE_US;
}

static int setup(void **state)
{
    static unsigned n;
    char name[32];
    world_t *w = zmalloc(sizeof *w);
    snprintf(name, sizeof name, "inproc://loop-%u", n++);
    w->pull = zmq_socket(zsys_init(), ZMQ_PULL);
    w->push = zmq_socket(zsys_init(), ZMQ_PUSH);
    es_wire_options(w->pull, 30000);
    es_wire_options(w->push, 30000);
    zmq_bind(w->pull, name);
    zmq_connect(w->push, name);
    assert_int_equal(pipe(w->pipe), 0);
    w->per_call = ES_LOOP_BATCH;
    w->began_us = es_now_us();
    w->loop = es_loop_new();
    es_loop_add_tick(w->loop, deadline, w);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    world_t *w = *state;
    es_loop_destroy(&w->loop);
    assert_null(w->loop);
    es_loop_destroy(&w->loop);
    zmq_close(w->push);
    zmq_close(w->pull);
    close(w->pipe[0]);
    if (w->pipe[1] >= 0) close(w->pipe[1]);
    free(w);
    return 0;
}

static void run(world_t *w)
{
    assert_int_equal(es_loop_run(w->loop), 0);
    assert_false(w->late);
}

static void send_some(world_t *w, unsigned n)
{
    while (n-- > 0) assert_int_equal(zmq_send(w->push, "m", 1, ZMQ_DONTWAIT), 1);
}

static bool take(void *ctx, uint64_t now_us)
{
    world_t *w = ctx;
    char byte;
    unsigned n = 0;
    (void)now_us;
    w->calls++;
    while (n < w->per_call && zmq_recv(w->pull, &byte, 1, ZMQ_DONTWAIT) == 1) n++;
    w->got += n;
    if (w->got >= w->stop_at) es_loop_stop(w->loop);
    return n == w->per_call;
}

static void drains_greedily(void **state)
{
    world_t *w = *state;
    w->stop_at = 600;
    send_some(w, 600);
    es_loop_add_socket(w->loop, w->pull, take, w);
    run(w);
    assert_int_equal(w->got, 600);
    assert_int_equal(w->calls, 3); /* 256, 256, 88 */
}

/* The edge of ZMQ_FD is swallowed by sends and receives; messages that came meanwhile must be seen all the same. */
static bool take_and_send(void *ctx, uint64_t now_us)
{
    world_t *w = ctx;
    bool more = take(ctx, now_us);
    if (w->got < w->stop_at) send_some(w, 1);
    return more;
}

static void a_handler_that_sends_to_itself_does_not_stall(void **state)
{
    world_t *w = *state;
    w->stop_at = 20000;
    w->per_call = 1;
    send_some(w, 1);
    es_loop_add_socket(w->loop, w->pull, take_and_send, w);
    run(w);
}

/* So may a flush: here it swallows the edge of a message that came while it ran. */
static void swallow(void *ctx)
{
    world_t *w = ctx;
    int events = 0;
    size_t size = sizeof events;
    if (w->calls || w->got) return;
    w->calls = 1;
    send_some(w, 1);
    zmq_getsockopt(w->pull, ZMQ_EVENTS, &events, &size);
    assert_true(events & ZMQ_POLLIN);
}

static void a_flush_may_use_a_watched_socket(void **state)
{
    world_t *w = *state;
    w->stop_at = 1;
    es_loop_add_socket(w->loop, w->pull, take, w);
    es_loop_add_flush(w->loop, swallow, w);
    run(w);
    assert_int_equal(w->got, 1);
}

static uint64_t wish(void *ctx, uint64_t now_us)
{
    world_t *w = ctx;
    if (w->wish_us == 0) w->wish_us = now_us + 30000;
    if (now_us >= w->wish_us) es_loop_stop(w->loop);
    return w->wish_us;
}

static void waits_as_long_as_ticks_wish(void **state)
{
    world_t *w = *state;
    es_loop_add_tick(w->loop, wish, w);
    run(w);
    assert_true(es_now_us() >= w->wish_us);
    assert_true(w->ticks < 10); /* asleep in between */
}

static void on_fd(void *ctx, short revents, uint64_t now_us)
{
    world_t *w = ctx;
    char byte;
    (void)now_us;
    w->calls++;
    if (revents & POLLOUT) {
        assert_int_equal(write(w->pipe[1], "x", 1), 1);
        es_loop_remove_fd(w->loop, w->pipe[1]);
        return;
    }
    if (read(w->pipe[0], &byte, 1) == 1) {
        close(w->pipe[1]);
        w->pipe[1] = -1;
    } else {
        es_loop_remove_fd(w->loop, w->pipe[0]);
        es_loop_stop(w->loop);
    }
}

static void descriptors_come_and_go(void **state)
{
    world_t *w = *state;
    es_loop_add_fd(w->loop, w->pipe[1], POLLIN, on_fd, w);
    es_loop_add_fd(w->loop, w->pipe[0], POLLIN, on_fd, w);
    es_loop_add_fd(w->loop, w->pipe[1], POLLOUT, on_fd, w); /* changes its events */
    run(w);
    assert_int_equal(w->calls, 3); /* writable, readable, closed */
    es_loop_add_fd(w->loop, w->pipe[0], POLLIN, on_fd, w);
    run(w);
    assert_int_equal(w->calls, 4);
}

static void on_busy_fd(void *ctx, short revents, uint64_t now_us)
{
    world_t *w = ctx;
    (void)revents;
    (void)now_us;
    es_loop_stop(w->loop);
}

static void sockets_do_not_starve_descriptors(void **state)
{
    world_t *w = *state;
    w->stop_at = UINT32_MAX;
    w->per_call = 1;
    send_some(w, 1);
    assert_int_equal(write(w->pipe[1], "x", 1), 1);
    es_loop_add_socket(w->loop, w->pull, take_and_send, w);
    es_loop_add_fd(w->loop, w->pipe[0], POLLIN, on_busy_fd, w);
    run(w);
    assert_true(w->calls < 10);
}

/* --- the adaptive tick; when it sleeps is tested in test_gather.c --- */

static bool take_and_count(void *ctx, uint64_t now_us)
{
    world_t *w = ctx;
    unsigned before = w->got;
    bool more = take_and_send(ctx, now_us);
    es_loop_count(w->loop, w->got - before);
    return more;
}

/* Messages come in quick succession, so that the loop gathers; none is forgotten while it sleeps. */
static void gathering_loses_nothing(void **state)
{
    world_t *w = *state;
    w->stop_at = 2000;
    w->per_call = 1;
    send_some(w, 1);
    es_loop_set_tick(w->loop, 1000);
    es_loop_add_socket(w->loop, w->pull, take_and_count, w);
    run(w);
    assert_int_equal(w->got, 2000);
}

/* A descriptor ends the sleep of a loop that gathers. */
static void on_gathering_fd(void *ctx, short revents, uint64_t now_us)
{
    world_t *w = ctx;
    char byte;
    (void)revents;
    (void)now_us;
    if (read(w->pipe[0], &byte, 1) == 1) es_loop_stop(w->loop);
}

static bool take_and_write(void *ctx, uint64_t now_us)
{
    world_t *w = ctx;
    bool more = take_and_count(ctx, now_us);
    if (w->got == 100) assert_int_equal(write(w->pipe[1], "x", 1), 1);
    return more;
}

static void gathering_serves_descriptors(void **state)
{
    world_t *w = *state;
    w->stop_at = UINT32_MAX;
    w->per_call = 1;
    send_some(w, 1);
    es_loop_set_tick(w->loop, 1000);
    es_loop_add_socket(w->loop, w->pull, take_and_write, w);
    es_loop_add_fd(w->loop, w->pipe[0], POLLIN, on_gathering_fd, w);
    run(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(drains_greedily, setup, teardown),
        cmocka_unit_test_setup_teardown(a_handler_that_sends_to_itself_does_not_stall, setup, teardown),
        cmocka_unit_test_setup_teardown(a_flush_may_use_a_watched_socket, setup, teardown),
        cmocka_unit_test_setup_teardown(waits_as_long_as_ticks_wish, setup, teardown),
        cmocka_unit_test_setup_teardown(descriptors_come_and_go, setup, teardown),
        cmocka_unit_test_setup_teardown(sockets_do_not_starve_descriptors, setup, teardown),
        cmocka_unit_test_setup_teardown(gathering_loses_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(gathering_serves_descriptors, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
