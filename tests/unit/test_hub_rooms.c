/* Rooms through the broker, over real sockets: requests to their actor, news to whoever follows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "hub_world.h"

static int setup(void **state)
{
    return open_world(state, "300ms", NULL, NULL);
}
static int setup_patient(void **state)
{
    return open_world(state, "60s", NULL, NULL);
}

static const es_span_t lobby = {"room/lobby", 11}; /* with its NUL */

static es_msg_t say(uint64_t seq)
{
    es_msg_t msg = {.kind = ES_ROOM_SAY, .seq = seq, .time_us = 1};
    ES_SET(&msg, ES_M_CLIENT, client, es_span(CLIENT));
    ES_SET(&msg, ES_M_SESSION, session, es_span("s"));
    ES_SET(&msg, ES_M_BASE, base, 1);
    ES_SET(&msg, ES_M_NAME, name, es_span("Ann"));
    ES_SET(&msg, ES_M_MSG_ID, msg_id, es_span("m"));
    ES_SET(&msg, ES_M_TEXT, text, es_span("hello"));
    return msg;
}

/* So many requests, the first ones alone, the last two in a bundle. */
static void ask_room(world_t *w, uint64_t count)
{
    static es_bundle_t bundle;
    es_bundle_clear(&bundle);
    for (uint64_t seq = 1; seq <= count; seq++) {
        es_msg_t msg = say(seq);
        if (seq + 2 <= count)
            assert_int_equal(es_wire_send(w->push, NULL, lobby, &msg, NULL, 0), 0);
        else
            assert_int_equal(es_bundle_add(&bundle, lobby, &msg, NULL, 0), ES_BUNDLE_TAKEN);
    }
    assert_int_equal(es_wire_send_bundle(w->push, NULL, es_span(ES_BUNDLE_KEY), &bundle), 0);
}

/* Takes what has come to the room actor; the requests must be next, next + 1 ... Returns the next one. */
static uint64_t take_requests(world_t *w, es_wire_t *wire, uint64_t next)
{
    es_span_t rest = wire->msg.kind == ES_BUNDLE ? es_wire_body(wire) : (es_span_t){0};
    es_bundle_item_t item = {.key = es_wire_key(wire)};
    es_msg_t msg = wire->msg;
    if (msg.kind == ES_PING) say_heartbeat(w);
    if (msg.kind == ES_PING) return next;
    while (rest.len == 0 || es_wire_unbundle(&rest, w->decoder, &item, &msg) == 1) {
        assert_int_equal(msg.kind, ES_ROOM_SAY);
        assert_true(es_span_eq(item.key, lobby));
        assert_int_equal(msg.seq, next++);
        if (rest.len == 0) break;
    }
    return next;
}

static void test_requests_reach_the_room_actor_in_order(void **state)
{
    world_t *w = *state;
    enum { REQUESTS = 10 };
    join_worker_of(w, "room", 0x31, 100);
    ask_room(w, REQUESTS);
    uint64_t next = 1, end = es_now_us() + DEADLINE_US;
    while (next <= REQUESTS) {
        es_wire_t wire;
        zmq_pollitem_t item = {.socket = w->dealer, .events = ZMQ_POLLIN};
        assert_true(es_now_us() < end);
        zmq_poll(&item, 1, POLL_MS);
        for (; es_wire_recv(&wire, w->dealer, false, w->decoder) == 0; es_wire_close(&wire)) {
            assert_true(wire.ok);
            next = take_requests(w, &wire, next);
        }
    }
}

static void test_without_a_room_actor_requests_are_counted(void **state)
{
    world_t *w = *state;
    uint64_t before = es_metric_get(&es_broker_no_room_total);
    join_worker(w, 0x32, 4);
    ask_room(w, 3);
    await_metric(&es_broker_no_room_total, before + 2);
}

/* Heartbeats are a minute apart here: only the send can tell. */
static void test_unreachable_room_actor_is_lost_at_once(void **state)
{
    world_t *w = *state;
    uint64_t joined = es_metric_get(&es_broker_joined_total), none = es_metric_get(&es_broker_no_room_total);
    w->inc = 0x33;
    w->dealer = connected(ZMQ_DEALER, w->at.backend, w->inc);
    say_hello_of(w, "room", 100, NULL, 0);
    await_metric(&es_broker_joined_total, joined);
    close_socket(&w->dealer);
    for (uint64_t end = es_now_us() + DEADLINE_US; es_metric_get(&es_broker_no_room_total) == none;) {
        assert_true(es_now_us() < end);
        ask_room(w, 3);
        zmq_poll(NULL, 0, 1);
    }
}

/* Somebody follows a room, and that is no observer of clients: results still leave bundled. */
static void test_news_go_out_on_the_rooms_topic(void **state)
{
    world_t *w = *state;
    es_wire_t wire;
    static es_bundle_t bundle;
    static char body[100000];
    es_msg_t news = {.kind = ES_ROOM_NEWS}, done = {.kind = ES_ROOM_STATE, .time_us = 1};
    void *follower = zmq_socket(zsys_init(), ZMQ_SUB);
    join_worker_of(w, "room", 0x34, 100);
    results_come_through(w, CLIENT);
    uint64_t subscribed = es_metric_get(&es_broker_subscribe_total);
    es_wire_options(follower, 100);
    zmq_setsockopt(follower, ZMQ_SUBSCRIBE, lobby.ptr, lobby.len);
    assert_int_equal(zmq_connect(follower, w->at.publish), 0);
    await_metric(&es_broker_subscribe_total, subscribed);
    ES_SET(&news, ES_M_LOG, log, 1);
    ES_SET(&done, ES_M_ROOM, room, es_span("lobby"));
    ES_SET(&done, ES_M_LOG, log, 1);
    ES_SET(&done, ES_M_RSEQ, rseq, 1);
    ES_SET(&done, ES_M_FLOOR, floor, 1);
    assert_int_equal(es_wire_send(w->pub, NULL, es_span_of("room/lobbyist", 14), &news, NULL, 0), 0);
    assert_int_equal(es_wire_send(w->pub, NULL, lobby, &news, body, sizeof body), 0);
    await(w, follower, ES_ROOM_NEWS, &wire);
    assert_true(es_span_eq(es_wire_key(&wire), lobby)); /* and nobody else's */
    assert_int_equal(es_wire_body(&wire).len, sizeof body);
    es_wire_close(&wire);
    es_bundle_clear(&bundle);
    for (int i = 0; i < 2; i++)
        assert_int_equal(es_bundle_add(&bundle, es_span(CLIENT), &done, NULL, 0), ES_BUNDLE_TAKEN);
    assert_int_equal(es_wire_send_bundle(w->pub, NULL, es_span(ES_BUNDLE_KEY), &bundle), 0);
    await(w, w->sub, ES_BUNDLE, &wire);
    assert_true(es_span_eq(es_wire_key(&wire), es_span("001122*")));
    es_wire_close(&wire);
    zmq_close(follower);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define PATIENT(name) cmocka_unit_test_setup_teardown(name, setup_patient, teardown)

int main(void)
{
    unsetenv("BROKER_URL");
    es_log_init("test", ES_LOG_ERROR, false);
    zsys_handler_set(NULL);
    const struct CMUnitTest tests[] = {
        TEST(test_requests_reach_the_room_actor_in_order), TEST(test_without_a_room_actor_requests_are_counted),
        PATIENT(test_unreachable_room_actor_is_lost_at_once), TEST(test_news_go_out_on_the_rooms_topic)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    zsys_shutdown();
    return failed;
}
