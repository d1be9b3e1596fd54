/* What comes and goes through a sender's link. Which brokers live, and what they are told, is test_sender_link_brokers.c. */
#include "sender_link_world.h"

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
        WITH(asked_to_drain),
        cmocka_unit_test(a_malformed_broker_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
