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
    uint64_t now = es_now_us();
    assert_true(now >= w->wish_us && now < w->wish_us + 1000000);
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

/* --- the adaptive tick, with a sender in a thread of its own --- */

typedef struct {
    void *push;
    unsigned n;
    uint64_t gap_us;
} sender_t;

/* A steady rate: the gap is waited out by looking at the clock, since a sleep of 100 us would take 160. */
static void *steady(void *args)
{
    sender_t *s = args;
    uint64_t next = es_now_us();
    for (unsigned i = 0; i < s->n; i++, next += s->gap_us) {
        while (es_now_us() < next) {
        }
        zmq_send(s->push, "m", 1, 0);
    }
    return NULL;
}

static bool take_and_count(void *ctx, uint64_t now_us)
{
    world_t *w = ctx;
    unsigned before = w->got;
    bool more = take(ctx, now_us);
    es_loop_count(w->loop, w->got - before);
    return more;
}

static unsigned calls_at(world_t *w, unsigned n, uint64_t gap_us, uint64_t tick_us)
{
    pthread_t thread;
    sender_t sender = {.push = w->push, .n = n, .gap_us = gap_us};
    w->stop_at = n;
    es_loop_set_tick(w->loop, tick_us);
    es_loop_add_socket(w->loop, w->pull, take_and_count, w);
    pthread_create(&thread, NULL, steady, &sender);
    run(w);
    pthread_join(thread, NULL);
    return w->calls;
}

static void gathers_under_load(void **state)
{
    unsigned calls = calls_at(*state, 10000, 50, 1000);
    assert_true(calls < 5000); /* 20 in each tick, were both threads alone on the machine */
}

static void reacts_at_once_at_low_rates(void **state)
{
    unsigned calls = calls_at(*state, 100, 3000, 1000);
    assert_true(calls >= 95); /* one wake-up a message; a stalled sender may send two at once */
}

typedef struct {
    void *echo, *reply;
    unsigned n;
    uint64_t took_us;
} client_t;

/* A lone client that waits for each answer. */
static void *ask(void *args)
{
    client_t *c = args;
    char byte;
    uint64_t began = es_now_us();
    for (unsigned i = 0; i < c->n; i++) {
        zmq_send(c->echo, "m", 1, 0);
        zmq_recv(c->reply, &byte, 1, 0);
    }
    c->took_us = es_now_us() - began;
    return NULL;
}

typedef struct {
    world_t *w;
    void *answer;
} answer_t;

static bool answer_each(void *ctx, uint64_t now_us)
{
    answer_t *a = ctx;
    unsigned before = a->w->got;
    bool more = take_and_count(a->w, now_us);
    for (unsigned i = before; i < a->w->got; i++) zmq_send(a->answer, "m", 1, ZMQ_DONTWAIT);
    return more;
}

static void a_lone_client_is_not_slowed_down(void **state)
{
    world_t *w = *state;
    pthread_t thread;
    void *answer = zmq_socket(zsys_init(), ZMQ_PUSH), *reply = zmq_socket(zsys_init(), ZMQ_PULL);
    zmq_bind(reply, "inproc://loop-reply");
    zmq_connect(answer, "inproc://loop-reply");
    client_t client = {.echo = w->push, .reply = reply, .n = 2000};
    answer_t a = {.w = w, .answer = answer};
    w->stop_at = client.n;
    es_loop_set_tick(w->loop, 1000);
    es_loop_add_socket(w->loop, w->pull, answer_each, &a);
    pthread_create(&thread, NULL, ask, &client);
    run(w);
    pthread_join(thread, NULL);
    assert_true(client.took_us < 2000u * 500); /* a tick for each would be two seconds */
    zmq_close(answer);
    zmq_close(reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(drains_greedily, setup, teardown),
        cmocka_unit_test_setup_teardown(a_handler_that_sends_to_itself_does_not_stall, setup, teardown),
        cmocka_unit_test_setup_teardown(waits_as_long_as_ticks_wish, setup, teardown),
        cmocka_unit_test_setup_teardown(descriptors_come_and_go, setup, teardown),
        cmocka_unit_test_setup_teardown(sockets_do_not_starve_descriptors, setup, teardown),
        cmocka_unit_test_setup_teardown(gathers_under_load, setup, teardown),
        cmocka_unit_test_setup_teardown(reacts_at_once_at_low_rates, setup, teardown),
        cmocka_unit_test_setup_teardown(a_lone_client_is_not_slowed_down, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
