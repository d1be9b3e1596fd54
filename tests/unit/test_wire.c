#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wire.h"

#define CLIENT "00112233445566ff"

typedef struct {
    void *push, *pull, *router, *dealer;
    es_decoder_t *decoder;
} world_t;

static void *socket_of(int type, const char *bind, const char *connect)
{
    void *s = zmq_socket(zsys_init(), type);
    assert_non_null(s);
    es_wire_options(s, 100);
    if (type == ZMQ_DEALER) zmq_setsockopt(s, ZMQ_ROUTING_ID, "worker", 6);
    if (bind) assert_int_equal(zmq_bind(s, bind), 0);
    if (connect) assert_int_equal(zmq_connect(s, connect), 0);
    return s;
}

static int setup(void **state)
{
    static unsigned n; /* libzmq frees a name some time after the socket is closed */
    char pull[32], router[32];
    world_t *w = zmalloc(sizeof *w);
    snprintf(pull, sizeof pull, "inproc://wire-pull-%u", n);
    snprintf(router, sizeof router, "inproc://wire-router-%u", n++);
    w->pull = socket_of(ZMQ_PULL, pull, NULL);
    w->push = socket_of(ZMQ_PUSH, NULL, pull);
    w->router = socket_of(ZMQ_ROUTER, router, NULL);
    w->dealer = socket_of(ZMQ_DEALER, NULL, router);
    w->decoder = es_decoder_new();
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    world_t *w = *state;
    zmq_close(w->push);
    zmq_close(w->pull);
    zmq_close(w->router);
    zmq_close(w->dealer);
    es_decoder_destroy(&w->decoder);
    free(w);
    return 0;
}

static es_msg_t frame(uint64_t seq)
{
    es_msg_t msg = {.kind = ES_FRAME, .epoch = 1, .seq = seq};
    ES_SET(&msg, ES_M_FLAGS, flags, 0);
    ES_SET(&msg, ES_M_POS, pos, 320 * seq);
    ES_SET(&msg, ES_M_COMMITTED, committed, 0);
    return msg;
}

static void receive(es_wire_t *wire, void *socket, bool route, es_decoder_t *decoder)
{
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};
    assert_int_equal(zmq_poll(&item, 1, 5000), 1);
    assert_int_equal(es_wire_recv(wire, socket, route, decoder), 0);
}

static void there_and_back(void **state)
{
    world_t *w = *state;
    es_wire_t wire;
    es_msg_t msg = frame(7);
    assert_int_equal(es_wire_send(w->push, NULL, es_span(CLIENT), &msg, "audio!", 6), 0);
    receive(&wire, w->pull, false, w->decoder);
    assert_true(wire.ok);
    assert_true(es_span_eq(es_wire_key(&wire), es_span(CLIENT)));
    assert_true(es_span_eq(es_wire_body(&wire), es_span("audio!")));
    assert_int_equal(wire.msg.seq, 7);
    assert_int_equal(wire.msg.pos, 7 * 320);
    assert_true(wire.msg.time_us > UINT64_C(1500000000000000));
    es_wire_close(&wire);
    assert_int_equal(es_wire_recv(&wire, w->pull, false, w->decoder), -1);
    assert_int_equal(errno, EAGAIN);
}

static void without_a_body(void **state)
{
    world_t *w = *state;
    es_wire_t wire;
    es_msg_t msg = {.kind = ES_PING, .time_us = 42};
    assert_int_equal(es_wire_send(w->push, NULL, es_span("k"), &msg, NULL, 0), 0);
    receive(&wire, w->pull, false, w->decoder);
    assert_true(wire.ok);
    assert_false(wire.has_body);
    assert_int_equal(es_wire_body(&wire).len, 0);
    assert_int_equal(wire.msg.time_us, 42);
    es_wire_close(&wire);
}

static void through_a_router(void **state)
{
    world_t *w = *state;
    es_wire_t wire;
    es_span_t route = es_span("worker"), nobody = es_span("nobody");
    es_msg_t msg = frame(1);
    assert_int_equal(es_wire_send(w->dealer, NULL, es_span(CLIENT), &msg, "x", 1), 0);
    receive(&wire, w->router, true, w->decoder);
    assert_true(wire.ok && wire.has_route);
    assert_true(es_span_eq(es_wire_route(&wire), route));
    es_wire_close(&wire);
    assert_int_equal(es_wire_send(w->router, &nobody, es_span(CLIENT), &msg, "x", 1), -1);
    assert_int_equal(errno, EHOSTUNREACH);
    assert_int_equal(es_wire_send(w->router, &route, es_span(CLIENT), &msg, "y", 1), 0);
    receive(&wire, w->dealer, false, w->decoder);
    assert_true(wire.ok);
    assert_true(es_span_eq(es_wire_body(&wire), es_span("y")));
    es_wire_close(&wire);
}

static void forwards_as_it_is(void **state)
{
    world_t *w = *state;
    es_wire_t wire;
    es_span_t route = es_span("worker"), nobody = es_span("nobody");
    es_msg_t msg = frame(9);
    assert_int_equal(es_wire_send(w->push, NULL, es_span(CLIENT), &msg, "body", 4), 0);
    receive(&wire, w->pull, false, w->decoder);
    assert_int_equal(es_wire_forward(&wire, w->router, &nobody), -1);
    assert_int_equal(errno, EHOSTUNREACH);
    assert_int_equal(es_wire_forward(&wire, w->router, &route), 0); /* a refused one is still whole */
    es_wire_close(&wire);
    receive(&wire, w->dealer, false, w->decoder);
    assert_true(wire.ok);
    assert_int_equal(wire.msg.seq, 9);
    assert_true(es_span_eq(es_wire_key(&wire), es_span(CLIENT)));
    assert_true(es_span_eq(es_wire_body(&wire), es_span("body")));
    es_wire_close(&wire);
}

/* Sends parts as they are; "" ends. */
static void send_parts(void *socket, const es_span_t *parts, int n)
{
    for (int i = 0; i < n; i++)
        assert_int_equal(zmq_send(socket, parts[i].ptr, parts[i].len, i + 1 < n ? ZMQ_SNDMORE : 0), parts[i].len);
}

static void malformed_ones_leave_the_next_alone(void **state)
{
    world_t *w = *state;
    char envelope[ES_ENVELOPE_MAX], ping[64], long_key[ES_KEY_MAX + 1], long_envelope[ES_ENVELOPE_MAX + 1];
    es_msg_t good = frame(1), ping_msg = {.kind = ES_PING, .time_us = 1}, odd_msg = {.kind = 9999, .time_us = 1};
    char odd[64];
    es_span_t env = es_span_of(envelope, es_encode(&good, envelope, sizeof envelope));
    es_span_t ping_env = es_span_of(ping, es_encode(&ping_msg, ping, sizeof ping));
    es_span_t odd_env = es_span_of(odd, es_encode(&odd_msg, odd, sizeof odd));
    memset(long_key, 'k', sizeof long_key);
    memset(long_envelope, 0xc0, sizeof long_envelope);
    es_span_t key = es_span(CLIENT), x = es_span("x"), none = es_span_of("", 0);
    const struct {
        int n;
        es_span_t parts[6];
    } bad[] = {
        {1, {key}},
        {1, {none}},
        {4, {key, env, x, x}},
        {6, {key, env, x, x, x, x}},
        {2, {none, env}},
        {2, {es_span_of(long_key, sizeof long_key), env}},
        {2, {key, x}},
        {2, {key, none}},
        {2, {key, es_span_of(env.ptr, env.len - 1)}},
        {2, {key, es_span_of(long_envelope, sizeof long_envelope)}},
        {3, {key, ping_env, x}},
        {2, {key, odd_env}},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        es_wire_t wire;
        send_parts(w->push, bad[i].parts, bad[i].n);
        assert_int_equal(es_wire_send(w->push, NULL, key, &good, "ok", 2), 0);
        receive(&wire, w->pull, false, w->decoder);
        assert_false(wire.ok);
        assert_non_null(wire.reason);
        es_wire_close(&wire);
        receive(&wire, w->pull, false, w->decoder);
        assert_true(wire.ok);
        assert_null(wire.reason);
        assert_true(es_span_eq(es_wire_body(&wire), es_span("ok")));
        es_wire_close(&wire);
    }
}

static void malformed_ones_with_a_route(void **state)
{
    world_t *w = *state;
    es_msg_t good = frame(1);
    es_span_t parts[] = {es_span("a"), es_span("b"), es_span("c"), es_span("d")};
    for (int n = 1; n <= 4; n++) {
        es_wire_t wire;
        send_parts(w->dealer, parts, n);
        assert_int_equal(es_wire_send(w->dealer, NULL, es_span(CLIENT), &good, "ok", 2), 0);
        receive(&wire, w->router, true, w->decoder);
        assert_false(wire.ok);
        assert_true(es_span_eq(es_wire_route(&wire), es_span("worker")));
        es_wire_close(&wire);
        receive(&wire, w->router, true, w->decoder);
        assert_true(wire.ok);
        es_wire_close(&wire);
    }
}

static void a_full_pipe_takes_all_or_nothing(void **state)
{
    world_t *w = *state;
    es_msg_t msg = frame(1);
    unsigned sent = 0, got = 0;
    while (es_wire_send(w->push, NULL, es_span(CLIENT), &msg, "body", 4) == 0) assert_true(++sent < 10000);
    assert_int_equal(errno, EAGAIN);
    assert_true(sent >= 100);
    while (got < sent) {
        es_wire_t wire;
        receive(&wire, w->pull, false, w->decoder);
        assert_true(wire.ok && wire.has_body);
        es_wire_close(&wire);
        got++;
    }
    zmq_pollitem_t item = {.socket = w->push, .events = ZMQ_POLLOUT};
    assert_int_equal(zmq_poll(&item, 1, 5000), 1);
    assert_int_equal(es_wire_send(w->push, NULL, es_span(CLIENT), &msg, "body", 4), 0);
}

static void refuses_what_does_not_fit(void **state)
{
    world_t *w = *state;
    static char text[ES_TEXT_MAX + 1];
    es_msg_t msg = frame(1);
    memset(text, 'a', sizeof text);
    ES_SET(&msg, ES_M_TEXT, text, es_span_of(text, sizeof text));
    assert_int_equal(es_wire_send(w->push, NULL, es_span(CLIENT), &msg, NULL, 0), -1);
    assert_int_equal(errno, EMSGSIZE);
    msg = frame(1);
    assert_int_equal(es_wire_send(w->push, NULL, es_span(""), &msg, NULL, 0), -1);
    assert_int_equal(errno, EMSGSIZE);
}

static int option(void *socket, int name)
{
    int value = -1;
    size_t size = sizeof value;
    assert_int_equal(zmq_getsockopt(socket, name, &value, &size), 0);
    return value;
}

static void options_are_set(void **state)
{
    world_t *w = *state;
    int64_t max = 0;
    size_t size = sizeof max;
    assert_int_equal(zmq_getsockopt(w->pull, ZMQ_MAXMSGSIZE, &max, &size), 0);
    assert_int_equal(max, ES_BODY_MAX);
    assert_int_equal(option(w->pull, ZMQ_HANDSHAKE_IVL), 3000);
    assert_int_equal(option(w->push, ZMQ_LINGER), 0);
    assert_int_equal(option(w->push, ZMQ_SNDHWM), 100);
    assert_int_equal(option(w->pull, ZMQ_RCVHWM), 100);
    assert_int_equal(option(w->push, ZMQ_RECONNECT_IVL), 100);
    assert_int_equal(option(w->push, ZMQ_RECONNECT_IVL_MAX), 3000);
    assert_true(option(w->push, ZMQ_HEARTBEAT_IVL) > 0);
    assert_int_equal(option(w->push, ZMQ_IMMEDIATE), 1);
    assert_int_equal(option(w->dealer, ZMQ_IMMEDIATE), 1);
}

static void clocks_and_names(void **state)
{
    char hex[17];
    uint64_t a = es_now_us(), b = es_now_us();
    (void)state;
    assert_true(b >= a);
    es_hex16(0, hex);
    assert_string_equal(hex, "0000000000000000");
    es_hex16(UINT64_C(0xfedcba9876543210), hex);
    assert_string_equal(hex, "fedcba9876543210");
    assert_true(es_random_u64() != es_random_u64());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(there_and_back, setup, teardown),
        cmocka_unit_test_setup_teardown(without_a_body, setup, teardown),
        cmocka_unit_test_setup_teardown(through_a_router, setup, teardown),
        cmocka_unit_test_setup_teardown(forwards_as_it_is, setup, teardown),
        cmocka_unit_test_setup_teardown(malformed_ones_leave_the_next_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(malformed_ones_with_a_route, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_pipe_takes_all_or_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_what_does_not_fit, setup, teardown),
        cmocka_unit_test_setup_teardown(options_are_set, setup, teardown),
        cmocka_unit_test(clocks_and_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
