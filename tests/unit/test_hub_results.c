/* Results of peers with a key, over real sockets: what the catalogue forbids is not relayed, so that nobody has subscribers hold more than it allows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bundle.h"
#include "curve_hub_world.h"

static char zeros[ES_BUNDLE_MAX + 1024];

/* A transcriber that is heard, and somebody who observes a single client: nothing is put into bundles then. */
static int setup_transcriber(void **state)
{
    assert_int_equal(setup(state), 0);
    curve_world_t *c = *state;
    uint64_t subscribed = es_metric_get(&es_broker_subscribe_total);
    zmq_setsockopt(c->w.sub, ZMQ_SUBSCRIBE, CLIENT, strlen(CLIENT));
    await_metric(&es_broker_subscribe_total, subscribed);
    es_key_t key = make_key(c, ES_ROLE_TRANSCRIBER, "t", true);
    c->w.inc = 7;
    c->w.pub = dial(c, ZMQ_PUB, c->far.results, &key, 0);
    results_come_through(&c->w, OTHER);
    return 0;
}

/* The kinds that came before a result on OTHER that was said last: of those on CLIENT. */
static bool came_through(curve_world_t *c, uint32_t kind)
{
    bool came = false;
    es_msg_t last = {.kind = ES_PARTIAL, .epoch = 1};
    ES_SET(&last, ES_M_INC, inc, 7);
    ES_SET(&last, ES_M_FROM, from_seq, 1);
    ES_SET(&last, ES_M_TO, to_seq, 1);
    ES_SET(&last, ES_M_TEXT, text, es_span("last"));
    assert_int_equal(es_wire_send(c->w.pub, NULL, es_span(OTHER), &last, NULL, 0), 0);
    for (es_wire_t wire;;) {
        zmq_pollitem_t item = {.socket = c->w.sub, .events = ZMQ_POLLIN};
        assert_int_equal(zmq_poll(&item, 1, DEADLINE_US / 1000), 1);
        if (es_wire_recv(&wire, c->w.sub, false, c->w.decoder) != 0) continue;
        bool end = wire.ok && wire.msg.kind == ES_PARTIAL;
        came = came || (wire.msg.kind == kind && es_span_eq(es_wire_key(&wire), es_span(CLIENT)));
        es_wire_close(&wire);
        if (end) return came;
    }
}

static bool is_relayed(curve_world_t *c, const char *key, const es_msg_t *msg, size_t body_len)
{
    uint64_t malformed = es_metric_get(&es_broker_malformed_results);
    assert_int_equal(es_wire_send(c->w.pub, NULL, es_span(key), msg, zeros, body_len), 0);
    bool came = came_through(c, msg->kind);
    assert_int_equal(es_metric_get(&es_broker_malformed_results), malformed + !came);
    return came;
}

static es_msg_t final_of(uint64_t epoch)
{
    es_msg_t msg = {.kind = ES_FINAL, .epoch = epoch, .seq = 1};
    ES_SET(&msg, ES_M_INC, inc, 7);
    ES_SET(&msg, ES_M_EXPECTED, expected, 2);
    ES_SET(&msg, ES_M_COMMITTED, committed, 1);
    ES_SET(&msg, ES_M_FROM, from_seq, 1);
    ES_SET(&msg, ES_M_TO, to_seq, 1);
    return msg;
}

static void bodies_are_as_large_as_their_kind_allows(void **state)
{
    curve_world_t *c = *state;
    es_msg_t final = final_of(1), ack = {.kind = ES_ACK, .epoch = 1};
    ES_SET(&ack, ES_M_INC, inc, 7);
    ES_SET(&ack, ES_M_EXPECTED, expected, 2);
    ES_SET(&ack, ES_M_COMMITTED, committed, 1);
    assert_true(is_relayed(c, CLIENT, &ack, 0));
    assert_false(is_relayed(c, CLIENT, &ack, 1));
    assert_true(is_relayed(c, CLIENT, &final, ES_WORDS_MAX));
    assert_false(is_relayed(c, CLIENT, &final, ES_WORDS_MAX + 1));
}

static void what_a_kind_must_have_is_there(void **state)
{
    curve_world_t *c = *state;
    es_msg_t final = final_of(1);
    assert_true(is_relayed(c, CLIENT, &final, 0));
    final.present &= ~ES_BIT(ES_M_TO);
    assert_false(is_relayed(c, CLIENT, &final, 0));
}

/* The same in a bundle, of which the rest comes through. */
static void the_same_is_asked_of_what_is_bundled(void **state)
{
    static es_bundle_t bundle;
    curve_world_t *c = *state;
    uint64_t malformed = es_metric_get(&es_broker_malformed_results);
    es_msg_t final = final_of(1), wrong = final;
    final.time_us = wrong.time_us = 1;
    wrong.present &= ~ES_BIT(ES_M_TO);
    es_bundle_clear(&bundle);
    assert_int_equal(es_bundle_add(&bundle, es_span(CLIENT), &wrong, NULL, 0), ES_BUNDLE_TAKEN);
    assert_int_equal(es_bundle_add(&bundle, es_span(CLIENT), &final, NULL, 0), ES_BUNDLE_TAKEN);
    assert_int_equal(es_wire_send_bundle(c->w.pub, NULL, es_span(ES_BUNDLE_KEY), &bundle), 0);
    assert_true(came_through(c, ES_FINAL));
    assert_int_equal(es_metric_get(&es_broker_malformed_results), malformed + 1);
}

static void a_bundle_is_no_larger_than_it_may_be(void **state)
{
    static es_bundle_t bundle;
    curve_world_t *c = *state;
    es_msg_t msg = {.kind = ES_BUNDLE}, final = final_of(1);
    uint64_t malformed = es_metric_get(&es_broker_malformed_results);
    final.time_us = 1;
    es_bundle_clear(&bundle);
    while (es_bundle_add(&bundle, es_span(CLIENT), &final, NULL, 0) == ES_BUNDLE_TAKEN) {
    }
    memcpy(zeros, bundle.data, bundle.len);
    memcpy(zeros + bundle.len, bundle.data, sizeof zeros - bundle.len);
    assert_int_equal(es_wire_send(c->w.pub, NULL, es_span(ES_BUNDLE_KEY), &msg, zeros, ES_BUNDLE_MAX + 1), 0);
    memset(zeros, 0, sizeof zeros);
    assert_false(came_through(c, ES_FINAL));
    assert_int_equal(es_metric_get(&es_broker_malformed_results), malformed + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(bodies_are_as_large_as_their_kind_allows, setup_transcriber, teardown),
        cmocka_unit_test_setup_teardown(what_a_kind_must_have_is_there, setup_transcriber, teardown),
        cmocka_unit_test_setup_teardown(the_same_is_asked_of_what_is_bundled, setup_transcriber, teardown),
        cmocka_unit_test_setup_teardown(a_bundle_is_no_larger_than_it_may_be, setup_transcriber, teardown),
    };
    es_log_init("test", ES_LOG_ERROR, false);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
