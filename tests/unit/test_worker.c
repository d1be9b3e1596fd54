/* A worker in a thread of its own; the test plays the broker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "actor_hand.h"
#include "runner.h"
#include "wire.h"
#include "worker.h"

#define ALICE "00000000000000aa"
#define BOB "00000000000000bb"
#define CAROL "00000000000000cc"
#define TRACE          \
    "\0"               \
    "0123456789abcdef" \
    "01234567"

enum { DEADLINE_MS = 10000 };

typedef struct {
    char base[64];
    es_worker_config_t config;
    bool silent;               /* the engine gives no finals by itself */
    bool drain;                /* at once */
    es_span_t partial, reason; /* what the engine says */
    void *router, *results;
    es_decoder_t *decoder;
    actor_hand_t actor;
    uint64_t inc;
    char hex[17];
    /* the worker's side; read after it ended */
    unsigned opened, closed, ended, frames;
    char last_language[16];
    es_wire_t bundle; /* being taken apart */
    bool bundled;
    es_span_t rest;
} world_t;

static void *engine_open(void *ctx, es_stream_t *stream, const es_msg_t *start)
{
    world_t *w = ctx;
    w->opened++;
    assert_int_equal(strlen(es_stream_key(stream)), 16);
    assert_int_equal(es_stream_epoch(stream), start->epoch);
    snprintf(w->last_language, sizeof w->last_language, "%.*s", (int)start->language.len, start->language.ptr);
    return w;
}

static void engine_frame(void *state, es_stream_t *stream, const es_msg_t *frame, const void *pcm, size_t bytes)
{
    world_t *w = state;
    w->frames++;
    es_stream_partial(stream, frame->seq, w->partial, frame->pos, frame->pos + bytes / 2);
    if (w->silent && !(frame->flags & ES_F_EOS)) return;
    es_final_t final = {.to_seq = frame->seq,
                        .text = es_span_of(pcm, bytes),
                        .reason = w->reason,
                        .start = frame->pos,
                        .end = frame->pos + 1};
    es_stream_final(stream, &final);
}

static void engine_close(void *state, es_stream_t *stream)
{
    world_t *w = state;
    w->closed++;
    if (es_stream_ended(stream)) w->ended++;
}

static void worker_thread(zsock_t *pipe, void *args)
{
    static const es_worker_ops_t ops = {.open = engine_open, .frame = engine_frame, .close = engine_close};
    world_t *w = args;
    es_worker_t *worker = es_worker_new(&w->config, &ops, w);
    es_loop_t *loop = es_loop_new();
    es_worker_attach(worker, loop);
    es_runner_watch_pipe(loop, pipe, NULL, NULL);
    w->inc = es_worker_incarnation(worker);
    if (w->drain) es_worker_drain(worker);
    zsock_signal(pipe, 0);
    es_loop_run(loop);
    es_worker_destroy(&worker);
    es_worker_destroy(&worker);
    es_loop_destroy(&loop);
}

static void *bound(int type, const char *base, const char *name)
{
    char at[96];
    snprintf(at, sizeof at, "%s-%s", base, name);
    void *socket = zmq_socket(zsys_init(), type);
    es_wire_options(socket, 1000);
    if (type == ZMQ_SUB) zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0);
    assert_int_equal(zmq_bind(socket, at), 0);
    return socket;
}

static void broker_up(world_t *w)
{
    w->router = bound(ZMQ_ROUTER, w->base, "backend");
    w->results = bound(ZMQ_SUB, w->base, "results");
}

static int setup(void **state)
{
    static unsigned n;
    world_t *w = calloc(1, sizeof *w);
    snprintf(w->base, sizeof w->base, "inproc://worker-%u", n++);
    w->config = (es_worker_config_t){.name = "w-1", .service = "transcribe", .brokers = w->base, .capacity = 8};
    w->partial = es_span("par");
    w->decoder = es_decoder_new();
    broker_up(w);
    *state = w;
    return 0;
}

static void start(world_t *w)
{
    actor_hand_start(&w->actor, worker_thread, w);
    es_hex16(w->inc, w->hex);
}

/* libzmq removes the file of an ipc endpoint some time after the socket is closed, or never where the process ends first. */
static void remove_files(const world_t *w)
{
    char path[96];
    if (strncmp(w->base, "ipc://", 6) != 0) return;
    snprintf(path, sizeof path, "%s-backend", w->base + 6);
    unlink(path);
    snprintf(path, sizeof path, "%s-results", w->base + 6);
    unlink(path);
}

static int teardown(void **state)
{
    world_t *w = *state;
    actor_hand_end(&w->actor);
    zmq_close(w->router);
    zmq_close(w->results);
    remove_files(w);
    if (w->bundled) es_wire_close(&w->bundle);
    es_decoder_destroy(&w->decoder);
    free(w);
    return 0;
}

/* The next message, out of a bundle too. False: none came in time. */
static bool receive(world_t *w, es_wire_t *wire, void *socket)
{
    es_msg_t msg;
    es_bundle_item_t part;
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};
    if (!w->rest.len) {
        if (zmq_poll(&item, 1, DEADLINE_MS) != 1) return false;
        assert_int_equal(es_wire_recv(wire, socket, socket == w->router, w->decoder), 0);
        assert_true(wire->ok);
        if (wire->msg.kind != ES_BUNDLE) return true;
        if (w->bundled) es_wire_close(&w->bundle);
        w->bundle = *wire;
        w->bundled = true;
        w->rest = es_wire_body(&w->bundle);
    }
    assert_int_equal(es_wire_unbundle(&w->rest, w->decoder, &part, &msg), 1);
    *wire = (es_wire_t){.msg = msg, .ok = true, .has_body = part.body.len > 0};
    zmq_msg_init_size(&wire->key, part.key.len);
    memcpy(zmq_msg_data(&wire->key), part.key.ptr, part.key.len);
    zmq_msg_init(&wire->envelope);
    if (!part.body.len) return true;
    zmq_msg_init_size(&wire->body, part.body.len);
    memcpy(zmq_msg_data(&wire->body), part.body.ptr, part.body.len);
    return true;
}

/* The next message of one of two kinds; others are skipped. */
static void expect_either(world_t *w, es_wire_t *wire, void *socket, uint32_t kind, uint32_t other)
{
    uint64_t end = es_now_us() + DEADLINE_MS * 1000u;
    while (es_now_us() < end) {
        if (!receive(w, wire, socket)) break;
        assert_int_equal(wire->msg.inc, w->inc);
        if (wire->msg.kind == kind || wire->msg.kind == other) return;
        es_wire_close(wire);
    }
    fail_msg("no message of kind %u came", kind);
}

static void expect(world_t *w, es_wire_t *wire, void *socket, uint32_t kind)
{
    expect_either(w, wire, socket, kind, kind);
}

static void tell(world_t *w, const char *key, es_msg_t msg, const char *body)
{
    es_span_t route = es_span(w->hex);
    assert_int_equal(es_wire_send(w->router, &route, es_span(key), &msg, body, body ? strlen(body) : 0), 0);
}

static es_msg_t frame_of(uint64_t epoch, uint64_t seq, uint64_t flags)
{
    es_msg_t msg = {.kind = ES_FRAME, .epoch = epoch, .seq = seq};
    ES_SET(&msg, ES_M_FLAGS, flags, flags);
    ES_SET(&msg, ES_M_POS, pos, 100 * (seq - 1));
    ES_SET(&msg, ES_M_COMMITTED, committed, 0);
    if (flags & ES_F_START) {
        ES_SET(&msg, ES_M_BASE, base, 0);
        ES_SET(&msg, ES_M_SERVICE, service, es_span("transcribe"));
        ES_SET(&msg, ES_M_LANGUAGE, language, es_span("de"));
    }
    return msg;
}

static void frame(world_t *w, const char *key, uint64_t epoch, uint64_t seq, uint64_t flags, const char *body)
{
    tell(w, key, frame_of(epoch, seq, flags), body);
}

/* Waits for HELLO and returns the number of its streams; the first one's epoch in *epoch. */
static int hello(world_t *w, uint64_t *epoch, uint64_t *capacity)
{
    es_wire_t wire;
    es_stream_ref_t refs[16];
    expect(w, &wire, w->router, ES_HELLO);
    assert_true(es_span_eq(es_wire_route(&wire), es_span(w->hex)));
    assert_true(es_span_eq(es_wire_key(&wire), es_span(w->hex)));
    assert_true(es_span_eq(wire.msg.service, es_span("transcribe")));
    assert_true(es_span_eq(wire.msg.name, es_span("w-1")));
    es_span_t body = es_wire_body(&wire);
    uint64_t told_capacity = wire.msg.capacity, load = wire.msg.load;
    int n = es_streams_decode(w->decoder, body.ptr, body.len, refs, 16);
    assert_int_equal(n, (int)load);
    if (epoch && n > 0) *epoch = refs[0].epoch;
    if (capacity) *capacity = told_capacity;
    es_wire_close(&wire);
    return n;
}

static uint64_t load_by_ping(world_t *w, uint64_t *count)
{
    es_wire_t wire;
    tell(w, "broker", (es_msg_t){.kind = ES_PING}, NULL);
    expect(w, &wire, w->router, ES_HEARTBEAT);
    uint64_t load = wire.msg.load;
    if (count) *count = wire.msg.count;
    assert_true(ES_HAS(&wire.msg, ES_M_LAG_US));
    es_wire_close(&wire);
    return load;
}

/* HELLO was heard, and what the worker publishes reaches us: a subscription takes a moment, so a stranger's frames are sent until one is
 * refused. */
static void running(world_t *w)
{
    es_wire_t wire;
    start(w);
    assert_int_equal(hello(w, NULL, NULL), 0);
    for (uint64_t epoch = 1;; epoch++) {
        zmq_pollitem_t item = {.socket = w->results, .events = ZMQ_POLLIN};
        assert_true(epoch < 1000);
        frame(w, "ffffffffffffffff", epoch, 1, 0, "x");
        if (zmq_poll(&item, 1, 20) == 1) break;
    }
    load_by_ping(w, NULL);
    while (es_wire_recv(&wire, w->results, false, w->decoder) == 0) es_wire_close(&wire);
}

static void says_hello_until_it_is_heard(void **state)
{
    world_t *w = *state;
    uint64_t capacity = 0;
    start(w);
    assert_int_equal(hello(w, NULL, &capacity), 0);
    assert_int_equal(capacity, 8);
    hello(w, NULL, NULL); /* nobody answered */
    uint64_t count = 9;
    assert_int_equal(load_by_ping(w, &count), 0);
    assert_int_equal(count, 0);
}

static void frames_become_finals(void **state)
{
    world_t *w = *state;
    es_wire_t wire;
    es_msg_t first = frame_of(3, 1, ES_F_START);
    first.trace = es_span_of(TRACE, ES_TRACE_LEN);
    running(w);
    tell(w, ALICE, first, "one");
    frame(w, ALICE, 3, 2, 0, "two");
    for (uint64_t seq = 1; seq <= 2; seq++) {
        expect(w, &wire, w->results, ES_PARTIAL);
        assert_true(es_span_eq(wire.msg.text, es_span("par")));
        es_wire_close(&wire);
        expect(w, &wire, w->results, ES_FINAL);
        assert_true(es_span_eq(es_wire_key(&wire), es_span(ALICE)));
        assert_true(es_span_eq(wire.msg.text, es_span(seq == 1 ? "one" : "two")));
        assert_int_equal(wire.msg.epoch, 3);
        assert_true(es_span_eq(wire.msg.trace, es_span_of(TRACE, ES_TRACE_LEN)));
        assert_int_equal(wire.msg.from_seq, seq);
        assert_int_equal(wire.msg.to_seq, seq);
        assert_int_equal(wire.msg.expected, seq + 1);
        es_wire_close(&wire);
    }
    uint64_t count = 0;
    assert_int_equal(load_by_ping(w, &count), 1);
    assert_int_equal(count, 2);
    tell(w, ALICE, (es_msg_t){.kind = ES_CLOSE, .epoch = 2}, NULL); /* of an older epoch: not ours */
    assert_int_equal(load_by_ping(w, NULL), 1);
    tell(w, ALICE, (es_msg_t){.kind = ES_CLOSE, .epoch = 3}, NULL);
    assert_int_equal(load_by_ping(w, NULL), 0);
    actor_hand_end(&w->actor);
    assert_int_equal(w->opened, 1);
    assert_int_equal(w->closed, 1);
    assert_int_equal(w->ended, 1);
    assert_int_equal(w->frames, 2);
    assert_string_equal(w->last_language, "de");
}

/* A final that no envelope can carry would be lost for ever, and its stream with it. */
static void what_an_engine_cannot_say_is_mended(void **state)
{
    world_t *w = *state;
    es_wire_t wire;
    static char longer[ES_TEXT_MAX + 10];
    memset(longer, 'a', sizeof longer - 1);
    memset(longer + ES_TEXT_MAX - 1, '\xc3', 1); /* a character across the limit */
    memset(longer + ES_TEXT_MAX, '\xbc', 1);
    w->partial = es_span("p\xe2\x82");
    w->reason = es_span("r\xff");
    running(w);
    frame(w, ALICE, 1, 1, ES_F_START, "one\xfftwo");
    expect(w, &wire, w->results, ES_PARTIAL);
    assert_true(es_span_eq(wire.msg.text, es_span("p\xef\xbf\xbd\xef\xbf\xbd")));
    es_wire_close(&wire);
    expect(w, &wire, w->results, ES_FINAL);
    assert_true(es_span_eq(wire.msg.text, es_span("one\xef\xbf\xbdtwo")));
    assert_true(es_span_eq(wire.msg.reason, es_span("r\xef\xbf\xbd")));
    es_wire_close(&wire);
    frame(w, ALICE, 1, 2, 0, longer);
    expect(w, &wire, w->results, ES_FINAL);
    assert_int_equal(wire.msg.text.len, ES_TEXT_MAX - 1);
    es_wire_close(&wire);
}

static void an_unknown_stream_is_refused_once(void **state)
{
    world_t *w = *state;
    es_wire_t wire;
    running(w);
    for (uint64_t seq = 2; seq < 40; seq++) frame(w, ALICE, 1, seq, 0, "x");
    frame(w, BOB, 1, 1, ES_F_START, "bob");
    expect_either(w, &wire, w->results, ES_REWIND, ES_FINAL);
    assert_int_equal(wire.msg.kind, ES_REWIND);
    assert_true(es_span_eq(es_wire_key(&wire), es_span(ALICE)));
    assert_int_equal(wire.msg.epoch, 1);
    assert_false(ES_HAS(&wire.msg, ES_M_EXPECTED));
    es_wire_close(&wire);
    expect_either(w, &wire, w->results, ES_REWIND, ES_FINAL);
    assert_int_equal(wire.msg.kind, ES_FINAL);
    es_wire_close(&wire);
    assert_int_equal(load_by_ping(w, NULL), 1);
}

static void asked_who_it_is_it_lists_its_streams(void **state)
{
    world_t *w = *state;
    uint64_t epoch = 0;
    running(w);
    frame(w, ALICE, 7, 1, ES_F_START, "x");
    tell(w, "broker", (es_msg_t){.kind = ES_WHO_ARE_YOU}, NULL);
    assert_int_equal(hello(w, &epoch, NULL), 1);
    assert_int_equal(epoch, 7);
}

static void a_dropped_stream_is_forgotten(void **state)
{
    world_t *w = *state;
    es_wire_t wire;
    running(w);
    frame(w, ALICE, 5, 1, ES_F_START, "x");
    tell(w, ALICE, (es_msg_t){.kind = ES_DROP, .epoch = 4}, NULL); /* we have a newer one */
    assert_int_equal(load_by_ping(w, NULL), 1);
    tell(w, ALICE, (es_msg_t){.kind = ES_DROP}, NULL);
    frame(w, ALICE, 5, 2, 0, "y");
    expect(w, &wire, w->results, ES_REWIND);
    es_wire_close(&wire);
    assert_int_equal(load_by_ping(w, NULL), 0);
    actor_hand_end(&w->actor);
    assert_int_equal(w->closed, 1);
    assert_int_equal(w->ended, 0);
}

static void a_newer_epoch_begins_again(void **state)
{
    world_t *w = *state;
    es_wire_t wire;
    running(w);
    frame(w, ALICE, 1, 1, ES_F_START, "old");
    frame(w, ALICE, 2, 1, ES_F_START, "new");
    do {
        expect(w, &wire, w->results, ES_FINAL);
        es_wire_close(&wire);
    } while (wire.msg.epoch != 2);
    actor_hand_end(&w->actor);
    assert_int_equal(w->opened, 2);
    assert_int_equal(w->closed, 2);
}

static void quiet_streams_acknowledge_with_heartbeats(void **state)
{
    world_t *w = *state;
    es_wire_t wire;
    w->silent = true;
    running(w);
    frame(w, ALICE, 1, 1, ES_F_START, "x");
    expect(w, &wire, w->results, ES_ACK); /* by the receiver's own clock */
    es_wire_close(&wire);
    zmq_pollitem_t item = {.socket = w->results, .events = ZMQ_POLLIN};
    uint64_t end = es_now_us() + DEADLINE_MS * 1000u;
    while (zmq_poll(&item, 1, 10) == 0) {
        assert_true(es_now_us() < end);
        load_by_ping(w, NULL);
    }
    expect(w, &wire, w->results, ES_ACK);
    assert_int_equal(wire.msg.expected, 2);
    es_wire_close(&wire);
}

static void above_twice_the_capacity_it_refuses(void **state)
{
    world_t *w = *state;
    es_wire_t wire;
    w->config.capacity = 1;
    running(w);
    frame(w, ALICE, 1, 1, ES_F_START, "x");
    frame(w, BOB, 1, 1, ES_F_START, "x");
    frame(w, CAROL, 1, 1, ES_F_START, "x");
    expect(w, &wire, w->results, ES_REWIND);
    assert_true(es_span_eq(es_wire_key(&wire), es_span(CAROL)));
    es_wire_close(&wire);
    assert_int_equal(load_by_ping(w, NULL), 2);
}

static uint64_t figure(const char *name)
{
    for (es_metric_t *const *m = es_worker_metrics(); *m; m++)
        if (!strcmp((*m)->name, name)) return es_metric_get(*m);
    fail_msg("no figure %s", name);
    return 0;
}

static void idle_streams_are_forgotten_and_counted(void **state)
{
    world_t *w = *state;
    uint64_t idled = figure("earshot_worker_idled_total");
    uint64_t end = es_now_us() + DEADLINE_MS * 1000u;
    w->config.idle_us = 1000;
    running(w);
    frame(w, ALICE, 1, 1, ES_F_START, "x");
    frame(w, BOB, 1, 1, ES_F_START, "x");
    while (load_by_ping(w, NULL) != 0) assert_true(es_now_us() < end);
    assert_int_equal(figure("earshot_worker_idled_total"), idled + 2);
}

static void nonsense_is_dropped(void **state)
{
    world_t *w = *state;
    running(w);
    frame(w, "short", 1, 1, ES_F_START, "x");
    frame(w, "0000000000000 aa", 1, 1, ES_F_START, "x");
    frame(w, "00000000000000AA", 1, 1, ES_F_START, "x");
    frame(w, "00000000000000aa0", 1, 1, ES_F_START, "x");
    tell(w, ALICE, (es_msg_t){.kind = ES_BEACON}, NULL); /* not for a worker */
    assert_int_equal(zmq_send(w->router, w->hex, 16, ZMQ_SNDMORE), 16);
    assert_int_equal(zmq_send(w->router, "garbage", 7, 0), 7);
    es_msg_t bad = frame_of(1, 5, ES_F_START); /* base is not seq - 1: a START that no receiver accepts */
    tell(w, BOB, bad, "x");
    assert_int_equal(load_by_ping(w, NULL), 0);
}

static void draining_takes_nothing_new(void **state)
{
    world_t *w = *state;
    es_wire_t wire;
    uint64_t capacity = 9;
    w->drain = true;
    start(w);
    hello(w, NULL, &capacity);
    assert_int_equal(capacity, 0);
    zstr_send(w->actor.actor, "$TERM");
    expect(w, &wire, w->router, ES_GOODBYE);
    es_wire_close(&wire);
}

/* Over ipc, where the link is told of the reconnect: a restarted broker learns the streams without asking. */
static void a_restarted_broker_is_told(void **state)
{
    world_t *w = *state;
    uint64_t epoch = 0;
    zmq_close(w->router);
    zmq_close(w->results);
    snprintf(w->base, sizeof w->base, "ipc:///tmp/es-worker-%d", (int)getpid());
    broker_up(w);
    running(w);
    frame(w, ALICE, 4, 1, ES_F_START, "x");
    load_by_ping(w, NULL);
    zmq_close(w->router);
    zmq_close(w->results);
    broker_up(w);
    assert_int_equal(hello(w, &epoch, NULL), 1);
    assert_int_equal(epoch, 4);
    uint64_t count = 0;
    load_by_ping(w, &count);
    assert_int_equal(count, 1);
}

static void a_malformed_configuration_is_refused(void **state)
{
    (void)state;
    es_worker_config_t config = {.name = "w", .service = "s", .brokers = "nowhere", .capacity = 1};
    assert_null(es_worker_new(&config, NULL, NULL));
    config.brokers = "inproc://nobody";
    config.service = "";
    assert_null(es_worker_new(&config, NULL, NULL));
    config.service = "s";
    config.name = "\xff"; /* HELLO could not carry it */
    assert_null(es_worker_new(&config, NULL, NULL));
    assert_non_null(es_worker_metrics()[0]);
}

#define WITH(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(says_hello_until_it_is_heard),
        WITH(frames_become_finals),
        WITH(what_an_engine_cannot_say_is_mended),
        WITH(an_unknown_stream_is_refused_once),
        WITH(asked_who_it_is_it_lists_its_streams),
        WITH(a_dropped_stream_is_forgotten),
        WITH(a_newer_epoch_begins_again),
        WITH(quiet_streams_acknowledge_with_heartbeats),
        WITH(above_twice_the_capacity_it_refuses),
        WITH(idle_streams_are_forgotten_and_counted),
        WITH(nonsense_is_dropped),
        WITH(draining_takes_nothing_new),
        WITH(a_restarted_broker_is_told),
        cmocka_unit_test(a_malformed_configuration_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
