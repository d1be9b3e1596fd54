/* A leg comes back after what libzmq does not try again: a handshake that failed for good. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "leg.h"
#include "log.h"
#include "wire.h"

enum { DEADLINE_US = 20000000 };

static void *bound(const char *endpoint, bool curve)
{
    char public[41], secret[41];
    int on = 1;
    void *socket = es_wire_socket(ZMQ_PULL, 10);
    assert_int_equal(zmq_curve_keypair(public, secret), 0);
    if (curve) {
        zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &on, sizeof on);
        zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, secret, sizeof secret);
    }
    for (uint64_t end = es_now_us() + DEADLINE_US; es_now_us() < end; zmq_poll(NULL, 0, 1))
        if (zmq_bind(socket, endpoint) == 0) return socket;
    fail_msg("cannot bind %s", endpoint);
    return NULL;
}

static bool comes_up(es_leg_t *leg, uint64_t patience_us)
{
    for (uint64_t end = es_now_us() + patience_us; es_now_us() < end; zmq_poll(NULL, 0, 1)) {
        if (es_leg_take(leg, es_now_us())) return true;
        es_leg_tick(leg, es_now_us());
    }
    return false;
}

static void it_comes_back_after_a_refusal(void **state)
{
    (void)state;
    char endpoint[64];
    snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%u", 20000 + (unsigned)(es_random_u64() % 12000));
    void *broker = bound(endpoint, true), *socket = es_wire_socket(ZMQ_PUSH, 10);
    es_leg_t leg;
    es_leg_init(&leg, socket, endpoint);
    assert_false(comes_up(&leg, 200000)); /* it wants a key, and this one has none */
    zmq_close(broker);
    broker = bound(endpoint, false);
    assert_true(comes_up(&leg, DEADLINE_US));
    assert_int_equal(es_leg_tick(&leg, es_now_us()), UINT64_MAX);
    /* and after a cut, as ever */
    zmq_close(broker);
    broker = bound(endpoint, false);
    assert_true(comes_up(&leg, DEADLINE_US));
    es_leg_fini(&leg);
    zmq_close(socket);
    zmq_close(broker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(it_comes_back_after_a_refusal)};
    es_log_init("test", ES_LOG_ERROR, false);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
