/* The broker over real sockets. What it decides is tested in test_house*.c; here it is about sockets, loss and restart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "hub.h"
#include "hub_world.h"

static int setup(void **state)
{
    return open_world(state, "300ms", NULL, NULL);
}
static int setup_patient(void **state)
{
    return open_world(state, "60s", NULL, NULL);
}
static int setup_inproc(void **state)
{
    return open_world(state, "300ms", "inproc://hub-test", NULL);
}

static void test_there_and_back(void **state)
{
    world_t *w = *state;
    es_wire_t wire;
    join_worker(w, 0x11, 4);
    send_frame(w, CLIENT, 1, ES_F_START, "audio");
    await(w, w->dealer, ES_FRAME, &wire);
    assert_true(es_span_eq(es_wire_key(&wire), es_span(CLIENT)));
    assert_true(es_span_eq(es_wire_body(&wire), es_span("audio")));
    assert_int_equal(wire.msg.epoch, 1);
    es_wire_close(&wire);
    results_come_through(w, CLIENT);
    results_come_through(w, "room/a");
}

static void test_wait_then_placed(void **state)
{
    world_t *w = *state;
    send_frame(w, CLIENT, 3, ES_F_START, "");
    assert_int_equal(await_on(w, w->sub, ES_WAIT, CLIENT), 3);
    join_worker(w, 0x12, 1);
    place_stream(w, CLIENT, 3);
    send_frame(w, OTHER, 1, ES_F_START, "");
    assert_int_equal(await_on(w, w->sub, ES_WAIT, OTHER), 1);
}

static void test_unknown_stream_is_rewound(void **state)
{
    world_t *w = *state;
    send_frame(w, CLIENT, 8, 0, "x");
    assert_int_equal(await_on(w, w->sub, ES_REWIND, CLIENT), 8);
}

static void test_silent_worker_is_lost(void **state)
{
    world_t *w = *state;
    join_worker(w, 0x13, 4);
    place_stream(w, CLIENT, 2);
    assert_int_equal(await_on(w, w->sub, ES_WORKER_LOST, CLIENT), 2);
    es_wire_t wire;
    say_heartbeat(w); /* it was only asleep */
    await(w, w->dealer, ES_WHO_ARE_YOU, &wire);
    es_wire_close(&wire);
}

/* Heartbeats are a minute apart here: only the send can tell. */
static void test_unreachable_worker_is_lost_at_once(void **state)
{
    world_t *w = *state;
    uint64_t joined = es_metric_get(&es_broker_joined_total), gone = es_metric_get(&es_broker_unreachable_total);
    w->inc = 0x14;
    w->dealer = connected(ZMQ_DEALER, w->at.backend, w->inc);
    say_hello(w, 4, NULL, 0);
    await_metric(&es_broker_joined_total, joined);
    place_stream(w, CLIENT, 5);
    close_socket(&w->dealer);
    for (uint64_t end = es_now_us() + DEADLINE_US; es_metric_get(&es_broker_unreachable_total) == gone;) {
        assert_true(es_now_us() < end);
        send_frame(w, CLIENT, 5, 0, "x");
        zmq_poll(NULL, 0, 1);
    }
    assert_int_equal(await_on(w, w->sub, ES_WORKER_LOST, CLIENT), 5);
}

/* As a worker's link does: again until it is heard, since the first may go to the broker that has ended. */
static void say_hello_until_heard(world_t *w, const es_stream_ref_t *ref)
{
    bool heard = false;
    for (uint64_t end = es_now_us() + DEADLINE_US; !heard;) {
        assert_true(es_now_us() < end);
        say_hello(w, 4, ref, 1);
        zmq_pollitem_t item = {.socket = w->dealer, .events = ZMQ_POLLIN};
        zmq_poll(&item, 1, 500);
        for (es_wire_t wire; es_wire_recv(&wire, w->dealer, false, w->decoder) == 0; es_wire_close(&wire))
            heard = heard || (wire.ok && wire.msg.kind == ES_PING);
    }
}

static void test_restart_relearns(void **state)
{
    world_t *w = *state;
    es_wire_t wire;
    join_worker(w, 0x15, 4);
    place_stream(w, CLIENT, 6);
    stop_broker(w);
    assert_int_equal(access(w->at.frontend + strlen("ipc://"), F_OK), -1);
    start_broker(w);
    es_stream_ref_t ref = {es_span(CLIENT), 6, 0};
    say_hello_until_heard(w, &ref);
    uint64_t end = es_now_us() + DEADLINE_US;
    for (bool there = false; !there;) {
        assert_true(es_now_us() < end);
        send_frame(w, CLIENT, 6, 0, "more");
        zmq_pollitem_t item = {.socket = w->dealer, .events = ZMQ_POLLIN};
        zmq_poll(&item, 1, POLL_MS);
        say_heartbeat(w);
        for (; es_wire_recv(&wire, w->dealer, false, w->decoder) == 0; es_wire_close(&wire)) {
            there = there || (wire.ok && wire.msg.kind == ES_FRAME && wire.msg.epoch == 6);
            /* The PING that was heard may have been the old broker's last. */
            if (wire.ok && wire.msg.kind == ES_WHO_ARE_YOU) say_hello(w, 4, &ref, 1);
        }
    }
    results_come_through(w, CLIENT);
}

static void test_second_broker_is_refused(void **state)
{
    world_t *w = *state;
    es_wire_t wire;
    actor_hand_t second;
    actor_hand_start(&second, es_broker_actor, &w->config);
    assert_int_equal(zsock_wait(second.actor), 1);
    actor_hand_end(&second);
    join_worker(w, 0x16, 4); /* the first is none the worse */
    await(w, w->sub, ES_BEACON, &wire);
    es_wire_close(&wire);
}

/* The worker does not read: frames for it are dropped and counted, and nobody else waits. */
static void test_full_pipe_drops(void **state)
{
    world_t *w = *state;
    uint64_t joined = es_metric_get(&es_broker_joined_total), full = es_metric_get(&es_broker_full_total);
    static char body[16001];
    memset(body, 'a', sizeof body - 1);
    w->inc = 0x17;
    w->dealer = connected(ZMQ_DEALER, w->at.backend, w->inc);
    say_hello(w, 4, NULL, 0);
    await_metric(&es_broker_joined_total, joined);
    place_stream(w, CLIENT, 1);
    for (uint64_t end = es_now_us() + DEADLINE_US; es_metric_get(&es_broker_full_total) == full;) {
        assert_true(es_now_us() < end);
        if (send_frame(w, CLIENT, 1, 0, body) != 0) zmq_poll(NULL, 0, 1);
    }
    send_frame(w, OTHER, 4, 0, "");
    for (uint64_t end = es_now_us() + DEADLINE_US; es_now_us() < end && send_frame(w, OTHER, 4, 0, "") != 0;)
        zmq_poll(NULL, 0, 1);
    assert_int_equal(await_on(w, w->sub, ES_REWIND, OTHER), 4);
}

static void test_bundled_frames_are_counted_once(void **state)
{
    world_t *w = *state;
    static es_bundle_t bundle;
    uint64_t before = es_metric_get(&es_broker_frontend_total);
    es_bundle_clear(&bundle);
    for (uint64_t seq = 2; seq < 5; seq++) {
        es_msg_t msg = {.kind = ES_FRAME, .epoch = 7, .seq = seq, .time_us = 1};
        ES_SET(&msg, ES_M_FLAGS, flags, 0);
        ES_SET(&msg, ES_M_POS, pos, 0);
        ES_SET(&msg, ES_M_COMMITTED, committed, 0);
        assert_int_equal(es_bundle_add(&bundle, es_span(CLIENT), &msg, "x", 1), ES_BUNDLE_TAKEN);
    }
    assert_int_equal(es_wire_send_bundle(w->push, NULL, es_span(ES_BUNDLE_KEY), &bundle), 0);
    assert_int_equal(await_on(w, w->sub, ES_REWIND, CLIENT), 7);
    await_metric(&es_broker_frontend_total, before);
    assert_int_equal(es_metric_get(&es_broker_frontend_total) - before, 3);
}

/* ---- malformed ---- */

static void send_parts(void *socket, const char *const *parts, int n)
{
    for (int i = 0; i < n; i++) {
        int flags = i + 1 < n ? ZMQ_SNDMORE : 0;
        assert_true(zmq_send(socket, parts[i], strlen(parts[i]), flags) >= 0);
    }
}

static const char *const junk[] = {CLIENT, "junk", "junk", "junk"};
static const char *const beacon[] = {"sys/0000000000000001", "junk", "junk"};

static void test_malformed_frontend(void **state)
{
    world_t *w = *state;
    uint64_t before = es_metric_get(&es_broker_malformed_frontend);
    for (int n = 1; n <= 4; n++) send_parts(w->push, junk, n);
    es_msg_t final = {.kind = ES_CLOSE, .epoch = 1};
    es_wire_send(w->push, NULL, es_span("room/x"), &final, NULL, 0); /* no client's key */
    final.kind = 4711;
    es_wire_send(w->push, NULL, es_span(CLIENT), &final, NULL, 0);
    await_metric(&es_broker_malformed_frontend, before + 5);
    send_frame(w, CLIENT, 8, 0, "x");
    assert_int_equal(await_on(w, w->sub, ES_REWIND, CLIENT), 8);
}

static void test_malformed_backend(void **state)
{
    world_t *w = *state;
    uint64_t before = es_metric_get(&es_broker_malformed_backend);
    join_worker(w, 0x18, 4);
    for (int n = 1; n <= 4; n++) send_parts(w->dealer, junk, n);
    es_msg_t msg = {.kind = ES_GOODBYE};
    ES_SET(&msg, ES_M_INC, inc, 0x99);
    es_wire_send(w->dealer, NULL, es_span("0000000000000018"), &msg, NULL, 0); /* speaks for another */
    es_wire_send(w->dealer, NULL, es_span("0000000000000099"), &msg, NULL, 0);
    msg = (es_msg_t){.kind = ES_PROBE};
    ES_SET(&msg, ES_M_INC, inc, 0x18);
    es_wire_send(w->dealer, NULL, es_span("0000000000000018"), &msg, NULL, 0); /* not on this socket */
    void *nameless = connected(ZMQ_DEALER, w->at.backend, 0);
    es_wire_send(nameless, NULL, es_span("0000000000000018"), &msg, NULL, 0);
    await_metric(&es_broker_malformed_backend, before + 6);
    place_stream(w, CLIENT, 1);
    zmq_close(nameless);
}

static void test_malformed_results(void **state)
{
    world_t *w = *state;
    uint64_t before = es_metric_get(&es_broker_malformed_results);
    join_worker(w, 0x19, 4);
    results_come_through(w, CLIENT);
    send_parts(w->pub, junk, 1);
    send_parts(w->pub, junk, 4);
    send_parts(w->pub, beacon, 3); /* beacons are ours */
    await_metric(&es_broker_malformed_results, before + 2);
    results_come_through(w, OTHER);
}

static void test_malformed_subscription(void **state)
{
    world_t *w = *state;
    uint64_t before = es_metric_get(&es_broker_malformed_subscribe);
    void *xsub = connected(ZMQ_XSUB, w->at.publish, 0);
    es_wire_t wire;
    zmq_send(xsub, "\x01", 1, 0);
    await(w, xsub, ES_BEACON, &wire); /* connected */
    es_wire_close(&wire);
    send_parts(xsub, junk, 1);
    send_parts(xsub, junk, 3);
    await_metric(&es_broker_malformed_subscribe, before);
    await(w, w->sub, ES_BEACON, &wire);
    es_wire_close(&wire);
    zmq_close(xsub);
}

/* ---- endpoints ---- */

static es_hub_t *hub_at(const char *base, const char *tcp)
{
    char err[256];
    es_hub_config_t config = {.queue = 100};
    config.house.name = "second";
    config.house.placement = es_placement_defaults();
    config.house.registry = es_registry_defaults();
    assert_int_equal(es_endpoints_parse(&config.base, base, err, sizeof err), 0);
    if (tcp) assert_int_equal(es_endpoints_parse(&config.tcp, tcp, err, sizeof err), 0);
    return es_hub_new(&config);
}

/* Four free ports in a row, by trying. A name of its own for each try: libzmq gives a closed one free some time later. */
static es_hub_t *hub_on_tcp(char base[64], char tcp[64])
{
    for (unsigned i = 0; i < 50; i++) {
        snprintf(base, 64, "inproc://hub-tcp-%u", i);
        snprintf(tcp, 64, "tcp://127.0.0.1:%u", 20000 + (unsigned)(es_random_u64() % 3000) * 4);
        es_hub_t *hub = hub_at(base, tcp);
        if (hub) return hub;
    }
    return NULL;
}

static void test_tcp_besides(void **state)
{
    world_t *w = *state;
    char base[64], tcp[64], err[256];
    es_endpoints_t at;
    es_hub_t *hub = hub_on_tcp(base, tcp);
    assert_non_null(hub);
    assert_null(hub_at("inproc://hub-other", tcp)); /* the ports are taken */
    assert_null(hub_at(base, NULL));
    assert_int_equal(es_endpoints_parse(&at, tcp, err, sizeof err), 0);
    es_loop_t *loop = es_loop_new();
    es_hub_attach(hub, loop);
    es_loop_destroy(&loop);
    void *push = connected(ZMQ_PUSH, at.frontend, 0);
    zmq_pollitem_t item = {.socket = push, .events = ZMQ_POLLOUT};
    assert_int_equal(zmq_poll(&item, 1, DEADLINE_US / 1000), 1);
    uint64_t before = es_metric_get(&es_broker_malformed_frontend);
    send_parts(push, junk, 2);
    for (uint64_t end = es_now_us() + DEADLINE_US; es_metric_get(&es_broker_malformed_frontend) == before;) {
        assert_true(es_now_us() < end);
        es_hub_drain(hub);
    }
    zmq_close(push);
    es_hub_destroy(&hub);
    es_hub_destroy(&hub);
    (void)w;
}

static void test_lock(void **state)
{
    world_t *w = *state;
    char base[160];
    assert_null(hub_at(w->base, NULL)); /* held */
    snprintf(base, sizeof base, "ipc://%s/none/broker", w->dir);
    assert_null(hub_at(base, NULL)); /* no such directory */
    snprintf(base, sizeof base, "ipc://@earshot-hub-test-%d", (int)getpid());
    es_hub_t *hub = hub_at(base, NULL); /* abstract: no file, no lock */
    assert_non_null(hub);
    assert_null(hub_at(base, NULL));
    es_hub_destroy(&hub);
    /* An endpoint that is a directory cannot be bound; the lock is given back. */
    snprintf(base, sizeof base, "%s/odd-results", w->dir);
    assert_int_equal(mkdir(base, 0700), 0);
    snprintf(base, sizeof base, "ipc://%s/odd", w->dir);
    assert_null(hub_at(base, NULL));
    assert_null(hub_at(base, NULL));
    snprintf(base, sizeof base, "%s/odd-results", w->dir);
    assert_int_equal(rmdir(base), 0);
    snprintf(base, sizeof base, "ipc://%s/odd", w->dir);
    hub = hub_at(base, NULL);
    assert_non_null(hub);
    es_hub_destroy(&hub);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define PATIENT(name) cmocka_unit_test_setup_teardown(name, setup_patient, teardown)
#define INPROC(name) cmocka_unit_test_setup_teardown(name, setup_inproc, teardown)

int main(void)
{
    unsetenv("BROKER_URL");
    es_log_init("test", ES_LOG_ERROR, false);
    zsys_handler_set(NULL);
    const struct CMUnitTest tests[] = {TEST(test_there_and_back),
                                       INPROC(test_there_and_back),
                                       TEST(test_wait_then_placed),
                                       TEST(test_unknown_stream_is_rewound),
                                       TEST(test_bundled_frames_are_counted_once),
                                       TEST(test_silent_worker_is_lost),
                                       PATIENT(test_unreachable_worker_is_lost_at_once),
                                       PATIENT(test_full_pipe_drops),
                                       TEST(test_restart_relearns),
                                       TEST(test_second_broker_is_refused),
                                       TEST(test_malformed_frontend),
                                       TEST(test_malformed_backend),
                                       TEST(test_malformed_results),
                                       TEST(test_malformed_subscription),
                                       TEST(test_tcp_besides),
                                       TEST(test_lock)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    zsys_shutdown();
    return failed;
}
