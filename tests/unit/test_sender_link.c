/* The link in the test's own thread, on a clock that the test sets; brokers are plain sockets beside it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sender_link.h"
#include "wire.h"

#define PREFIX "abcdef"
#define CLIENT "abcdef0123456789"

enum { SECOND = 1000000 };

typedef struct {
    void *frontend, *publish;
    char base[64];
} broker_t;

typedef struct {
    broker_t brokers[2];
    es_decoder_t *decoder;
    es_sender_link_t *link;
    uint64_t now;
    unsigned messages, changes, drains, beacons;
    size_t beacon_len;
    es_msg_t last;
    int last_broker;
    char last_key[32], last_body[32];
} world_t;

static void on_message(void *ctx, int broker, es_span_t key, const es_msg_t *msg, const void *body, size_t len,
                       uint64_t now_us)
{
    world_t *w = ctx;
    w->last_broker = broker;
    w->messages++;
    w->last = *msg;
    assert_int_equal(now_us, w->now);
    snprintf(w->last_key, sizeof w->last_key, "%.*s", (int)key.len, key.ptr);
    snprintf(w->last_body, sizeof w->last_body, "%.*s", (int)len, len ? (const char *)body : "");
}

static void on_changed(void *ctx, uint64_t now_us)
{
    world_t *w = ctx;
    (void)now_us;
    w->changes++;
}

static void on_drain(void *ctx, uint64_t now_us)
{
    world_t *w = ctx;
    assert_int_equal(now_us, w->now);
    w->drains++;
}

static void on_beacon(void *ctx, es_span_t key, const es_msg_t *msg, es_span_t body, uint64_t now_us)
{
    world_t *w = ctx;
    (void)now_us;
    assert_int_equal(msg->kind, ES_BEACON);
    assert_memory_equal(key.ptr, "sys/", 4);
    w->beacon_len = body.len;
    w->beacons++;
}

static void *bound(int type, const char *base, const char *name)
{
    char at[96];
    void *socket = zmq_socket(zsys_init(), type);
    snprintf(at, sizeof at, "%s-%s", base, name);
    es_wire_options(socket, 1000);
    assert_int_equal(zmq_bind(socket, at), 0);
    return socket;
}

static int setup(void **state)
{
    static const es_sender_link_ops_t ops = {
        .message = on_message, .changed = on_changed, .beacon = on_beacon, .drain = on_drain};
    static unsigned n;
    char list[160];
    world_t *w = calloc(1, sizeof *w);
    for (int i = 0; i < 2; i++) {
        broker_t *b = &w->brokers[i];
        snprintf(b->base, sizeof b->base, "inproc://link-%u", n++);
        b->frontend = bound(ZMQ_PULL, b->base, "frontend");
        b->publish = bound(ZMQ_XPUB, b->base, "publish");
    }
    snprintf(list, sizeof list, "%s,%s", w->brokers[0].base, w->brokers[1].base);
    w->now = 100 * SECOND;
    w->decoder = es_decoder_new();
    w->link = es_sender_link_new(list, PREFIX, &ops, w);
    assert_non_null(w->link);
    /* Both subscriptions of both brokers arrive. */
    for (int i = 0; i < 4; i++) {
        char data[32];
        zmq_pollitem_t item = {.socket = w->brokers[i / 2].publish, .events = ZMQ_POLLIN};
        assert_int_equal(zmq_poll(&item, 1, 5000), 1);
        int len = zmq_recv(w->brokers[i / 2].publish, data, sizeof data, 0);
        assert_true((len == 7 && memcmp(data, "\1" PREFIX, 7) == 0) || (len == 5 && memcmp(data, "\1sys/", 5) == 0));
    }
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    world_t *w = *state;
    es_sender_link_destroy(&w->link);
    es_sender_link_destroy(&w->link);
    for (int i = 0; i < 2; i++) {
        zmq_close(w->brokers[i].frontend);
        zmq_close(w->brokers[i].publish);
    }
    es_decoder_destroy(&w->decoder);
    free(w);
    return 0;
}

static void publish(world_t *w, int broker, const char *key, const es_msg_t *msg, const char *body)
{
    void *sockets[2];
    assert_int_equal(es_wire_send(w->brokers[broker].publish, NULL, es_span(key), msg, body, body ? strlen(body) : 0),
                     0);
    assert_int_equal(es_sender_link_sockets(w->link, sockets, 2), 2);
    zmq_pollitem_t item = {.socket = sockets[broker], .events = ZMQ_POLLIN};
    assert_int_equal(zmq_poll(&item, 1, 5000), 1);
    assert_false(es_sender_link_drain(w->link, 100, w->now));
}

static void beacon_with(world_t *w, int broker, const char *inc, uint64_t flags)
{
    char key[32];
    es_msg_t msg = {.kind = ES_BEACON};
    if (flags) ES_SET(&msg, ES_M_FLAGS, flags, flags);
    snprintf(key, sizeof key, "sys/%s", inc);
    publish(w, broker, key, &msg, NULL);
}

static void beacon(world_t *w, int broker, const char *inc)
{
    beacon_with(w, broker, inc, 0);
}

#define INC_A "00000000000000a1"
#define INC_B "00000000000000b2"

static void messages_are_handed_over(void **state)
{
    world_t *w = *state;
    es_msg_t msg = {.kind = ES_WAIT, .epoch = 3, .seq = 9};
    ES_SET(&msg, ES_M_PLACE, place, 2);
    publish(w, 1, CLIENT, &msg, NULL);
    assert_int_equal(w->messages, 1);
    assert_string_equal(w->last_key, CLIENT);
    assert_int_equal(w->last.kind, ES_WAIT);
    assert_int_equal(w->last.place, 2);
    assert_int_equal(w->last_broker, 1);
    publish(w, 0, CLIENT, &msg, NULL);
    assert_int_equal(w->last_broker, 0);
}

static void malformed_ones_are_counted_only(void **state)
{
    world_t *w = *state;
    void *sockets[2];
    es_sender_link_sockets(w->link, sockets, 2);
    assert_int_equal(zmq_send(w->brokers[0].publish, CLIENT, 16, ZMQ_SNDMORE), 16);
    assert_int_equal(zmq_send(w->brokers[0].publish, "junk", 4, 0), 4);
    zmq_pollitem_t item = {.socket = sockets[0], .events = ZMQ_POLLIN};
    assert_int_equal(zmq_poll(&item, 1, 5000), 1);
    es_sender_link_drain(w->link, 100, w->now);
    assert_int_equal(w->messages, 0);
}

static void one_bad_item_leaves_the_others_alone(void **state)
{
    world_t *w = *state;
    void *sockets[2];
    static es_bundle_t bundle;
    es_msg_t ack = {.kind = ES_ACK, .epoch = 1, .seq = 1, .time_us = 1};
    ES_SET(&ack, ES_M_INC, inc, 1);
    ES_SET(&ack, ES_M_EXPECTED, expected, 2);
    ES_SET(&ack, ES_M_COMMITTED, committed, 0);
    es_bundle_item_t bad = {.key = es_span(CLIENT), .envelope = es_span("junk")};
    es_bundle_clear(&bundle);
    assert_int_equal(es_bundle_add(&bundle, es_span(CLIENT), &ack, NULL, 0), ES_BUNDLE_TAKEN);
    assert_true(es_bundle_append(&bundle, &bad));
    ack.epoch = 2;
    assert_int_equal(es_bundle_add(&bundle, es_span(CLIENT), &ack, NULL, 0), ES_BUNDLE_TAKEN);
    assert_int_equal(es_wire_send_bundle(w->brokers[1].publish, NULL, es_span(PREFIX "*"), &bundle), 0);
    es_sender_link_sockets(w->link, sockets, 2);
    zmq_pollitem_t item = {.socket = sockets[1], .events = ZMQ_POLLIN};
    assert_int_equal(zmq_poll(&item, 1, 5000), 1);
    es_sender_link_drain(w->link, 100, w->now);
    assert_int_equal(w->messages, 2);
    assert_int_equal(w->last.epoch, 2);
    assert_int_equal(w->last_broker, 1);
}

static uint64_t figure(const char *name)
{
    for (es_metric_t *const *m = es_sender_link_metrics(); *m; m++)
        if (!strcmp((*m)->name, name)) return es_metric_get(*m);
    fail_msg("no figure %s", name);
    return 0;
}

static void on_transmit(void *ctx, const es_msg_t *msg, const void *body, size_t len)
{
    (void)ctx, (void)msg, (void)body, (void)len;
}

static void on_deliver(void *ctx, const es_msg_t *final, const void *words, size_t len)
{
    (void)words, (void)len;
    *(uint64_t *)ctx = final->inc;
}

static void on_nothing(void *ctx)
{
    (void)ctx;
}

static es_msg_t final_of(uint64_t inc)
{
    es_msg_t msg = {.kind = ES_FINAL, .epoch = 1, .seq = 1};
    ES_SET(&msg, ES_M_INC, inc, inc);
    ES_SET(&msg, ES_M_EXPECTED, expected, 2);
    ES_SET(&msg, ES_M_FROM, from_seq, 1);
    ES_SET(&msg, ES_M_TO, to_seq, 1);
    return msg;
}

static void streams_hear_their_own_broker(void **state)
{
    (void)state;
    static const es_sender_ops_t ops = {
        .transmit = on_transmit, .deliver = on_deliver, .done = on_nothing, .writable = on_nothing};
    uint64_t heard = 0, before = figure("earshot_sender_link_astray_total");
    es_sender_t *sender = es_sender_new(NULL, &ops, &heard, 0);
    es_msg_t worker = final_of(7), rogue = final_of(8);
    es_sender_push(sender, 0, 0, "\1\2", 2, 0, 1);
    es_sender_push(sender, 0, 1, "\1\2", 2, 0, 1);
    es_sender_link_deliver(sender, false, &worker, NULL, 0, 1); /* the copy may come first */
    assert_int_equal(heard, 0);
    es_sender_link_deliver(sender, true, &worker, NULL, 0, 1);
    assert_int_equal(heard, 7);
    es_sender_link_deliver(sender, false, &worker, NULL, 0, 1);
    assert_int_equal(figure("earshot_sender_link_astray_total"), before);
    es_sender_link_deliver(sender, false, &rogue, NULL, 0, 1);
    assert_int_equal(figure("earshot_sender_link_astray_total"), before + 1);
    assert_int_equal(heard, 7);
    es_sender_destroy(&sender);
}

static void draining_stops_at_the_limit(void **state)
{
    world_t *w = *state;
    es_msg_t msg = {.kind = ES_CLOSE};
    for (int i = 0; i < 5; i++)
        assert_int_equal(es_wire_send(w->brokers[0].publish, NULL, es_span(CLIENT), &msg, NULL, 0), 0);
    publish(w, 1, CLIENT, &msg, NULL);
    unsigned before = w->messages;
    while (w->messages < 6) es_sender_link_drain(w->link, 2, w->now);
    assert_true(before >= 1);
    for (int i = 0; i < 2; i++)
        assert_int_equal(es_wire_send(w->brokers[0].publish, NULL, es_span(CLIENT), &msg, NULL, 0), 0);
    bool more = false;
    while (!more) more = es_sender_link_drain(w->link, 1, w->now); /* one of two: there may be more */
}

static void sends_to_the_broker_named(void **state)
{
    world_t *w = *state;
    es_wire_t wire;
    es_msg_t msg = {.kind = ES_CLOSE, .epoch = 1};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(es_sender_link_send(w->link, i, es_span(CLIENT), &msg, NULL, 0), 0);
        zmq_pollitem_t item = {.socket = w->brokers[i].frontend, .events = ZMQ_POLLIN};
        assert_int_equal(zmq_poll(&item, 1, 5000), 1);
        assert_int_equal(es_wire_recv(&wire, w->brokers[i].frontend, false, w->decoder), 0);
        assert_true(wire.ok && wire.msg.kind == ES_CLOSE);
        es_wire_close(&wire);
    }
}

static void beacons_are_handed_on_with_what_they_say(void **state)
{
    world_t *w = *state;
    beacon(w, 0, INC_A);
    publish(w, 1, "sys/" INC_B, &(es_msg_t){.kind = ES_BEACON}, "\x80");
    assert_int_equal(w->beacons, 2);
    assert_int_equal(w->beacon_len, 1);
    assert_int_equal(w->messages, 0);
}

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

static void asked_to_drain(void **state)
{
    world_t *w = *state;
    es_msg_t msg = {.kind = ES_DRAIN};
    ES_SET(&msg, ES_M_NAME, name, es_span("edge"));
    publish(w, 0, PREFIX "0000000001", &msg, NULL); /* a client's key */
    assert_int_equal(w->drains, 0);
    publish(w, 0, PREFIX "0000000000", &msg, NULL);
    assert_int_equal(w->drains, 1);
    assert_int_equal(w->messages, 0);
}

static void a_malformed_broker_is_refused(void **state)
{
    (void)state;
    assert_null(es_sender_link_new("tcp://", PREFIX, NULL, NULL));
    assert_non_null(es_sender_link_metrics()[0]);
}

#define WITH(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(messages_are_handed_over),
        WITH(malformed_ones_are_counted_only),
        WITH(one_bad_item_leaves_the_others_alone),
        WITH(draining_stops_at_the_limit),
        WITH(streams_hear_their_own_broker),
        WITH(beacons_are_handed_on_with_what_they_say),
        WITH(sends_to_the_broker_named),
        WITH(the_set_of_live_brokers),
        WITH(who_leaves_is_left_at_once),
        WITH(keys_spread_and_stay),
        WITH(standing_still_proves_nothing),
        WITH(probes_make_it_ready),
        WITH(reports_once_a_second),
        WITH(the_last_report_says_so),
        WITH(a_predecessor_is_called_dead_once),
        WITH(asked_to_drain),
        cmocka_unit_test(a_malformed_broker_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
