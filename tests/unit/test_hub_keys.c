/* A broker that serves tcp with CURVE, over real sockets: who comes in, what is denied, who is out once a key is revoked. Peers of this machine (ipc) have no key and are
 * not disturbed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bundle.h"
#include "curve_hub_world.h"
#include "rights.h"

static void a_peer_with_the_right_key_works(void **state)
{
    curve_world_t *c = *state;
    es_key_t worker = make_key(c, ES_ROLE_TRANSCRIBER, "t", true), edge = make_key(c, ES_ROLE_EDGE, "e", true);
    uint64_t let_in = es_metric_get(&es_broker_handshakes_total);
    join_far(c, &worker, "transcribe", 7);
    c->w.pub = dial(c, ZMQ_PUB, c->far.results, &worker, 0);
    close_socket(&c->w.push);
    close_socket(&c->w.sub);
    c->w.push = dial(c, ZMQ_PUSH, c->far.frontend, &edge, 0);
    c->w.sub = dial(c, ZMQ_SUB, c->far.publish, &edge, 0);
    place_stream(&c->w, CLIENT, 1);
    results_come_through(&c->w, CLIENT);
    assert_int_equal(es_metric_get(&es_broker_handshakes_total) - let_in, 4);
}

static void nobody_else_comes_in(void **state)
{
    curve_world_t *c = *state;
    es_key_t stranger = make_key(c, ES_ROLE_TRANSCRIBER, "stranger", false),
             room = make_key(c, ES_ROLE_ROOM, "r", true);
    uint64_t unknown = es_metric_get(&es_broker_refused_unknown), role = es_metric_get(&es_broker_refused_role);
    uint64_t protocol = es_metric_get(&es_broker_refused_protocol);
    void *sockets[] = {dial(c, ZMQ_DEALER, c->far.backend, &stranger, 9), dial(c, ZMQ_PUSH, c->far.frontend, &room, 0),
                       dial(c, ZMQ_DEALER, c->far.backend, NULL, 10)};
    await_metric(&es_broker_refused_unknown, unknown);
    await_metric(&es_broker_refused_role, role);
    await_metric(&es_broker_refused_protocol, protocol);
    for (size_t i = 0; i < 3; i++) {
        assert_false(can_send(sockets[i], i == 0 ? SHORT_MS : 0));
        zmq_close(sockets[i]);
    }
}

static void say(void *socket, const char *key, const es_msg_t *msg)
{
    assert_true(can_send(socket, DEADLINE_US / 1000));
    assert_int_equal(es_wire_send(socket, NULL, es_span(key), msg, NULL, 0), 0);
}

static void a_role_says_what_it_may_and_no_more(void **state)
{
    curve_world_t *c = *state;
    es_metric_t *frontend = es_broker_denied[ES_AT_FRONTEND], *backend = es_broker_denied[ES_AT_BACKEND];
    uint64_t before = es_metric_get(backend);
    es_key_t worker = make_key(c, ES_ROLE_TRANSCRIBER, "t", true), edge = make_key(c, ES_ROLE_EDGE, "e", true);
    c->w.inc = 7;
    c->w.dealer = dial(c, ZMQ_DEALER, c->far.backend, &worker, 7);
    say_hello_of(&c->w, "room", 4, NULL, 0);
    await_metric(backend, before);
    c->w.push = (close_socket(&c->w.push), dial(c, ZMQ_PUSH, c->far.frontend, &edge, 0));
    before = es_metric_get(frontend);
    es_msg_t drain = {.kind = ES_DRAIN};
    ES_SET(&drain, ES_M_NAME, name, es_span("broker"));
    say(c->w.push, CLIENT, &drain);
    await_metric(frontend, before);
    /* and it is still there for what it may */
    say_hello(&c->w, 4, NULL, 0);
    place_stream(&c->w, CLIENT, 1);
}

static void an_incarnation_is_whose_it_was_first(void **state)
{
    curve_world_t *c = *state;
    es_metric_t *backend = es_broker_denied[ES_AT_BACKEND];
    es_key_t one = make_key(c, ES_ROLE_TRANSCRIBER, "one", true), two = make_key(c, ES_ROLE_TRANSCRIBER, "two", true);
    join_far(c, &one, "transcribe", 7);
    uint64_t before = es_metric_get(backend);
    void *first = c->w.dealer;
    c->w.dealer = dial(c, ZMQ_DEALER, c->far.backend, &two, 7);
    assert_true(can_send(c->w.dealer, DEADLINE_US / 1000));
    say_heartbeat(&c->w);
    await_metric(backend, before);
    zmq_close(first);
}

static void results_are_of_the_roles_kinds(void **state)
{
    curve_world_t *c = *state;
    es_metric_t *results = es_broker_denied[ES_AT_RESULTS];
    es_key_t room = make_key(c, ES_ROLE_ROOM, "r", true), other = make_key(c, ES_ROLE_TRANSCRIBER, "o", true);
    uint64_t before = es_metric_get(results);
    c->w.inc = 7;
    c->w.pub = dial(c, ZMQ_PUB, c->far.results, &room, 0);
    for (uint64_t end = es_now_us() + DEADLINE_US; es_metric_get(results) == before && es_now_us() < end;) {
        send_result(&c->w, CLIENT);
        zmq_poll(NULL, 0, 1);
    }
    assert_true(es_metric_get(results) > before);
    close_socket(&c->w.pub);
    /* one of the right role, in the name of a worker of this machine */
    join_worker(&c->w, 8, 4);
    close_socket(&c->w.pub);
    before = es_metric_get(results);
    c->w.pub = dial(c, ZMQ_PUB, c->far.results, &other, 0);
    for (uint64_t end = es_now_us() + DEADLINE_US; es_metric_get(results) == before && es_now_us() < end;) {
        send_result(&c->w, CLIENT);
        zmq_poll(NULL, 0, 1);
    }
    assert_true(es_metric_get(results) > before);
}

static es_msg_t frame_of(uint64_t epoch, uint64_t seq, uint64_t flags)
{
    es_msg_t msg = {.kind = ES_FRAME, .epoch = epoch, .seq = seq, .time_us = 1};
    ES_SET(&msg, ES_M_FLAGS, flags, flags);
    ES_SET(&msg, ES_M_POS, pos, 0);
    ES_SET(&msg, ES_M_COMMITTED, committed, 0);
    if (!(flags & ES_F_START)) return msg;
    ES_SET(&msg, ES_M_BASE, base, 0);
    ES_SET(&msg, ES_M_SERVICE, service, es_span("transcribe"));
    return msg;
}

static void say_frame(void *socket, uint64_t epoch, uint64_t seq, uint64_t flags)
{
    es_msg_t msg = frame_of(epoch, seq, flags);
    say(socket, CLIENT, &msg);
}

/* The sender's frames reach the stream's worker. */
static void stream_goes_on(curve_world_t *c, uint64_t epoch, uint64_t seq)
{
    say_frame(c->w.push, epoch, seq, 0);
    for (es_wire_t wire;; es_wire_close(&wire)) {
        await(&c->w, c->w.dealer, ES_FRAME, &wire);
        if (wire.msg.seq != seq) continue; /* of STARTs that were said again */
        assert_int_equal(wire.msg.epoch, epoch);
        es_wire_close(&wire);
        return;
    }
}

static void say_bundled(void *socket, uint64_t epoch)
{
    static es_bundle_t bundle;
    es_msg_t msg = frame_of(epoch, 1, 0);
    es_bundle_clear(&bundle);
    for (int i = 0; i < 2; i++)
        assert_int_equal(es_bundle_add(&bundle, es_span(CLIENT), &msg, NULL, 0), ES_BUNDLE_TAKEN);
    assert_int_equal(es_wire_send_bundle(socket, NULL, es_span(ES_BUNDLE_KEY), &bundle), 0);
}

/* Another key neither moves a stream on to an epoch of which its sender knows nothing, nor ends it, nor calls its sender dead. */
static void a_sender_is_whose_it_was_first(void **state)
{
    curve_world_t *c = *state;
    es_metric_t *frontend = es_broker_denied[ES_AT_FRONTEND];
    es_key_t edge = make_key(c, ES_ROLE_EDGE, "e", true), jobs = make_key(c, ES_ROLE_JOBS, "j", true);
    es_msg_t close = {.kind = ES_CLOSE, .epoch = 1}, leaving = {.kind = ES_REPORT};
    ES_SET(&leaving, ES_M_NAME, name, es_span("edge-1"));
    ES_SET(&leaving, ES_M_FLAGS, flags, ES_F_LEAVING);
    join_worker(&c->w, 7, 4);
    close_socket(&c->w.push);
    c->w.push = dial(c, ZMQ_PUSH, c->far.frontend, &edge, 0);
    place_stream(&c->w, CLIENT, 1);
    void *other = dial(c, ZMQ_PUSH, c->far.frontend, &jobs, 0);
    uint64_t before = es_metric_get(frontend);
    say_frame(other, UINT64_C(1) << 63, 1, ES_F_START);
    say(other, CLIENT, &close);
    say(other, OTHER, &leaving);
    say_bundled(other, 9);
    await_metric(frontend, before + 4);
    stream_goes_on(c, 1, 77);
    zmq_close(other);
}

/* Of this machine, whose peers have no key, the same. */
static void a_sender_of_this_machine_is_nobody_elses(void **state)
{
    curve_world_t *c = *state;
    es_metric_t *frontend = es_broker_denied[ES_AT_FRONTEND];
    es_key_t jobs = make_key(c, ES_ROLE_JOBS, "j", true);
    join_worker(&c->w, 7, 4);
    void *other = dial(c, ZMQ_PUSH, c->far.frontend, &jobs, 0);
    assert_true(can_send(other, DEADLINE_US / 1000));
    uint64_t before = es_metric_get(frontend);
    place_stream(&c->w, CLIENT, 1);
    say_frame(other, 9, 1, ES_F_START);
    await_metric(frontend, before);
    stream_goes_on(c, 1, 77);
    zmq_close(other);
}

/* In its own name, or in nobody's: the stream has been given to another. */
static void a_stream_is_answered_by_who_has_it(void **state)
{
    curve_world_t *c = *state;
    es_metric_t *results = es_broker_denied[ES_AT_RESULTS];
    es_key_t one = make_key(c, ES_ROLE_TRANSCRIBER, "one", true), two = make_key(c, ES_ROLE_TRANSCRIBER, "two", true);
    join_far(c, &one, "transcribe", 7);
    place_stream(&c->w, CLIENT, 1);
    uint64_t before = es_metric_get(results);
    c->w.pub = dial(c, ZMQ_PUB, c->far.results, &two, 0);
    c->w.inc = 9;
    for (uint64_t end = es_now_us() + DEADLINE_US; es_metric_get(results) == before && es_now_us() < end;) {
        send_result(&c->w, CLIENT);
        zmq_poll(NULL, 0, 1);
    }
    assert_true(es_metric_get(results) > before);
    results_come_through(&c->w, OTHER); /* which has no worker here */
    close_socket(&c->w.pub);
    c->w.inc = 7;
    c->w.pub = dial(c, ZMQ_PUB, c->far.results, &one, 0);
    results_come_through(&c->w, CLIENT);
}

/* An edge hears its prefix and takes apart what comes: what a bundle holds must not go there unseen. */
static void a_bundle_past_the_broker_is_refused(void **state)
{
    curve_world_t *c = *state;
    static es_bundle_t bundle;
    es_wire_t wire;
    es_key_t worker = make_key(c, ES_ROLE_TRANSCRIBER, "t", true);
    uint64_t malformed = es_metric_get(&es_broker_malformed_results);
    es_msg_t done = {.kind = ES_ROOM_DONE, .epoch = 1, .seq = 1, .time_us = 1};
    ES_SET(&done, ES_M_ROOM, room, es_span("r"));
    ES_SET(&done, ES_M_LOG, log, 1);
    ES_SET(&done, ES_M_RSEQ, rseq, 1);
    es_bundle_clear(&bundle);
    for (int i = 0; i < 2; i++)
        assert_int_equal(es_bundle_add(&bundle, es_span(CLIENT), &done, NULL, 0), ES_BUNDLE_TAKEN);
    c->w.inc = 7;
    c->w.pub = dial(c, ZMQ_PUB, c->far.results, &worker, 0);
    for (uint64_t end = es_now_us() + DEADLINE_US;
         es_metric_get(&es_broker_malformed_results) == malformed && es_now_us() < end;) {
        es_wire_send_bundle(c->w.pub, NULL, es_span("0011*"), &bundle);
        zmq_poll(NULL, 0, 1);
    }
    assert_true(es_metric_get(&es_broker_malformed_results) > malformed);
    await(&c->w, c->w.sub, ES_BEACON, &wire);
    es_wire_close(&wire);
    while (es_wire_recv(&wire, c->w.sub, false, c->w.decoder) == 0) {
        assert_int_not_equal(wire.msg.kind, ES_BUNDLE);
        es_wire_close(&wire);
    }
}

static void a_revoked_worker_is_out_at_once(void **state)
{
    curve_world_t *c = *state;
    es_key_t worker = make_key(c, ES_ROLE_TRANSCRIBER, "t", true), edge = make_key(c, ES_ROLE_EDGE, "e", true);
    join_far(c, &worker, "transcribe", 7);
    place_stream(&c->w, CLIENT, 1);
    void *bystander = dial(c, ZMQ_SUB, c->far.publish, &edge, 0);
    es_wire_t wire;
    await(&c->w, bystander, ES_BEACON, &wire);
    es_wire_close(&wire);
    uint64_t start = es_now_us();
    allow(c, &worker, false);
    await_on(&c->w, c->w.sub, ES_WORKER_LOST, CLIENT);
    uint64_t told = es_now_us() - start;
    while (can_send(c->w.dealer, 0) && es_now_us() < start + DEADLINE_US) zmq_poll(NULL, 0, 1);
    uint64_t out = es_now_us() - start;
    print_message("revoked: its streams told after %.1f ms, cut off after %.1f ms\n", (double)told / 1e3,
                  (double)out / 1e3);
    assert_true(told < 1000000 && out < 1000000);
    assert_false(can_send(c->w.dealer, SHORT_MS));
    /* the others over tcp come back by themselves, who is on this machine never left */
    await(&c->w, bystander, ES_BEACON, &wire);
    es_wire_close(&wire);
    zmq_close(bystander);
    void *gone = c->w.dealer;
    join_worker(&c->w, 8, 4);
    place_stream(&c->w, OTHER, 1);
    close_socket(&c->w.dealer);
    c->w.dealer = gone;
    c->w.inc = 7;
}

static void who_is_allowed_again_is_back(void **state)
{
    curve_world_t *c = *state;
    es_key_t worker = make_key(c, ES_ROLE_TRANSCRIBER, "t", true);
    join_far(c, &worker, "transcribe", 7);
    uint64_t before = es_metric_get(&es_broker_lost_total);
    allow(c, &worker, false);
    await_metric(&es_broker_lost_total, before);
    close_socket(&c->w.dealer);
    before = es_metric_get(&es_broker_refused_unknown);
    void *early = dial(c, ZMQ_DEALER, c->far.backend, &worker, 7);
    await_metric(&es_broker_refused_unknown, before);
    zmq_close(early);
    allow(c, &worker, true);
    for (uint64_t end = es_now_us() + DEADLINE_US; es_now_us() < end;) {
        c->w.dealer = dial(c, ZMQ_DEALER, c->far.backend, &worker, 7);
        if (can_send(c->w.dealer, SHORT_MS)) break;
        close_socket(&c->w.dealer);
    }
    say_hello(&c->w, 4, NULL, 0);
    place_stream(&c->w, CLIENT, 1);
}

static void mute_connections_do_not_take_the_last_descriptor(void **state)
{
    curve_world_t *c = *state;
    enum { MUTE = 400 };
    es_key_t worker = make_key(c, ES_ROLE_TRANSCRIBER, "t", true);
    static int fds[MUTE];
    const char *colon = strrchr(c->far.backend, ':');
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10))};
    inet_pton(AF_INET, "127.0.0.1", &at.sin_addr);
    join_far(c, &worker, "transcribe", 7);
    uint64_t shut = es_metric_get(&es_broker_shut_total), unfinished = es_metric_get(&es_broker_refused_silent);
    for (int i = 0; i < MUTE; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)connect(fds[i], (struct sockaddr *)&at, sizeof at);
    }
    await_metric(&es_broker_shut_total, shut);
    place_stream(&c->w, CLIENT, 1); /* who is there goes on */
    await_metric(&es_broker_refused_silent, unfinished);
    for (int i = 0; i < MUTE; i++) close(fds[i]);
    void *late = dial(c, ZMQ_DEALER, c->far.backend, &worker, 9);
    assert_true(can_send(late, DEADLINE_US / 1000));
    zmq_close(late);
}

static int setup_small(void **state)
{
    setenv("EARSHOT_MAX_CONNECTIONS", "300", 1);
    return setup(state);
}

static int teardown_small(void **state)
{
    unsetenv("EARSHOT_MAX_CONNECTIONS");
    return teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_peer_with_the_right_key_works, setup, teardown),
        cmocka_unit_test_setup_teardown(nobody_else_comes_in, setup, teardown),
        cmocka_unit_test_setup_teardown(a_role_says_what_it_may_and_no_more, setup, teardown),
        cmocka_unit_test_setup_teardown(an_incarnation_is_whose_it_was_first, setup, teardown),
        cmocka_unit_test_setup_teardown(results_are_of_the_roles_kinds, setup, teardown),
        cmocka_unit_test_setup_teardown(a_sender_is_whose_it_was_first, setup, teardown),
        cmocka_unit_test_setup_teardown(a_sender_of_this_machine_is_nobody_elses, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stream_is_answered_by_who_has_it, setup, teardown),
        cmocka_unit_test_setup_teardown(a_bundle_past_the_broker_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_revoked_worker_is_out_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(who_is_allowed_again_is_back, setup, teardown),
        cmocka_unit_test_setup_teardown(mute_connections_do_not_take_the_last_descriptor, setup_small, teardown_small),
    };
    es_log_init("test", ES_LOG_ERROR, false);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
