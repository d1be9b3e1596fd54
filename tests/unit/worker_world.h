/* A worker in a thread of its own; the test plays the broker. */
#ifndef ES_WORKER_WORLD_H
#define ES_WORKER_WORLD_H

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

static inline void *engine_open(void *ctx, es_stream_t *stream, const es_msg_t *start)
{
    world_t *w = ctx;
    w->opened++;
    assert_int_equal(strlen(es_stream_key(stream)), 16);
    assert_int_equal(es_stream_epoch(stream), start->epoch);
    snprintf(w->last_language, sizeof w->last_language, "%.*s", (int)start->language.len, start->language.ptr);
    return w;
}

static inline void engine_frame(void *state, es_stream_t *stream, const es_msg_t *frame, const void *pcm, size_t bytes)
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

static inline void engine_close(void *state, es_stream_t *stream)
{
    world_t *w = state;
    w->closed++;
    if (es_stream_ended(stream)) w->ended++;
}

static inline void worker_thread(zsock_t *pipe, void *args)
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

static inline void *bound(int type, const char *base, const char *name)
{
    char at[96];
    snprintf(at, sizeof at, "%s-%s", base, name);
    void *socket = zmq_socket(zsys_init(), type);
    es_wire_options(socket, 1000);
    if (type == ZMQ_SUB) zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0);
    assert_int_equal(zmq_bind(socket, at), 0);
    return socket;
}

static inline void broker_up(world_t *w)
{
    w->router = bound(ZMQ_ROUTER, w->base, "backend");
    w->results = bound(ZMQ_SUB, w->base, "results");
}

static inline int setup(void **state)
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

static inline void start(world_t *w)
{
    actor_hand_start(&w->actor, worker_thread, w);
    es_hex16(w->inc, w->hex);
}

/* libzmq removes the file of an ipc endpoint some time after the socket is closed, or never where the process ends first. */
static inline void remove_files(const world_t *w)
{
    char path[96];
    if (strncmp(w->base, "ipc://", 6) != 0) return;
    snprintf(path, sizeof path, "%s-backend", w->base + 6);
    unlink(path);
    snprintf(path, sizeof path, "%s-results", w->base + 6);
    unlink(path);
}

static inline int teardown(void **state)
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
static inline bool receive(world_t *w, es_wire_t *wire, void *socket)
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
static inline void expect_either(world_t *w, es_wire_t *wire, void *socket, uint32_t kind, uint32_t other)
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

static inline void expect(world_t *w, es_wire_t *wire, void *socket, uint32_t kind)
{
    expect_either(w, wire, socket, kind, kind);
}

static inline void tell(world_t *w, const char *key, es_msg_t msg, const char *body)
{
    es_span_t route = es_span(w->hex);
    assert_int_equal(es_wire_send(w->router, &route, es_span(key), &msg, body, body ? strlen(body) : 0), 0);
}

static inline es_msg_t frame_of(uint64_t epoch, uint64_t seq, uint64_t flags)
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

static inline void frame(world_t *w, const char *key, uint64_t epoch, uint64_t seq, uint64_t flags, const char *body)
{
    tell(w, key, frame_of(epoch, seq, flags), body);
}

/* Waits for HELLO and returns the number of its streams; the first one's epoch in *epoch. */
static inline int hello(world_t *w, uint64_t *epoch, uint64_t *capacity)
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

static inline uint64_t load_by_ping(world_t *w, uint64_t *count)
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
static inline void running(world_t *w)
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

#define WITH(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

#endif
