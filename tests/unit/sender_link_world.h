/* The link in the test's own thread, on a clock that the test sets; brokers are plain sockets beside it. */
#ifndef ES_SENDER_LINK_WORLD_H
#define ES_SENDER_LINK_WORLD_H

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

static inline void on_message(void *ctx, int broker, es_span_t key, const es_msg_t *msg, const void *body, size_t len,
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

static inline void on_changed(void *ctx, uint64_t now_us)
{
    world_t *w = ctx;
    (void)now_us;
    w->changes++;
}

static inline void on_drain(void *ctx, uint64_t now_us)
{
    world_t *w = ctx;
    assert_int_equal(now_us, w->now);
    w->drains++;
}

static inline void on_beacon(void *ctx, es_span_t key, const es_msg_t *msg, es_span_t body, uint64_t now_us)
{
    world_t *w = ctx;
    (void)now_us;
    assert_int_equal(msg->kind, ES_BEACON);
    assert_memory_equal(key.ptr, "sys/", 4);
    w->beacon_len = body.len;
    w->beacons++;
}

static inline void *bound(int type, const char *base, const char *name)
{
    char at[96];
    void *socket = zmq_socket(zsys_init(), type);
    snprintf(at, sizeof at, "%s-%s", base, name);
    es_wire_options(socket, 1000);
    assert_int_equal(zmq_bind(socket, at), 0);
    return socket;
}

static inline int setup(void **state)
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

static inline int teardown(void **state)
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

static inline void publish(world_t *w, int broker, const char *key, const es_msg_t *msg, const char *body)
{
    void *sockets[2];
    assert_int_equal(es_wire_send(w->brokers[broker].publish, NULL, es_span(key), msg, body, body ? strlen(body) : 0),
                     0);
    assert_int_equal(es_sender_link_sockets(w->link, sockets, 2), 2);
    zmq_pollitem_t item = {.socket = sockets[broker], .events = ZMQ_POLLIN};
    assert_int_equal(zmq_poll(&item, 1, 5000), 1);
    assert_false(es_sender_link_drain(w->link, 100, w->now));
}

static inline void beacon_with(world_t *w, int broker, const char *inc, uint64_t flags)
{
    char key[32];
    es_msg_t msg = {.kind = ES_BEACON};
    if (flags) ES_SET(&msg, ES_M_FLAGS, flags, flags);
    snprintf(key, sizeof key, "sys/%s", inc);
    publish(w, broker, key, &msg, NULL);
}

static inline void beacon(world_t *w, int broker, const char *inc)
{
    beacon_with(w, broker, inc, 0);
}

#define INC_A "00000000000000a1"
#define INC_B "00000000000000b2"

#define WITH(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

#endif
