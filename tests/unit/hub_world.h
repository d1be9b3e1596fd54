/* A broker over real sockets in a directory of its own, with hands to play worker and sender. Include after cmocka.h. */
#ifndef HUB_WORLD_H
#define HUB_WORLD_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "actor_hand.h"
#include "broker_actor.h"
#include "broker_metrics.h"
#include "endpoints.h"
#include "log.h"
#include "wire.h"

#define CLIENT "00112233445566aa"
#define OTHER "00112233445566bb"

enum { DEADLINE_US = 10000000, POLL_MS = 20 };

typedef struct {
    char dir[64], base[96], heartbeat[16];
    const char *broker; /* --broker, where not NULL */
    const char *tcp;    /* --tcp */
    es_broker_config_t config;
    actor_hand_t actor;
    es_endpoints_t at;
    es_decoder_t *decoder;
    void *push, *sub, *dealer, *pub;
    uint64_t inc;
} world_t;

static inline void start_broker(world_t *w)
{
    char *argv[20] = {"earshot-broker", "--data", w->dir,        "--heartbeat", w->heartbeat, "--settle", "0ms",
                      "--learn",        "0ms",    "--log-level", "error",       "--queue",    "100"};
    int argc = 13;
    if (w->broker) argv[argc++] = "--broker", argv[argc++] = (char *)(uintptr_t)w->broker;
    if (w->tcp) argv[argc++] = "--tcp", argv[argc++] = (char *)(uintptr_t)w->tcp;
    assert_int_equal(es_broker_config_load(&w->config, argc, argv), ES_CONFIG_OK);
    assert_int_equal(es_broker_identity(&w->config), 0);
    actor_hand_start(&w->actor, es_broker_actor, &w->config);
}

static inline void stop_broker(world_t *w)
{
    actor_hand_end(&w->actor);
    es_broker_config_fini(&w->config);
}

static inline void *connected(int type, const char *endpoint, uint64_t inc)
{
    void *s = zmq_socket(zsys_init(), type);
    char id[17];
    assert_non_null(s);
    es_wire_options(s, 100);
    es_hex16(inc, id);
    if (inc) zmq_setsockopt(s, ZMQ_ROUTING_ID, id, 16);
    if (type == ZMQ_SUB) zmq_setsockopt(s, ZMQ_SUBSCRIBE, "", 0);
    assert_int_equal(zmq_connect(s, endpoint), 0);
    return s;
}

static inline void say_heartbeat(world_t *w)
{
    char id[17];
    es_msg_t msg = {.kind = ES_HEARTBEAT};
    ES_SET(&msg, ES_M_INC, inc, w->inc);
    es_hex16(w->inc, id);
    es_wire_send(w->dealer, NULL, es_span(id), &msg, NULL, 0);
}

/* Waits for a message of this kind on the socket, passing over others (the worker answers PINGs meanwhile); the caller closes *wire. */
static inline void await(world_t *w, void *socket, es_kind_t kind, es_wire_t *wire)
{
    for (uint64_t end = es_now_us() + DEADLINE_US; es_now_us() < end;) {
        while (es_wire_recv(wire, socket, false, w->decoder) == 0) {
            if (wire->ok && wire->msg.kind == kind) return;
            if (socket == w->dealer && wire->ok && wire->msg.kind == ES_PING) say_heartbeat(w);
            es_wire_close(wire);
        }
        zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};
        zmq_poll(&item, 1, POLL_MS);
    }
    fail_msg("no %s came", es_catalogue_find(kind)->name);
}

/* The same on a key; only its epoch is of interest. */
static inline uint64_t await_on(world_t *w, void *socket, es_kind_t kind, const char *key)
{
    for (es_wire_t wire;;) {
        await(w, socket, kind, &wire);
        bool right = es_span_eq(es_wire_key(&wire), es_span(key));
        uint64_t epoch = wire.msg.epoch;
        es_wire_close(&wire);
        if (right) return epoch;
    }
}

static inline void say_hello_of(world_t *w, const char *service, uint64_t capacity, const es_stream_ref_t *refs,
                                size_t n)
{
    char body[1024], id[17];
    size_t len = n ? es_streams_encode(refs, n, body, sizeof body) : 0;
    es_msg_t msg = {.kind = ES_HELLO};
    ES_SET(&msg, ES_M_INC, inc, w->inc);
    ES_SET(&msg, ES_M_NAME, name, es_span("fake"));
    ES_SET(&msg, ES_M_SERVICE, service, es_span(service));
    ES_SET(&msg, ES_M_CAPACITY, capacity, capacity);
    es_hex16(w->inc, id);
    zmq_pollitem_t item = {.socket = w->dealer, .events = ZMQ_POLLOUT};
    assert_int_equal(zmq_poll(&item, 1, DEADLINE_US / 1000), 1);
    assert_int_equal(es_wire_send(w->dealer, NULL, es_span(id), &msg, body, len), 0);
}

static inline void say_hello(world_t *w, uint64_t capacity, const es_stream_ref_t *refs, size_t n)
{
    say_hello_of(w, "transcribe", capacity, refs, n);
}

/* A worker that the broker knows: it has been asked for a sign of life. */
static inline void join_worker_of(world_t *w, const char *service, uint64_t inc, uint64_t capacity)
{
    es_wire_t wire;
    w->inc = inc;
    w->dealer = connected(ZMQ_DEALER, w->at.backend, inc);
    w->pub = connected(ZMQ_PUB, w->at.results, 0);
    say_hello_of(w, service, capacity, NULL, 0);
    await(w, w->dealer, ES_PING, &wire);
    es_wire_close(&wire);
    say_heartbeat(w);
}

static inline void join_worker(world_t *w, uint64_t inc, uint64_t capacity)
{
    join_worker_of(w, "transcribe", inc, capacity);
}

static inline int send_frame(world_t *w, const char *key, uint64_t epoch, uint64_t flags, const char *body)
{
    es_msg_t msg = {.kind = ES_FRAME, .epoch = epoch, .seq = 1};
    ES_SET(&msg, ES_M_FLAGS, flags, flags);
    ES_SET(&msg, ES_M_POS, pos, 0);
    ES_SET(&msg, ES_M_COMMITTED, committed, 0);
    if (flags & ES_F_START) {
        ES_SET(&msg, ES_M_BASE, base, 0);
        ES_SET(&msg, ES_M_SERVICE, service, es_span("transcribe"));
    }
    return es_wire_send(w->push, NULL, es_span(key), &msg, body, strlen(body));
}

/* Places the stream with the worker: sends STARTs until one has got there. */
static inline void place_stream(world_t *w, const char *key, uint64_t epoch)
{
    for (uint64_t end = es_now_us() + DEADLINE_US; es_now_us() < end;) {
        send_frame(w, key, epoch, ES_F_START, "");
        zmq_pollitem_t item = {.socket = w->dealer, .events = ZMQ_POLLIN};
        zmq_poll(&item, 1, POLL_MS);
        for (es_wire_t wire; es_wire_recv(&wire, w->dealer, false, w->decoder) == 0; es_wire_close(&wire)) {
            if (wire.ok && wire.msg.kind == ES_PING) say_heartbeat(w);
            if (!wire.ok || wire.msg.kind != ES_FRAME) continue;
            es_wire_close(&wire);
            return;
        }
    }
    fail_msg("the stream was not placed");
}

/* Waits until a counter exceeds a value. */
static inline void await_metric(es_metric_t *metric, uint64_t above)
{
    for (uint64_t end = es_now_us() + DEADLINE_US; es_now_us() < end; zmq_poll(NULL, 0, 1))
        if (es_metric_get(metric) > above) return;
    fail_msg("%s stays at %lu", metric->name, (unsigned long)es_metric_get(metric));
}

static inline void send_result(world_t *w, const char *key)
{
    es_msg_t msg = {.kind = ES_ACK, .epoch = 1};
    ES_SET(&msg, ES_M_INC, inc, w->inc);
    ES_SET(&msg, ES_M_EXPECTED, expected, 2);
    ES_SET(&msg, ES_M_COMMITTED, committed, 0);
    es_wire_send(w->pub, NULL, es_span(key), &msg, NULL, 0);
}

/* A PUB drops what it sends before the broker's subscription is there: again until it comes through. */
static inline void results_come_through(world_t *w, const char *key)
{
    for (uint64_t end = es_now_us() + DEADLINE_US; es_now_us() < end;) {
        send_result(w, key);
        zmq_pollitem_t item = {.socket = w->sub, .events = ZMQ_POLLIN};
        zmq_poll(&item, 1, POLL_MS);
        for (es_wire_t wire; es_wire_recv(&wire, w->sub, false, w->decoder) == 0; es_wire_close(&wire)) {
            if (!wire.ok || wire.msg.kind != ES_ACK || !es_span_eq(es_wire_key(&wire), es_span(key))) continue;
            es_wire_close(&wire);
            return;
        }
    }
    fail_msg("no result came through");
}

/* A broker with a sender connected: its beacon has come. */
static inline int open_world(void **state, const char *heartbeat, const char *broker, const char *tcp)
{
    char err[256];
    es_wire_t wire;
    world_t *w = calloc(1, sizeof *w);
    snprintf(w->dir, sizeof w->dir, "/tmp/earshot-hub-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    snprintf(w->base, sizeof w->base, "ipc://%s/broker", w->dir);
    snprintf(w->heartbeat, sizeof w->heartbeat, "%s", heartbeat);
    w->broker = broker;
    w->tcp = tcp;
    assert_int_equal(es_endpoints_parse(&w->at, broker ? broker : w->base, err, sizeof err), 0);
    w->decoder = es_decoder_new();
    start_broker(w);
    w->push = connected(ZMQ_PUSH, w->at.frontend, 0);
    w->sub = connected(ZMQ_SUB, w->at.publish, 0);
    await(w, w->sub, ES_BEACON, &wire);
    es_wire_close(&wire);
    *state = w;
    return 0;
}

static inline void close_socket(void **socket)
{
    if (*socket) zmq_close(*socket);
    *socket = NULL;
}

static inline int teardown(void **state)
{
    world_t *w = *state;
    char command[128];
    close_socket(&w->push);
    close_socket(&w->sub);
    close_socket(&w->dealer);
    close_socket(&w->pub);
    stop_broker(w);
    es_decoder_destroy(&w->decoder);
    snprintf(command, sizeof command, "rm -r %s", w->dir);
    assert_int_equal(system(command), 0);
    free(w);
    return 0;
}

#endif
