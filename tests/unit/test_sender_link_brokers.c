/* The brokers of a sender's link: which of them live, whose a key is, what they are asked and told. */
#include "sender_link_world.h"

static void the_set_of_live_brokers(void **state)
{
    world_t *w = *state;
    beacon(w, 0, INC_A);
    assert_int_equal(w->changes, 1);
    beacon(w, 0, INC_A);
    assert_int_equal(w->changes, 1);
    beacon(w, 1, INC_B);
    assert_int_equal(w->changes, 2);
    beacon(w, 1, INC_A); /* restarted */
    assert_int_equal(w->changes, 3);
    w->now += SECOND;
    es_sender_link_tick(w->link, w->now);
    beacon(w, 0, INC_A);
    assert_int_equal(w->changes, 3);
    w->now += SECOND;
    uint64_t next = es_sender_link_tick(w->link, w->now); /* the other one has been silent for two seconds */
    assert_true(next > w->now && next <= w->now + SECOND);
    assert_int_equal(w->changes, 4);
    for (unsigned i = 0; i < 50; i++) {
        char key[17];
        snprintf(key, sizeof key, PREFIX "%010x", i);
        assert_int_equal(es_sender_link_broker(w->link, es_span(key)), 0);
    }
}

static void who_leaves_is_left_at_once(void **state)
{
    world_t *w = *state;
    char key[17];
    beacon(w, 0, INC_A);
    beacon(w, 1, INC_B);
    beacon_with(w, 1, INC_B, ES_F_LEAVING);
    assert_int_equal(w->changes, 3);
    beacon_with(w, 1, INC_B, ES_F_LEAVING);
    assert_int_equal(w->changes, 3);
    for (unsigned i = 0; i < 50; i++) {
        snprintf(key, sizeof key, PREFIX "%010x", i);
        assert_int_equal(es_sender_link_broker(w->link, es_span(key)), 0);
    }
    beacon(w, 1, INC_A); /* its successor */
    assert_int_equal(w->changes, 4);
}

static void keys_spread_and_stay(void **state)
{
    world_t *w = *state;
    unsigned to[2] = {0}, moved = 0;
    int all_dead[200];
    char key[17];
    for (unsigned i = 0; i < 200; i++) {
        snprintf(key, sizeof key, PREFIX "%010x", i);
        all_dead[i] = es_sender_link_broker(w->link, es_span(key));
        to[all_dead[i]]++;
    }
    assert_true(to[0] > 50 && to[1] > 50);
    beacon(w, 0, INC_A);
    beacon(w, 1, INC_B);
    for (unsigned i = 0; i < 200; i++) {
        snprintf(key, sizeof key, PREFIX "%010x", i);
        moved += es_sender_link_broker(w->link, es_span(key)) != all_dead[i];
    }
    assert_int_equal(moved, 0);
}

/* A sender that was stopped for a while finds the beacons unread; nobody is dead for that. */
static void standing_still_proves_nothing(void **state)
{
    world_t *w = *state;
    beacon(w, 0, INC_A);
    es_sender_link_tick(w->link, w->now);
    w->now += 60 * (uint64_t)SECOND;
    es_sender_link_tick(w->link, w->now);
    assert_int_equal(w->changes, 1);
    w->now += SECOND;
    es_sender_link_tick(w->link, w->now);
    w->now += SECOND;
    es_sender_link_tick(w->link, w->now);
    assert_int_equal(w->changes, 2);
}

/* What the broker got, by kind. */
static unsigned took(world_t *w, int broker, uint32_t kind, es_msg_t *last, char name[32])
{
    unsigned n = 0;
    es_wire_t wire;
    zmq_pollitem_t item = {.socket = w->brokers[broker].frontend, .events = ZMQ_POLLIN};
    while (zmq_poll(&item, 1, 50) == 1) {
        assert_int_equal(es_wire_recv(&wire, w->brokers[broker].frontend, false, w->decoder), 0);
        assert_true(wire.ok);
        bool of_the_dead = es_span_eq(es_wire_key(&wire), es_span("abcdef0000000000"));
        assert_true(of_the_dead || es_span_eq(es_wire_key(&wire), es_span(PREFIX "0000000000")));
        if (wire.msg.kind == kind) {
            n++;
            *last = wire.msg;
            snprintf(name, 32, "%.*s", (int)wire.msg.name.len, wire.msg.name.len ? wire.msg.name.ptr : "");
        }
        es_wire_close(&wire);
    }
    return n;
}

static void probes_make_it_ready(void **state)
{
    world_t *w = *state;
    es_msg_t msg, probed = {.kind = ES_PROBED};
    char name[32];
    uint64_t next = es_sender_link_tick(w->link, w->now);
    assert_true(next <= w->now + SECOND / 10); /* asks often until it is answered */
    assert_int_equal(took(w, 0, ES_PROBE, &msg, name), 1);
    assert_true(ES_HAS(&msg, ES_M_SERVICE)); /* room actors do not make words */
    assert_int_equal(took(w, 1, ES_PROBE, &msg, name), 1);
    assert_false(es_sender_link_ready(w->link));
    assert_int_equal(es_sender_link_workers(w->link), 0);
    ES_SET(&probed, ES_M_LOAD, load, 3);
    ES_SET(&probed, ES_M_CAPACITY, capacity, 40);
    publish(w, 0, PREFIX "0000000000", &probed, NULL);
    assert_true(es_sender_link_ready(w->link));
    assert_int_equal(es_sender_link_workers(w->link), 3);
    assert_int_equal(w->messages, 0);
    w->now += 2 * SECOND + SECOND / 2;
    es_sender_link_tick(w->link, w->now);
    assert_true(es_sender_link_ready(w->link));
    w->now += SECOND;
    es_sender_link_tick(w->link, w->now);
    assert_false(es_sender_link_ready(w->link));
    assert_int_equal(es_sender_link_workers(w->link), 0);
}

static void reports_once_a_second(void **state)
{
    world_t *w = *state;
    es_msg_t msg;
    char name[32];
    es_sender_link_tick(w->link, w->now);
    assert_int_equal(took(w, 0, ES_REPORT, &msg, name), 0); /* nothing to say yet */
    for (int i = 0; i <= 20; i++) {
        es_sender_link_report(w->link, "edge", 5, 100 + (uint64_t)i, 7);
        w->now += SECOND / 10;
        es_sender_link_tick(w->link, w->now);
    }
    assert_int_equal(took(w, 0, ES_REPORT, &msg, name), 2);
    assert_string_equal(name, "edge");
    assert_false(ES_HAS(&msg, ES_M_SERVICE));
    assert_int_equal(msg.load, 5);
    assert_int_equal(msg.count, 119);
    assert_int_equal(msg.lag_us, 7);
    es_sender_link_serves(w->link, "jobs");
    w->now += SECOND;
    es_sender_link_tick(w->link, w->now);
    assert_int_equal(took(w, 0, ES_REPORT, &msg, name), 1);
    assert_true(ES_HAS(&msg, ES_M_SERVICE));
}

static void the_last_report_says_so(void **state)
{
    world_t *w = *state;
    es_msg_t msg;
    char name[32];
    es_sender_link_report(w->link, "edge", 5, 100, 7);
    es_sender_link_tick(w->link, w->now);
    assert_int_equal(took(w, 0, ES_REPORT, &msg, name), 1);
    assert_int_equal(msg.flags, 0);
    es_sender_link_destroy(&w->link);
    assert_int_equal(took(w, 0, ES_REPORT, &msg, name), 1);
    assert_string_equal(name, "edge");
    assert_int_equal(msg.flags, ES_F_LEAVING);
}

static void a_predecessor_is_called_dead_once(void **state)
{
    world_t *w = *state;
    es_msg_t msg;
    char name[32];
    es_sender_link_succeeds(w->link, "abcdef", "jobs-1");
    for (int i = 0; i < 5; i++) es_sender_link_tick(w->link, w->now += SECOND);
    assert_int_equal(took(w, 0, ES_REPORT, &msg, name), 1);
    assert_string_equal(name, "jobs-1");
    assert_int_equal(msg.flags, ES_F_LEAVING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(the_set_of_live_brokers), WITH(who_leaves_is_left_at_once),
        WITH(keys_spread_and_stay),    WITH(standing_still_proves_nothing),
        WITH(probes_make_it_ready),    WITH(reports_once_a_second),
        WITH(the_last_report_says_so), WITH(a_predecessor_is_called_dead_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
