/* An actor that echoes frames, in a thread of its own; the test plays its two brokers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "actor_hand.h"
#include "actor_link.h"
#include "alloc.h"
#include "runner.h"
#include "wire.h"

#define ALICE "00000000000000aa"
#define BOB "00000000000000bb"

enum { DEADLINE_MS = 10000, BROKERS = 2, LARGE = 20000 };

typedef struct {
    void *router, *results;
} broker_t;

typedef struct {
    char bases[64];
    broker_t brokers[BROKERS];
    es_actor_link_config_t config;
    bool holds_streams, drain, drains_on_request;
    es_decoder_t *decoder;
    actor_hand_t actor;
    uint64_t inc;
    char hex[17];
    uint64_t malformed; /* before the test */
    /* the actor's side; read after it ended */
    es_actor_link_t *link;
    char heard[16]; /* first bytes of bodies */
    size_t n_heard;
    unsigned pinged;
    bool last_words; /* of the actor's own flush */
} world_t;

/* ---- the actor ---- */

static void say(world_t *w, es_span_t key, es_kind_t kind, const char *text, size_t body_len)
{
    static const char zeros[LARGE];
    es_msg_t msg = {.kind = kind, .seq = 1};
    ES_SET(&msg, ES_M_EXPECTED, expected, 2);
    ES_SET(&msg, ES_M_COMMITTED, committed, 1);
    ES_SET(&msg, ES_M_FROM, from_seq, 1);
    ES_SET(&msg, ES_M_TO, to_seq, 1);
    ES_SET(&msg, ES_M_TEXT, text, es_span(text));
    es_actor_link_publish(w->link, key, &msg, zeros, body_len);
}

/* `L` is answered by something large, that no bundle takes, and so is `?`, which is for the test's own start. */
static bool message(void *ctx, es_span_t key, const es_msg_t *msg, es_span_t body, uint64_t now_us)
{
    world_t *w = ctx;
    assert_true(now_us > 0);
    if (msg->kind != ES_FRAME) return false;
    char first[2] = {body.ptr[0], 0};
    bool large = first[0] == 'L' || first[0] == '?';
    if (first[0] != '?') {
        assert_true(w->n_heard + 1 < sizeof w->heard);
        w->heard[w->n_heard++] = first[0];
    }
    say(w, key, large ? ES_FINAL : ES_PARTIAL, first, large ? LARGE : 0);
    return true;
}

static void figures(void *ctx, es_actor_figures_t *out, uint64_t now_us)
{
    world_t *w = ctx;
    (void)now_us;
    assert_int_equal(out->load + out->count + out->lag_us, 0);
    *out = (es_actor_figures_t){.load = 3, .count = w->n_heard, .lag_us = 77};
}

static size_t streams(void *ctx, es_stream_ref_t **refs)
{
    world_t *w = ctx;
    if (!w->holds_streams) return 0;
    *refs = es_alloc(2 * sizeof **refs);
    (*refs)[0] = (es_stream_ref_t){.key = es_span(ALICE), .epoch = 5};
    (*refs)[1] = (es_stream_ref_t){.key = es_span(BOB), .epoch = UINT64_MAX};
    return 2;
}

static void pinged(void *ctx, uint64_t now_us)
{
    world_t *w = ctx;
    (void)now_us;
    w->pinged++;
    say(w, es_span(BOB), ES_PARTIAL, "pinged", 0);
}

static void own_flush(void *ctx)
{
    world_t *w = ctx;
    if (w->heard[0] != 'F' || w->last_words) return;
    w->last_words = true;
    say(w, es_span(BOB), ES_PARTIAL, "flush", 0);
}

static void actor_thread(zsock_t *pipe, void *args)
{
    static const es_actor_link_ops_t all = {message, figures, streams, pinged};
    static const es_actor_link_ops_t least = {.message = message, .figures = figures};
    world_t *w = args;
    w->link = es_actor_link_new(&w->config, w->holds_streams ? &all : &least, w);
    es_loop_t *loop = es_loop_new();
    es_loop_add_flush(loop, own_flush, w);
    es_actor_link_attach(w->link, loop);
    es_pipe_watch_t *watch = es_runner_watch_pipe(loop, pipe, NULL, NULL);
    if (w->drains_on_request) es_actor_link_on_drain(w->link, es_runner_drain, watch);
    w->inc = es_actor_link_incarnation(w->link);
    if (w->drain) es_actor_link_drain(w->link);
    if (w->drain) es_actor_link_drain(w->link);
    zsock_signal(pipe, 0);
    es_loop_run(loop);
    say(w, es_span(ALICE), ES_PARTIAL, "last", 0);
    es_actor_link_destroy(&w->link);
    es_actor_link_destroy(&w->link);
    es_loop_destroy(&loop);
}

/* ---- the brokers ---- */

static void *bound(int type, unsigned n, int which, const char *name)
{
    char at[64];
    snprintf(at, sizeof at, "inproc://actor-link-%u-%d-%s", n, which, name);
    void *socket = es_wire_socket(type, 1000);
    if (type == ZMQ_SUB) zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0);
    assert_int_equal(zmq_bind(socket, at), 0);
    return socket;
}

static int setup(void **state)
{
    static unsigned n;
    world_t *w = calloc(1, sizeof *w);
    snprintf(w->bases, sizeof w->bases, "inproc://actor-link-%u-0,inproc://actor-link-%u-1", n, n);
    w->config = (es_actor_link_config_t){.name = "echo-1", .service = "echo", .brokers = w->bases, .capacity = 8};
    w->decoder = es_decoder_new();
    w->malformed = es_metric_get(&es_actor_link_malformed);
    for (int i = 0; i < BROKERS; i++)
        w->brokers[i] = (broker_t){bound(ZMQ_ROUTER, n, i, "backend"), bound(ZMQ_SUB, n, i, "results")};
    n++;
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    world_t *w = *state;
    actor_hand_end(&w->actor);
    for (int i = 0; i < BROKERS; i++) {
        zmq_close(w->brokers[i].router);
        zmq_close(w->brokers[i].results);
    }
    es_decoder_destroy(&w->decoder);
    free(w);
    return 0;
}

static void start(world_t *w)
{
    actor_hand_start(&w->actor, actor_thread, w);
    es_hex16(w->inc, w->hex);
}

static bool arrives(void *socket, int wait_ms)
{
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};
    return zmq_poll(&item, 1, wait_ms) == 1;
}

/* The next message of this kind, not taken out of a bundle; others are skipped. */
static void expect(world_t *w, es_wire_t *wire, void *socket, uint32_t kind)
{
    bool backend = socket == w->brokers[0].router || socket == w->brokers[1].router;
    uint64_t end = es_now_us() + DEADLINE_MS * 1000u;
    while (es_now_us() < end && arrives(socket, DEADLINE_MS)) {
        assert_int_equal(es_wire_recv(wire, socket, backend, w->decoder), 0);
        assert_true(wire->ok);
        if (backend) assert_true(es_span_eq(es_wire_route(wire), es_span(w->hex)));
        if (backend) assert_true(es_span_eq(es_wire_key(wire), es_span(w->hex)));
        if (wire->msg.kind == kind && !es_span_eq(wire->msg.text, es_span("?"))) return;
        es_wire_close(wire);
    }
    fail_msg("no message of kind %u came", kind);
}

static void tell(world_t *w, int broker, es_span_t key, const es_msg_t *msg, es_span_t body)
{
    es_span_t route = es_span(w->hex);
    assert_int_equal(es_wire_send(w->brokers[broker].router, &route, key, msg, body.ptr, body.len), 0);
}

static es_msg_t a_frame(void)
{
    es_msg_t msg = {.kind = ES_FRAME, .epoch = 1, .seq = 1, .time_us = 1};
    ES_SET(&msg, ES_M_FLAGS, flags, 0);
    ES_SET(&msg, ES_M_POS, pos, 0);
    ES_SET(&msg, ES_M_COMMITTED, committed, 0);
    return msg;
}

static void frame(world_t *w, int broker, const char *body)
{
    es_msg_t msg = a_frame();
    tell(w, broker, es_span(ALICE), &msg, es_span(body));
}

static void heartbeat(world_t *w, int broker, es_msg_t *out)
{
    es_wire_t wire;
    tell(w, broker, es_span(w->hex), &(es_msg_t){.kind = ES_PING}, (es_span_t){0});
    expect(w, &wire, w->brokers[broker].router, ES_HEARTBEAT);
    *out = wire.msg;
    es_wire_close(&wire);
}

/* HELLO reached both brokers, and what the actor publishes too: a subscription takes a moment. */
static void running(world_t *w)
{
    es_wire_t wire;
    start(w);
    for (int i = 0; i < BROKERS; i++) {
        expect(w, &wire, w->brokers[i].router, ES_HELLO);
        es_wire_close(&wire);
        for (int tries = 0; !arrives(w->brokers[i].results, 20); tries++) {
            assert_true(tries < 500);
            frame(w, i, "?");
        }
    }
}

/* ---- tests ---- */

static void hello_says_what_is_served(void **state)
{
    world_t *w = *state;
    es_wire_t wire;
    start(w);
    for (int i = 0; i < BROKERS; i++) {
        expect(w, &wire, w->brokers[i].router, ES_HELLO);
        assert_true(es_span_eq(wire.msg.service, es_span("echo")));
        assert_true(es_span_eq(wire.msg.name, es_span("echo-1")));
        assert_int_equal(wire.msg.capacity, 8);
        assert_int_equal(wire.msg.load, 3);
        assert_int_equal(wire.msg.inc, w->inc);
        es_stream_ref_t refs[4];
        assert_int_equal(es_streams_decode(w->decoder, es_wire_body(&wire).ptr, es_wire_body(&wire).len, refs, 4), 0);
        es_wire_close(&wire);
    }
}

static void asked_who_it_is_it_lists_its_streams(void **state)
{
    world_t *w = *state;
    es_wire_t wire;
    es_stream_ref_t refs[4];
    w->holds_streams = true;
    running(w);
    tell(w, 1, es_span(w->hex), &(es_msg_t){.kind = ES_WHO_ARE_YOU}, (es_span_t){0});
    expect(w, &wire, w->brokers[1].router, ES_HELLO);
    assert_int_equal(es_streams_decode(w->decoder, es_wire_body(&wire).ptr, es_wire_body(&wire).len, refs, 4), 2);
    assert_true(es_span_eq(refs[0].key, es_span(ALICE)));
    assert_int_equal(refs[0].epoch, 5);
    assert_int_equal(refs[1].epoch, UINT64_MAX);
    es_wire_close(&wire);
}

static void messages_come_in_order_bundled_or_not(void **state)
{
    world_t *w = *state;
    static es_bundle_t bundle;
    es_msg_t msg = a_frame(), beat;
    running(w);
    es_bundle_clear(&bundle);
    frame(w, 0, "a");
    assert_int_equal(es_bundle_add(&bundle, es_span(ALICE), &msg, "b", 1), ES_BUNDLE_TAKEN);
    assert_int_equal(es_bundle_add(&bundle, es_span(BOB), &msg, "c", 1), ES_BUNDLE_TAKEN);
    tell(w, 0, es_span(ES_BUNDLE_KEY), &(es_msg_t){.kind = ES_BUNDLE}, es_span_of((char *)bundle.data, bundle.len));
    frame(w, 0, "d");
    heartbeat(w, 0, &beat);
    assert_int_equal(beat.count, 4);
    actor_hand_end(&w->actor);
    assert_string_equal(w->heard, "abcd");
    assert_int_equal(es_metric_get(&es_actor_link_malformed), w->malformed);
}

static void what_is_not_for_it_is_counted(void **state)
{
    world_t *w = *state;
    static es_bundle_t bundle;
    es_msg_t msg = a_frame(), beat;
    es_bundle_item_t garbage = {es_span(ALICE), es_span("garbage"), {0}};
    running(w);
    es_bundle_clear(&bundle);
    assert_int_equal(es_bundle_add(&bundle, es_span(ALICE), &msg, "a", 1), ES_BUNDLE_TAKEN);
    assert_true(es_bundle_append(&bundle, &garbage)); /* 1: skipped alone */
    assert_int_equal(es_bundle_add(&bundle, es_span(ALICE), &msg, "b", 1), ES_BUNDLE_TAKEN);
    bundle.data[bundle.len++] = 200; /* 2: a key's length without a key */
    tell(w, 0, es_span(ES_BUNDLE_KEY), &(es_msg_t){.kind = ES_BUNDLE}, es_span_of((char *)bundle.data, bundle.len));
    tell(w, 0, es_span(ALICE), &(es_msg_t){.kind = ES_CLOSE}, (es_span_t){0}); /* 3: the actor does not want it */
    assert_int_equal(zmq_send(w->brokers[0].router, w->hex, 16, ZMQ_SNDMORE), 16);
    assert_int_equal(zmq_send(w->brokers[0].router, "garbage", 7, 0), 7); /* 4 */
    heartbeat(w, 0, &beat);
    assert_int_equal(es_metric_get(&es_actor_link_malformed), w->malformed + 4);
    actor_hand_end(&w->actor);
    assert_string_equal(w->heard, "ab");
}

static void a_heartbeat_has_the_figures(void **state)
{
    world_t *w = *state;
    es_msg_t beat;
    es_wire_t wire;
    w->holds_streams = true; /* with all ops */
    running(w);
    heartbeat(w, 1, &beat);
    assert_int_equal(beat.inc, w->inc);
    assert_int_equal(beat.load, 3);
    assert_int_equal(beat.count, 0);
    assert_int_equal(beat.lag_us, 77);
    expect(w, &wire, w->brokers[0].results, ES_PARTIAL); /* what is said again goes to all */
    assert_true(es_span_eq(wire.msg.text, es_span("pinged")));
    es_wire_close(&wire);
    actor_hand_end(&w->actor);
    assert_int_equal(w->pinged, 1);
}

/* What is too large for a bundle leaves after what was said before it. */
static void every_broker_hears_all_in_order(void **state)
{
    world_t *w = *state;
    es_wire_t wire;
    static es_bundle_t bundle;
    es_msg_t msg = a_frame();
    running(w);
    es_bundle_clear(&bundle);
    for (const char *c = "aLb"; *c; c++)
        assert_int_equal(es_bundle_add(&bundle, es_span(ALICE), &msg, c, 1), ES_BUNDLE_TAKEN);
    tell(w, 0, es_span(ES_BUNDLE_KEY), &(es_msg_t){.kind = ES_BUNDLE}, es_span_of((char *)bundle.data, bundle.len));
    for (int i = 0; i < BROKERS; i++) {
        const char *expected[] = {"a", "L", "b"};
        for (int k = 0; k < 3; k++) {
            expect(w, &wire, w->brokers[i].results, k == 1 ? ES_FINAL : ES_PARTIAL);
            assert_true(es_span_eq(es_wire_key(&wire), es_span(ALICE)));
            assert_true(es_span_eq(wire.msg.text, es_span(expected[k])));
            assert_int_equal(es_wire_body(&wire).len, k == 1 ? LARGE : 0);
            assert_int_equal(wire.msg.inc, w->inc);
            assert_true(wire.msg.time_us > 0);
            es_wire_close(&wire);
        }
    }
}

static void an_earlier_flush_leaves_with_the_turn(void **state)
{
    world_t *w = *state;
    es_wire_t wire;
    es_bundle_item_t item;
    es_msg_t msg;
    running(w);
    frame(w, 0, "F");
    expect(w, &wire, w->brokers[0].results, ES_BUNDLE);
    es_span_t rest = es_wire_body(&wire);
    assert_int_equal(es_wire_unbundle(&rest, w->decoder, &item, &msg), 1);
    assert_true(es_span_eq(msg.text, es_span("F")));
    assert_int_equal(es_wire_unbundle(&rest, w->decoder, &item, &msg), 1);
    assert_true(es_span_eq(msg.text, es_span("flush")));
    assert_int_equal(es_wire_unbundle(&rest, w->decoder, &item, &msg), 0);
    es_wire_close(&wire);
}

static void at_the_end_it_says_the_last_words_and_goodbye(void **state)
{
    world_t *w = *state;
    es_wire_t wire;
    running(w);
    actor_hand_end(&w->actor);
    for (int i = 0; i < BROKERS; i++) {
        expect(w, &wire, w->brokers[i].router, ES_GOODBYE);
        assert_int_equal(wire.msg.inc, w->inc);
        es_wire_close(&wire);
        expect(w, &wire, w->brokers[i].results, ES_PARTIAL);
        assert_true(es_span_eq(wire.msg.text, es_span("last")));
        es_wire_close(&wire);
    }
}

static void draining_it_has_no_capacity(void **state)
{
    world_t *w = *state;
    es_wire_t wire;
    w->drain = true;
    start(w);
    for (int i = 0; i < BROKERS; i++) {
        expect(w, &wire, w->brokers[i].router, ES_HELLO);
        assert_int_equal(wire.msg.capacity, 0);
        es_wire_close(&wire);
    }
}

static void asked_to_drain_it_ends(void **state)
{
    world_t *w = *state;
    es_wire_t wire;
    es_msg_t msg = {.kind = ES_DRAIN};
    ES_SET(&msg, ES_M_NAME, name, es_span("echo-1"));
    w->drains_on_request = true;
    running(w);
    tell(w, 1, es_span(w->hex), &msg, es_span(NULL));
    for (int i = 0; i < BROKERS; i++) {
        expect(w, &wire, w->brokers[i].router, ES_GOODBYE);
        es_wire_close(&wire);
    }
    /* Its first word of two; actor_hand_end waits for the last one. */
    assert_int_equal(zsock_wait(w->actor.actor), ES_RUNNER_LEAVING);
    assert_int_equal(es_metric_get(&es_actor_link_malformed), w->malformed);
}

static void one_that_does_not_drain_on_request(void **state)
{
    world_t *w = *state;
    es_wire_t wire;
    es_msg_t drain = {.kind = ES_DRAIN}, ping = {.kind = ES_PING};
    ES_SET(&drain, ES_M_NAME, name, es_span("echo-1"));
    running(w);
    tell(w, 0, es_span(w->hex), &drain, es_span(NULL));
    tell(w, 0, es_span(w->hex), &ping, es_span(NULL));
    expect(w, &wire, w->brokers[0].router, ES_HEARTBEAT);
    es_wire_close(&wire);
    assert_int_equal(es_metric_get(&es_actor_link_malformed), w->malformed + 1);
}

static void a_malformed_configuration_is_refused(void **state)
{
    (void)state;
    const es_actor_link_config_t good = {.name = "n", .service = "s", .brokers = "inproc://nobody", .capacity = 1};
    es_actor_link_config_t bad[] = {good, good, good, good};
    bad[0].brokers = "nowhere";
    bad[1].service = "";
    bad[2].name = "\xff"; /* HELLO could not carry it */
    bad[3].name = "12345678901234567890123456789012345678901234567890123456789012345";
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) assert_null(es_actor_link_new(&bad[i], NULL, NULL));
    assert_ptr_equal(es_actor_link_metrics()[0], &es_actor_link_malformed);
}

#define WITH(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(hello_says_what_is_served),
        WITH(asked_who_it_is_it_lists_its_streams),
        WITH(messages_come_in_order_bundled_or_not),
        WITH(what_is_not_for_it_is_counted),
        WITH(a_heartbeat_has_the_figures),
        WITH(every_broker_hears_all_in_order),
        WITH(an_earlier_flush_leaves_with_the_turn),
        WITH(at_the_end_it_says_the_last_words_and_goodbye),
        WITH(draining_it_has_no_capacity),
        WITH(asked_to_drain_it_ends),
        WITH(one_that_does_not_drain_on_request),
        cmocka_unit_test(a_malformed_configuration_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
