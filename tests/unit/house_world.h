/* A house under test: what it tells and publishes is noted, time is the test's. */
#ifndef HOUSE_WORLD_H
#define HOUSE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <msgpack.h>

#include "house.h"
#include "room_wire.h"

#define CLIENT "00112233445566aa"
#define OTHER "00112233445566bb"

#define MS UINT64_C(1000)
#define SECOND UINT64_C(1000000)

enum { SAID = 64, BODY = 65536 };

typedef struct {
    bool to_worker;
    uint64_t inc;
    char key[ES_KEY_MAX + 1];
    es_msg_t msg;
} said_t;

typedef struct {
    es_house_t *house;
    uint64_t now, unreachable;
    said_t said[SAID];
    size_t n;
    unsigned drained; /* times that the broker was asked to end */
    char body[BODY];  /* of the last publish */
    size_t body_len;
} world_t;

static inline said_t *note(world_t *w, es_span_t key, const es_msg_t *msg)
{
    said_t *said = &w->said[w->n++ % SAID];
    *said = (said_t){.msg = *msg};
    memcpy(said->key, key.ptr, key.len);
    return said;
}

static inline bool on_tell(void *ctx, uint64_t inc, es_span_t key, const es_msg_t *msg)
{
    world_t *w = ctx;
    if (inc == w->unreachable) return false;
    said_t *said = note(w, key, msg);
    said->to_worker = true;
    said->inc = inc;
    return true;
}

static inline void on_publish(void *ctx, es_span_t key, const es_msg_t *msg, const void *body, size_t len)
{
    world_t *w = ctx;
    note(w, key, msg);
    assert_true(len <= BODY);
    if (len > 0) memcpy(w->body, body, len);
    w->body_len = len;
}

static inline void on_drain(void *ctx, uint64_t now_us)
{
    world_t *w = ctx;
    assert_int_equal(now_us, w->now);
    w->drained++;
}

static const es_house_ops_t ops = {.tell = on_tell, .publish = on_publish, .drain = on_drain};

static inline int setup(void **state)
{
    world_t *w = calloc(1, sizeof *w);
    es_house_config_t config = {
        .name = "broker", .inc = 0xabc, .placement = es_placement_defaults(), .registry = es_registry_defaults()};
    config.registry.max_actors = 4;
    w->now = 100 * SECOND;
    w->house = es_house_new(&config, &ops, w, w->now);
    w->now += 5 * SECOND;
    es_house_tick(w->house, w->now); /* a stall, and the first beacon */
    w->n = 0;
    *state = w;
    return 0;
}

static inline int teardown(void **state)
{
    world_t *w = *state;
    es_house_destroy(&w->house);
    assert_null(w->house);
    es_house_destroy(&w->house);
    free(w);
    return 0;
}

/* The only thing said since the last look. */
static const said_t *only(world_t *w, es_kind_t kind)
{
    assert_int_equal(w->n, 1);
    assert_int_equal(w->said[0].msg.kind, kind);
    w->n = 0;
    return &w->said[0];
}

static inline es_house_verdict_t hello_of(world_t *w, const char *service, uint64_t inc, uint64_t capacity,
                                          const es_stream_ref_t *refs, size_t n)
{
    char body[4096];
    size_t len = n > 0 ? es_streams_encode(refs, n, body, sizeof body) : 0;
    es_msg_t msg = {.kind = ES_HELLO};
    ES_SET(&msg, ES_M_INC, inc, inc);
    ES_SET(&msg, ES_M_NAME, name, es_span("w"));
    ES_SET(&msg, ES_M_SERVICE, service, es_span(service));
    ES_SET(&msg, ES_M_CAPACITY, capacity, capacity);
    return es_house_backend(w->house, inc, &msg, es_span_of(body, len), w->now);
}

static inline es_house_verdict_t hello(world_t *w, uint64_t inc, uint64_t capacity, const es_stream_ref_t *refs,
                                       size_t n)
{
    return hello_of(w, "transcribe", inc, capacity, refs, n);
}

static inline es_house_verdict_t from_worker(world_t *w, uint64_t inc, es_kind_t kind)
{
    es_msg_t msg = {.kind = kind};
    ES_SET(&msg, ES_M_LOAD, load, 0);
    return es_house_backend(w->house, inc, &msg, es_span(NULL), w->now);
}

static inline es_house_verdict_t frame(world_t *w, const char *key, uint64_t epoch, uint64_t flags, uint64_t *worker)
{
    es_msg_t msg = {.kind = ES_FRAME, .epoch = epoch, .seq = 1};
    ES_SET(&msg, ES_M_FLAGS, flags, flags);
    if (flags & ES_F_START) ES_SET(&msg, ES_M_SERVICE, service, es_span("transcribe"));
    return es_house_frontend(w->house, es_span(key), &msg, w->now, worker);
}

static inline void place(world_t *w, const char *key, uint64_t epoch, uint64_t expected)
{
    uint64_t worker = 0;
    assert_int_equal(frame(w, key, epoch, ES_F_START, &worker), ES_FORWARD);
    assert_int_equal(worker, expected);
}

/* Counts what is said of a kind while time passes without anybody answering. */
static inline size_t pass(world_t *w, uint64_t until, es_kind_t kind)
{
    size_t n = 0;
    while (w->now < until) {
        uint64_t next = es_house_tick(w->house, w->now);
        for (size_t i = 0; i < w->n; i++) n += w->said[i].msg.kind == kind;
        w->n = 0;
        assert_true(next > w->now);
        w->now = next;
    }
    return n;
}

/* ---- rooms ---- */

static inline es_house_verdict_t request(world_t *w, es_span_t key, uint64_t *worker)
{
    es_msg_t msg = {.kind = ES_ROOM_SAY, .seq = 1};
    *worker = 0;
    return es_house_frontend(w->house, key, &msg, w->now, worker);
}

static inline es_house_verdict_t ask_room(world_t *w, const char *id, uint64_t *worker)
{
    char key[ES_KEY_MAX];
    return request(w, es_span_of(key, es_room_key(key, es_span(id))), worker);
}

/* ---- beacons ---- */

static inline const msgpack_object *lookup(const msgpack_object *map, const char *key)
{
    assert_int_equal(map->type, MSGPACK_OBJECT_MAP);
    for (uint32_t i = 0; i < map->via.map.size; i++) {
        const msgpack_object *k = &map->via.map.ptr[i].key;
        if (k->via.str.size == strlen(key) && memcmp(k->via.str.ptr, key, strlen(key)) == 0)
            return &map->via.map.ptr[i].val;
    }
    fail_msg("no key %s", key);
    return NULL;
}

static inline uint64_t number(const msgpack_object *map, const char *key)
{
    return lookup(map, key)->via.u64;
}

static inline void assert_text(const msgpack_object *map, const char *key, const char *text)
{
    const msgpack_object *v = lookup(map, key);
    assert_int_equal(v->type, MSGPACK_OBJECT_STR);
    assert_int_equal(v->via.str.size, strlen(text));
    assert_memory_equal(v->via.str.ptr, text, strlen(text));
}

/* Lets time pass until a beacon, whose body it unpacks. */
static inline void next_beacon(world_t *w, msgpack_unpacked *out)
{
    while (!(w->n > 0 && w->said[w->n - 1].msg.kind == ES_BEACON)) {
        w->n = 0;
        w->now = es_house_tick(w->house, w->now);
        from_worker(w, 7, ES_HEARTBEAT);
    }
    const said_t *said = &w->said[w->n - 1];
    assert_string_equal(said->key, "sys/0000000000000abc");
    assert_int_equal(said->msg.inc, 0xabc);
    assert_true(es_span_eq(said->msg.name, es_span("broker")));
    w->n = 0;
    size_t at = 0;
    msgpack_unpacked_init(out);
    assert_int_equal(msgpack_unpack_next(out, w->body, w->body_len, &at), MSGPACK_UNPACK_SUCCESS);
    assert_int_equal(at, w->body_len);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
