#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <msgpack.h>

#include "beacon.h"
#include "broker_metrics.h"
#include "config.h"
#include "house.h"
#include "reports.h"
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

static said_t *note(world_t *w, es_span_t key, const es_msg_t *msg)
{
    said_t *said = &w->said[w->n++ % SAID];
    *said = (said_t){.msg = *msg};
    memcpy(said->key, key.ptr, key.len);
    return said;
}

static bool on_tell(void *ctx, uint64_t inc, es_span_t key, const es_msg_t *msg)
{
    world_t *w = ctx;
    if (inc == w->unreachable) return false;
    said_t *said = note(w, key, msg);
    said->to_worker = true;
    said->inc = inc;
    return true;
}

static void on_publish(void *ctx, es_span_t key, const es_msg_t *msg, const void *body, size_t len)
{
    world_t *w = ctx;
    note(w, key, msg);
    assert_true(len <= BODY);
    if (len > 0) memcpy(w->body, body, len);
    w->body_len = len;
}

static void on_drain(void *ctx, uint64_t now_us)
{
    world_t *w = ctx;
    assert_int_equal(now_us, w->now);
    w->drained++;
}

static const es_house_ops_t ops = {.tell = on_tell, .publish = on_publish, .drain = on_drain};

static int setup(void **state)
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

static int teardown(void **state)
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

static es_house_verdict_t hello_of(world_t *w, const char *service, uint64_t inc, uint64_t capacity,
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

static es_house_verdict_t hello(world_t *w, uint64_t inc, uint64_t capacity, const es_stream_ref_t *refs, size_t n)
{
    return hello_of(w, "transcribe", inc, capacity, refs, n);
}

static es_house_verdict_t from_worker(world_t *w, uint64_t inc, es_kind_t kind)
{
    es_msg_t msg = {.kind = kind};
    ES_SET(&msg, ES_M_LOAD, load, 0);
    return es_house_backend(w->house, inc, &msg, es_span(NULL), w->now);
}

static es_house_verdict_t frame(world_t *w, const char *key, uint64_t epoch, uint64_t flags, uint64_t *worker)
{
    es_msg_t msg = {.kind = ES_FRAME, .epoch = epoch, .seq = 1};
    ES_SET(&msg, ES_M_FLAGS, flags, flags);
    if (flags & ES_F_START) ES_SET(&msg, ES_M_SERVICE, service, es_span("transcribe"));
    return es_house_frontend(w->house, es_span(key), &msg, w->now, worker);
}

static void place(world_t *w, const char *key, uint64_t epoch, uint64_t expected)
{
    uint64_t worker = 0;
    assert_int_equal(frame(w, key, epoch, ES_F_START, &worker), ES_FORWARD);
    assert_int_equal(worker, expected);
}

static void test_wait_then_place_then_rewind(void **state)
{
    world_t *w = *state;
    uint64_t worker;
    assert_int_equal(frame(w, CLIENT, 1, ES_F_START, &worker), ES_TAKEN);
    const said_t *said = only(w, ES_WAIT);
    assert_string_equal(said->key, CLIENT);
    assert_int_equal(said->msg.epoch, 1);
    assert_int_equal(said->msg.place, 1);
    assert_false(ES_HAS(&said->msg, ES_M_INC));
    assert_int_equal(frame(w, CLIENT, 1, 0, &worker), ES_TAKEN); /* waiting: dropped */
    assert_int_equal(w->n, 0);
    hello(w, 7, 1, NULL, 0);
    place(w, CLIENT, 1, 7);
    assert_int_equal(frame(w, OTHER, 9, 0, &worker), ES_TAKEN);
    said = only(w, ES_REWIND);
    assert_string_equal(said->key, OTHER);
    assert_int_equal(said->msg.epoch, 9);
    assert_false(ES_HAS(&said->msg, ES_M_EXPECTED));
    assert_false(ES_HAS(&said->msg, ES_M_INC));
}

static void test_goodbye(void **state)
{
    world_t *w = *state;
    hello(w, 7, 4, NULL, 0);
    place(w, CLIENT, 3, 7);
    assert_int_equal(from_worker(w, 7, ES_GOODBYE), ES_TAKEN);
    const said_t *said = only(w, ES_WORKER_LOST);
    assert_string_equal(said->key, CLIENT);
    assert_int_equal(said->msg.epoch, 3);
    assert_int_equal(from_worker(w, 7, ES_GOODBYE), ES_TAKEN);
    assert_int_equal(w->n, 0);
}

static void test_unreachable(void **state)
{
    world_t *w = *state;
    hello(w, 7, 4, NULL, 0);
    place(w, CLIENT, 1, 7);
    es_house_unreachable(w->house, 7);
    assert_int_equal(only(w, ES_WORKER_LOST)->msg.epoch, 1);
    es_house_unreachable(w->house, 7);
    assert_int_equal(w->n, 0);
    assert_int_equal(from_worker(w, 7, ES_HEARTBEAT), ES_TAKEN); /* it lives after all */
    const said_t *said = only(w, ES_WHO_ARE_YOU);
    assert_true(said->to_worker);
    assert_string_equal(said->key, "0000000000000007");
}

/* Counts what is said of a kind while time passes without anybody answering. */
static size_t pass(world_t *w, uint64_t until, es_kind_t kind)
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

static void test_silent_worker_is_lost(void **state)
{
    world_t *w = *state;
    hello(w, 7, 4, NULL, 0);
    place(w, CLIENT, 1, 7);
    uint64_t began = w->now;
    assert_int_equal(pass(w, began + 1500 * MS, ES_WORKER_LOST), 0);
    assert_int_equal(pass(w, began + 1500 * MS + 1, ES_WORKER_LOST), 1);
}

static void test_heartbeats_keep_it(void **state)
{
    world_t *w = *state;
    hello(w, 7, 4, NULL, 0);
    place(w, CLIENT, 1, 7);
    size_t pings = 0;
    for (int i = 0; i < 10; i++) {
        pings += pass(w, w->now + 500 * MS, ES_PING);
        from_worker(w, 7, ES_HEARTBEAT);
    }
    assert_true(pings >= 9);
    uint64_t worker = 0;
    assert_int_equal(frame(w, CLIENT, 1, 0, &worker), ES_FORWARD);
}

static void test_ping_finds_it_unreachable(void **state)
{
    world_t *w = *state;
    hello(w, 7, 4, NULL, 0);
    place(w, CLIENT, 1, 7);
    w->unreachable = 7;
    assert_int_equal(pass(w, w->now + 600 * MS, ES_WORKER_LOST), 1);
}

static void test_relearn_and_loser(void **state)
{
    world_t *w = *state;
    es_stream_ref_t refs[] = {{es_span(CLIENT), 4, 0}, {es_span(OTHER), 1, 0}};
    assert_int_equal(hello(w, 7, 4, refs, 2), ES_TAKEN);
    assert_int_equal(w->n, 0);
    uint64_t worker = 0;
    assert_int_equal(frame(w, CLIENT, 4, 0, &worker), ES_FORWARD);
    assert_int_equal(worker, 7);
    assert_int_equal(hello(w, 8, 4, refs, 1), ES_TAKEN);
    const said_t *said = only(w, ES_DROP);
    assert_true(said->to_worker);
    assert_int_equal(said->inc, 8);
    assert_string_equal(said->key, CLIENT);
    assert_int_equal(said->msg.epoch, 4);
}

static void test_drain_moves_politely(void **state)
{
    world_t *w = *state;
    hello(w, 7, 4, NULL, 0);
    place(w, CLIENT, 1, 7);
    hello(w, 7, 0, NULL, 0);
    hello(w, 7, 0, NULL, 0);
    hello(w, 8, 4, NULL, 0);
    place(w, CLIENT, 2, 8);
    const said_t *said = only(w, ES_DROP);
    assert_int_equal(said->inc, 7);
    assert_int_equal(said->msg.epoch, 1);
}

static void test_drain_tells_streams_to_go(void **state)
{
    world_t *w = *state;
    hello(w, 7, 4, NULL, 0);
    place(w, CLIENT, 1, 7);
    place(w, OTHER, 1, 7);
    hello(w, 7, 0, NULL, 0);
    assert_int_equal(w->n, 0); /* nowhere to go */
    hello(w, 8, 1, NULL, 0);
    from_worker(w, 7, ES_HEARTBEAT);
    const said_t *said = only(w, ES_WORKER_LOST); /* one place, one stream */
    assert_int_equal(said->msg.epoch, 1);
    assert_true(es_span_eq(said->msg.reason, es_span("draining")));
    char first[ES_KEY_MAX + 1];
    memcpy(first, said->key, sizeof first);
    from_worker(w, 7, ES_HEARTBEAT); /* it did not hear */
    assert_string_equal(only(w, ES_WORKER_LOST)->key, first);
    place(w, first, 2, 8);
    only(w, ES_DROP);
    from_worker(w, 7, ES_HEARTBEAT);
    assert_int_equal(w->n, 0);
}

/* Of a silent edge: streams that nobody sends frames for give their places back, others stay. */
/* Tells when a stream of 001122... is dropped, in half seconds. */
static int dropped_after(world_t *w, const char *next_key)
{
    uint64_t worker;
    es_msg_t msg = {.kind = ES_REPORT};
    ES_SET(&msg, ES_M_NAME, name, es_span("jobs-1"));
    hello(w, 7, 2, NULL, 0);
    place(w, CLIENT, 1, 7);
    es_house_frontend(w->house, es_span("0011220000000000"), &msg, w->now, &worker);
    for (int i = 0; i < 12; i++) {
        w->now += ES_HOUSE_BEACON_US;
        from_worker(w, 7, ES_HEARTBEAT);
        if (next_key) es_house_frontend(w->house, es_span(next_key), &msg, w->now, &worker);
        w->n = 0;
        es_house_tick(w->house, w->now);
        for (size_t k = 0; k < w->n; k++)
            if (w->said[k].msg.kind == ES_DROP) return i + 1;
    }
    return 0;
}

static void test_one_that_was_started_anew_gives_its_places_back_sooner(void **state)
{
    assert_int_equal(dropped_after(*state, "aabbcc0000000000"), 5);
}

/* Its last frame came just now, and its successor knows better. */
static void test_one_that_is_called_dead_gives_its_places_back_at_once(void **state)
{
    world_t *w = *state;
    uint64_t worker;
    es_msg_t msg = {.kind = ES_REPORT};
    ES_SET(&msg, ES_M_NAME, name, es_span("jobs-1"));
    hello(w, 7, 3, NULL, 0);
    place(w, CLIENT, 1, 7);
    place(w, OTHER, 1, 7);
    place(w, "aabbcc0000000001", 1, 7);
    es_house_frontend(w->house, es_span("0011220000000000"), &msg, w->now, &worker);
    ES_SET(&msg, ES_M_FLAGS, flags, ES_F_LEAVING);
    w->n = 0;
    es_house_frontend(w->house, es_span("0011220000000000"), &msg, w->now, &worker);
    assert_int_equal(w->n, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(w->said[i].msg.kind, ES_DROP);
        assert_memory_equal(w->said[i].key, "001122", 6);
        assert_int_equal(w->said[i].inc, 7);
    }
    w->n = 0;
    es_house_frontend(w->house, es_span("0011220000000000"), &msg, w->now,
                      &worker); /* said by each of its successors */
    assert_int_equal(w->n, 0);
    assert_int_equal(frame(w, "aabbcc0000000001", 1, 0, &worker), ES_FORWARD);
}

static void test_one_that_died_gives_its_places_back(void **state)
{
    assert_int_equal(dropped_after(*state, NULL), 10);
}

static void test_a_silent_edge_gives_its_places_back(void **state)
{
    world_t *w = *state;
    uint64_t worker;
    es_msg_t msg = {.kind = ES_REPORT};
    ES_SET(&msg, ES_M_NAME, name, es_span("edge"));
    hello(w, 7, 2, NULL, 0);
    place(w, CLIENT, 1, 7);
    place(w, OTHER, 1, 7);
    es_house_frontend(w->house, es_span("0011220000000000"), &msg, w->now, &worker);
    for (int i = 0; i < 12; i++) {
        w->now += ES_HOUSE_BEACON_US;
        from_worker(w, 7, ES_HEARTBEAT);
        frame(w, OTHER, 1, 0, &worker);
        w->n = 0;
        es_house_tick(w->house, w->now);
        for (size_t k = 0; k < w->n; k++) {
            if (w->said[k].msg.kind != ES_DROP) continue;
            assert_string_equal(w->said[k].key, CLIENT);
            assert_int_equal(w->said[k].msg.epoch, 0);
            assert_true(i >= 9);
            return;
        }
    }
    fail_msg("no DROP");
}

static void test_too_many_workers(void **state)
{
    world_t *w = *state;
    for (uint64_t inc = 1; inc <= 5; inc++) assert_int_equal(hello(w, inc, 1, NULL, 0), ES_TAKEN);
    assert_int_equal(from_worker(w, 4, ES_HEARTBEAT), ES_TAKEN);
    assert_int_equal(w->n, 0);
    from_worker(w, 5, ES_HEARTBEAT);
    only(w, ES_WHO_ARE_YOU);
}

static void test_what_does_not_belong(void **state)
{
    world_t *w = *state;
    uint64_t worker = 0;
    assert_int_equal(frame(w, "sys/00000000", 1, ES_F_START, &worker), ES_NOT_FOR_US);
    assert_int_equal(frame(w, "00112233445566AA", 1, ES_F_START, &worker), ES_NOT_FOR_US);
    assert_int_equal(frame(w, "00112233445566a/", 1, ES_F_START, &worker), ES_NOT_FOR_US);
    es_msg_t final = {.kind = ES_FINAL};
    assert_int_equal(es_house_frontend(w->house, es_span(CLIENT), &final, w->now, &worker), ES_NOT_FOR_US);
    assert_int_equal(from_worker(w, 7, ES_FRAME), ES_NOT_FOR_US);
    es_stream_ref_t bad = {es_span("room/x"), 4, 0};
    assert_int_equal(hello(w, 7, 4, &bad, 1), ES_NOT_FOR_US);
    es_msg_t msg = {.kind = ES_HELLO};
    ES_SET(&msg, ES_M_SERVICE, service, es_span("transcribe"));
    assert_int_equal(es_house_backend(w->house, 8, &msg, es_span("\xc1"), w->now), ES_NOT_FOR_US);
    assert_int_equal(w->n, 0);
}

static void test_probe(void **state)
{
    world_t *w = *state;
    hello(w, 7, 4, NULL, 0);
    hello(w, 8, 0, NULL, 0);
    place(w, CLIENT, 1, 7);
    es_msg_t msg = {.kind = ES_PROBE, .epoch = 3, .seq = 5};
    uint64_t worker;
    assert_int_equal(es_house_frontend(w->house, es_span(OTHER), &msg, w->now, &worker), ES_TAKEN);
    const said_t *said = only(w, ES_PROBED);
    assert_string_equal(said->key, OTHER);
    assert_int_equal(said->msg.load, 1);
    assert_int_equal(said->msg.capacity, 3);
    assert_int_equal(said->msg.epoch, 3);
    assert_int_equal(said->msg.seq, 5);
}

/* ---- rooms ---- */

static es_house_verdict_t request(world_t *w, es_span_t key, uint64_t *worker)
{
    es_msg_t msg = {.kind = ES_ROOM_SAY, .seq = 1};
    *worker = 0;
    return es_house_frontend(w->house, key, &msg, w->now, worker);
}

static es_house_verdict_t ask_room(world_t *w, const char *id, uint64_t *worker)
{
    char key[ES_KEY_MAX];
    return request(w, es_span_of(key, es_room_key(key, es_span(id))), worker);
}

static void test_requests_go_to_the_room_actor(void **state)
{
    world_t *w = *state;
    uint64_t worker, dropped = es_metric_get(&es_broker_no_room_total);
    hello(w, 7, 4, NULL, 0);
    assert_int_equal(ask_room(w, "lobby", &worker), ES_TAKEN);
    assert_int_equal(es_metric_get(&es_broker_no_room_total), dropped + 1);
    hello_of(w, "room", 8, 100, NULL, 0);
    assert_int_equal(ask_room(w, "lobby", &worker), ES_FORWARD);
    assert_int_equal(worker, 8);
    es_house_unreachable(w->house, 8);
    assert_int_equal(ask_room(w, "lobby", &worker), ES_TAKEN);
    assert_int_equal(w->n, 0);
    from_worker(w, 8, ES_HEARTBEAT);
    only(w, ES_WHO_ARE_YOU);
    assert_int_equal(es_metric_get(&es_broker_no_room_total), dropped + 2);
}

static void test_rooms_move_at_once(void **state)
{
    world_t *w = *state;
    uint64_t first, second, worker;
    hello_of(w, "room", 8, 100, NULL, 0);
    hello_of(w, "room", 9, 100, NULL, 0);
    ask_room(w, "lobby", &first);
    second = first == 8 ? 9 : 8;
    hello_of(w, "room", first, 0, NULL, 0); /* drains */
    ask_room(w, "lobby", &worker);
    assert_int_equal(worker, second);
    hello_of(w, "room", first, 100, NULL, 0);
    ask_room(w, "lobby", &worker);
    assert_int_equal(worker, first);
    from_worker(w, first, ES_GOODBYE);
    ask_room(w, "lobby", &worker);
    assert_int_equal(worker, second);
    assert_int_equal(pass(w, w->now + 3 * SECOND, ES_WORKER_LOST), 0); /* silent, and nobody's stream */
    assert_int_equal(ask_room(w, "lobby", &worker), ES_TAKEN);
}

static void test_only_rooms_keys_reach_rooms(void **state)
{
    world_t *w = *state;
    uint64_t worker;
    hello_of(w, "room", 8, 100, NULL, 0);
    assert_int_equal(request(w, es_span(CLIENT), &worker), ES_NOT_FOR_US);
    assert_int_equal(request(w, es_span("room/lobby"), &worker), ES_NOT_FOR_US); /* no NUL */
    assert_int_equal(request(w, es_span_of("room/\0", 6), &worker), ES_NOT_FOR_US);
    assert_int_equal(request(w, es_span_of("room/\n\0", 7), &worker), ES_NOT_FOR_US);
    es_msg_t news = {.kind = ES_ROOM_NEWS};
    assert_int_equal(es_house_frontend(w->house, es_span_of("room/a\0", 7), &news, w->now, &worker), ES_NOT_FOR_US);
}

static void test_rooms_and_streams_are_kept_apart(void **state)
{
    world_t *w = *state;
    uint64_t worker;
    hello_of(w, "room", 8, 100, NULL, 0);
    assert_int_equal(frame(w, CLIENT, 1, ES_F_START, &worker), ES_TAKEN);
    only(w, ES_WAIT);
    es_stream_ref_t claimed = {es_span(OTHER), 4, 0};
    assert_int_equal(hello_of(w, "room", 8, 100, &claimed, 1), ES_TAKEN);
    assert_string_equal(only(w, ES_DROP)->key, OTHER);
    hello(w, 7, 4, NULL, 0);
    place(w, CLIENT, 1, 7);
    hello_of(w, "room", 7, 4, NULL, 0); /* one that thinks better of it has no streams any more */
    assert_string_equal(only(w, ES_WORKER_LOST)->key, CLIENT);
    assert_int_equal(frame(w, CLIENT, 2, ES_F_START, &worker), ES_TAKEN);
    only(w, ES_WAIT);
}

static void test_probe_of_a_service(void **state)
{
    world_t *w = *state;
    static const struct {
        const char *service;
        uint64_t load, capacity;
    } cases[] = {{"transcribe", 1, 4}, {"room", 2, 0}, {"jobs", 1, 0}, {"sing", 0, 0}, {NULL, 1, 4}};
    uint64_t worker;
    hello(w, 7, 4, NULL, 0);
    hello_of(w, "room", 8, 100, NULL, 0);
    hello_of(w, "room", 9, 100, NULL, 0);
    hello_of(w, "jobs", 10, 2, NULL, 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        es_msg_t msg = {.kind = ES_PROBE};
        if (cases[i].service) ES_SET(&msg, ES_M_SERVICE, service, es_span(cases[i].service));
        assert_int_equal(es_house_frontend(w->house, es_span(OTHER), &msg, w->now, &worker), ES_TAKEN);
        const said_t *said = only(w, ES_PROBED);
        assert_int_equal(said->msg.load, cases[i].load);
        assert_int_equal(said->msg.capacity, cases[i].capacity);
    }
}

/* ---- jobs ---- */

static es_house_verdict_t ask_jobs(world_t *w, const char *key, uint64_t *worker)
{
    es_msg_t msg = {.kind = ES_JOB_ASK, .seq = 1};
    *worker = 0;
    return es_house_frontend(w->house, es_span(key), &msg, w->now, worker);
}

static void test_questions_about_jobs_go_to_a_jobs_actor(void **state)
{
    world_t *w = *state;
    uint64_t worker, dropped = es_metric_get(&es_broker_no_jobs_total);
    hello(w, 7, 4, NULL, 0);
    hello_of(w, "room", 8, 100, NULL, 0);
    hello_of(w, "upload", 9, 64, NULL, 0); /* the same actor's other HELLO: for streams */
    assert_int_equal(ask_jobs(w, "jobs/" CLIENT, &worker), ES_TAKEN);
    assert_int_equal(es_metric_get(&es_broker_no_jobs_total), dropped + 1);
    hello_of(w, "jobs", 10, 2, NULL, 0);
    assert_int_equal(ask_jobs(w, "jobs/" CLIENT, &worker), ES_FORWARD);
    assert_int_equal(worker, 10);
    hello_of(w, "jobs", 10, 0, NULL, 0); /* drains */
    assert_int_equal(ask_jobs(w, "jobs/" CLIENT, &worker), ES_TAKEN);
    assert_int_equal(w->n, 0);
}

static void test_only_jobs_keys_reach_jobs(void **state)
{
    world_t *w = *state;
    uint64_t worker;
    hello_of(w, "jobs", 8, 2, NULL, 0);
    assert_int_equal(ask_jobs(w, CLIENT, &worker), ES_NOT_FOR_US);
    assert_int_equal(ask_jobs(w, "jobs/", &worker), ES_NOT_FOR_US);
    assert_int_equal(ask_jobs(w, "job/x", &worker), ES_NOT_FOR_US);
    es_msg_t news = {.kind = ES_JOB_NEWS};
    assert_int_equal(es_house_frontend(w->house, es_span("jobs/x"), &news, w->now, &worker), ES_NOT_FOR_US);
}

static void test_who_answers_for_jobs_gets_no_stream(void **state)
{
    world_t *w = *state;
    uint64_t worker;
    es_msg_t msg = {.kind = ES_FRAME, .epoch = 1, .seq = 1};
    ES_SET(&msg, ES_M_FLAGS, flags, ES_F_START);
    ES_SET(&msg, ES_M_SERVICE, service, es_span("jobs"));
    hello_of(w, "jobs", 8, 2, NULL, 0);
    assert_int_equal(es_house_frontend(w->house, es_span(CLIENT), &msg, w->now, &worker), ES_TAKEN);
    only(w, ES_WAIT);
}

/* ---- drain ---- */

/* How many were told. */
static uint64_t drain(world_t *w, const char *name, uint64_t inc)
{
    es_msg_t msg = {.kind = ES_DRAIN, .seq = 5};
    uint64_t worker;
    ES_SET(&msg, ES_M_NAME, name, es_span(name));
    if (inc) ES_SET(&msg, ES_M_INC, inc, inc);
    assert_int_equal(es_house_frontend(w->house, es_span(OTHER), &msg, w->now, &worker), ES_TAKEN);
    const said_t *said = &w->said[w->n - 1];
    assert_int_equal(said->msg.kind, ES_DRAINED);
    assert_string_equal(said->key, OTHER);
    assert_int_equal(said->msg.seq, 5);
    return said->msg.count;
}

static void report_of(world_t *w, const char *key, const char *name, uint64_t inc)
{
    es_msg_t msg = {.kind = ES_REPORT};
    uint64_t worker;
    ES_SET(&msg, ES_M_NAME, name, es_span(name));
    ES_SET(&msg, ES_M_INC, inc, inc);
    assert_int_equal(es_house_frontend(w->house, es_span(key), &msg, w->now, &worker), ES_TAKEN);
}

static void test_drain_goes_to_workers(void **state)
{
    world_t *w = *state;
    hello(w, 7, 4, NULL, 0);
    hello_of(w, "room", 8, 4, NULL, 0);
    w->n = 0;
    assert_int_equal(drain(w, "w", 0), 2); /* both are called w, as a jobs actor's two are */
    assert_int_equal(w->n, 3);
    for (size_t i = 0; i < 2; i++) {
        assert_true(w->said[i].to_worker);
        assert_int_equal(w->said[i].msg.kind, ES_DRAIN);
        assert_true(es_span_eq(w->said[i].msg.name, es_span("w")));
    }
    assert_string_equal(w->said[0].key, "0000000000000008");
    assert_string_equal(w->said[1].key, "0000000000000007");
    w->n = 0;
    assert_int_equal(drain(w, "w", 7), 1);
    assert_int_equal(w->said[0].inc, 7);
    assert_int_equal(drain(w, "w", 9), 0);
    assert_int_equal(drain(w, "W", 0), 0);
    assert_int_equal(drain(w, "", 0), 0);
    assert_int_equal(w->drained, 0);
}

static void test_drain_of_one_that_is_gone(void **state)
{
    world_t *w = *state;
    hello(w, 7, 4, NULL, 0);
    hello(w, 8, 4, NULL, 0);
    w->unreachable = 7;
    assert_int_equal(drain(w, "w", 0), 1);
    w->unreachable = 0;
    assert_int_equal(drain(w, "w", 7), 0); /* it was taken out */
}

static void test_drain_goes_to_edges_by_the_key_of_their_report(void **state)
{
    world_t *w = *state;
    report_of(w, CLIENT, "edge", 21);
    report_of(w, "edge-key", "edge-2", 22); /* it cannot be reached there */
    w->n = 0;
    assert_int_equal(drain(w, "edge", 0), 1);
    assert_false(w->said[0].to_worker);
    assert_int_equal(w->said[0].msg.kind, ES_DRAIN);
    assert_string_equal(w->said[0].key, CLIENT);
    assert_int_equal(drain(w, "edge", 21), 1);
    assert_int_equal(drain(w, "edge", 22), 0);
    assert_int_equal(drain(w, "edge-2", 0), 0);
}

static void test_drain_of_the_broker_itself(void **state)
{
    world_t *w = *state;
    assert_int_equal(drain(w, "broker", 0xabd), 0);
    assert_int_equal(w->drained, 0);
    assert_int_equal(drain(w, "broker", 0), 1);
    assert_int_equal(drain(w, "broker", 0xabc), 1);
    assert_int_equal(w->drained, 2);
    es_msg_t msg = {.kind = ES_DRAIN};
    uint64_t worker;
    ES_SET(&msg, ES_M_NAME, name, es_span("broker"));
    assert_int_equal(es_house_frontend(w->house, es_span("no key"), &msg, w->now, &worker), ES_NOT_FOR_US);
}

/* ---- beacons ---- */

static void report(world_t *w, const char *name)
{
    es_msg_t msg = {.kind = ES_REPORT};
    uint64_t worker;
    ES_SET(&msg, ES_M_NAME, name, es_span(name));
    ES_SET(&msg, ES_M_LOAD, load, 12);
    ES_SET(&msg, ES_M_COUNT, count, 3456);
    ES_SET(&msg, ES_M_LAG_US, lag_us, 78);
    assert_int_equal(es_house_frontend(w->house, es_span("edge-key"), &msg, w->now, &worker), ES_TAKEN);
}

static const msgpack_object *lookup(const msgpack_object *map, const char *key)
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

static uint64_t number(const msgpack_object *map, const char *key)
{
    return lookup(map, key)->via.u64;
}

static void assert_text(const msgpack_object *map, const char *key, const char *text)
{
    const msgpack_object *v = lookup(map, key);
    assert_int_equal(v->type, MSGPACK_OBJECT_STR);
    assert_int_equal(v->via.str.size, strlen(text));
    assert_memory_equal(v->via.str.ptr, text, strlen(text));
}

/* Lets time pass until a beacon, whose body it unpacks. */
static void next_beacon(world_t *w, msgpack_unpacked *out)
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

static void test_beacon(void **state)
{
    world_t *w = *state;
    hello(w, 7, 4, NULL, 0);
    place(w, CLIENT, 1, 7);
    report(w, "edge");
    report(w, "edge");
    msgpack_unpacked beacon;
    next_beacon(w, &beacon);
    const msgpack_object *map = &beacon.data;
    assert_text(map, "name", "broker");
    assert_int_equal(number(map, "heartbeat_ms"), 500);
    assert_false(lookup(map, "leaving")->via.boolean);
    assert_true(number(map, "uptime_ms") >= 5000);
    assert_int_equal(number(map, "streams"), 1);
    assert_int_equal(number(map, "free"), 3);
    assert_int_equal(number(map, "waiting"), 0);
    assert_int_equal(number(map, "workers_total"), 1);
    assert_int_equal(lookup(map, "dropped")->type, MSGPACK_OBJECT_MAP);
    number(lookup(map, "dropped"), "stale");
    number(lookup(map, "malformed"), "frontend");
    number(lookup(map, "denied"), "backend");
    number(lookup(map, "handshakes_refused"), "unknown_key");
    assert_text(map, "version", es_config_release());
    const msgpack_object *workers = lookup(map, "workers"), *edges = lookup(map, "edges");
    assert_int_equal(workers->via.array.size, 1);
    assert_text(&workers->via.array.ptr[0], "inc", "0000000000000007");
    assert_text(&workers->via.array.ptr[0], "service", "transcribe");
    assert_int_equal(number(&workers->via.array.ptr[0], "streams"), 1);
    assert_int_equal(lookup(&workers->via.array.ptr[0], "draining")->via.boolean, false);
    assert_int_equal(edges->via.array.size, 1);
    assert_text(&edges->via.array.ptr[0], "name", "edge");
    assert_text(&edges->via.array.ptr[0], "service", "edge");
    assert_int_equal(number(&edges->via.array.ptr[0], "streams"), 12);
    assert_int_equal(number(&edges->via.array.ptr[0], "frames"), 3456);
    msgpack_unpacked_destroy(&beacon);
    w->now += 5 * SECOND; /* the edge has fallen silent */
    hello(w, 7, 0, NULL, 0);
    next_beacon(w, &beacon);
    assert_int_equal(lookup(&beacon.data, "edges")->via.array.size, 0);
    assert_int_equal(lookup(&lookup(&beacon.data, "workers")->via.array.ptr[0], "draining")->via.boolean, true);
    msgpack_unpacked_destroy(&beacon);
}

static void test_a_live_stream_makes_a_job_yield(void **state)
{
    world_t *w = *state;
    uint64_t worker;
    es_msg_t start = {.kind = ES_FRAME, .epoch = 6, .seq = 1};
    ES_SET(&start, ES_M_FLAGS, flags, ES_F_START);
    ES_SET(&start, ES_M_SERVICE, service, es_span("transcribe"));
    ES_SET(&start, ES_M_PRIORITY, priority, 1);
    hello(w, 7, 1, NULL, 0);
    assert_int_equal(es_house_frontend(w->house, es_span(OTHER), &start, w->now, &worker), ES_FORWARD);
    assert_int_equal(frame(w, CLIENT, 1, ES_F_START, &worker), ES_TAKEN);
    assert_int_equal(w->n, 2);
    assert_int_equal(w->said[0].msg.kind, ES_WAIT);
    assert_string_equal(w->said[0].key, CLIENT);
    assert_int_equal(w->said[1].msg.kind, ES_YIELD);
    assert_string_equal(w->said[1].key, OTHER);
    assert_int_equal(w->said[1].msg.epoch, 6);
    assert_false(w->said[1].to_worker);
    w->n = 0;
    msgpack_unpacked beacon;
    next_beacon(w, &beacon);
    assert_int_equal(number(&beacon.data, "batch"), 1);
    assert_int_equal(number(&beacon.data, "waiting_batch"), 0);
    msgpack_unpacked_destroy(&beacon);
}

static void test_a_stream_that_kills_is_refused(void **state)
{
    world_t *w = *state;
    uint64_t worker;
    hello(w, 7, 4, NULL, 0);
    place(w, CLIENT, 1, 7);
    es_house_unreachable(w->house, 7);
    assert_int_equal(only(w, ES_WORKER_LOST)->msg.load, 1); /* it was alone there */
    hello(w, 8, 4, NULL, 0);
    place(w, CLIENT, 2, 8);
    place(w, OTHER, 1, 8);
    es_house_unreachable(w->house, 8);
    assert_int_equal(w->said[0].msg.load, 2);
    w->n = 0;
    hello(w, 7, 4, NULL, 0);
    es_msg_t start = {.kind = ES_FRAME, .epoch = 3, .seq = 1, .flags = ES_F_START};
    ES_SET(&start, ES_M_SERVICE, service, es_span("transcribe"));
    ES_SET(&start, ES_M_DEATHS, deaths, 10);
    assert_int_equal(es_house_frontend(w->house, es_span(CLIENT), &start, w->now, &worker), ES_TAKEN);
    const said_t *said = only(w, ES_REFUSED);
    assert_int_equal(said->msg.epoch, 3);
    msgpack_unpacked beacon;
    next_beacon(w, &beacon);
    const msgpack_object *list = lookup(&beacon.data, "quarantine");
    assert_int_equal(list->via.array.size, 1);
    assert_text(&list->via.array.ptr[0], "client", CLIENT);
    msgpack_unpacked_destroy(&beacon);
    ES_SET(&start, ES_M_DEATHS, deaths, 9);
    assert_int_equal(es_house_frontend(w->house, es_span(CLIENT), &start, w->now, &worker), ES_FORWARD);
}

static void test_a_stream_is_not_alone_with_those_of_other_brokers(void **state)
{
    world_t *w = *state;
    es_msg_t beat = {.kind = ES_HEARTBEAT};
    ES_SET(&beat, ES_M_INC, inc, 7);
    ES_SET(&beat, ES_M_LOAD, load, 3);
    hello(w, 7, 4, NULL, 0);
    place(w, CLIENT, 1, 7);
    es_house_backend(w->house, 7, &beat, es_span(NULL), w->now);
    es_house_unreachable(w->house, 7);
    assert_int_equal(only(w, ES_WORKER_LOST)->msg.load, 3);
}

static void test_a_suspect_alone_is_blamed(void **state)
{
    world_t *w = *state;
    uint64_t worker;
    es_msg_t start = {.kind = ES_FRAME, .epoch = 5, .seq = 1, .flags = ES_F_START};
    ES_SET(&start, ES_M_SERVICE, service, es_span("transcribe"));
    ES_SET(&start, ES_M_SHARED, shared, 3);
    hello(w, 7, 4, NULL, 0);
    place(w, OTHER, 1, 7);
    assert_int_equal(es_house_frontend(w->house, es_span(CLIENT), &start, w->now, &worker), ES_FORWARD);
    es_house_unreachable(w->house, 7);
    assert_int_equal(w->n, 2);
    for (size_t i = 0; i < w->n; i++)
        assert_int_equal(w->said[i].msg.load, strcmp(w->said[i].key, CLIENT) == 0 ? 1 : 2);
}

static void test_beacon_of_a_broker_that_leaves(void **state)
{
    world_t *w = *state;
    es_house_leave(w->house, w->now);
    assert_int_equal(only(w, ES_BEACON)->msg.flags, ES_F_LEAVING);
    w->now += ES_HOUSE_BEACON_US;
    es_house_tick(w->house, w->now);
    assert_int_equal(only(w, ES_BEACON)->msg.flags, ES_F_LEAVING);
}

static void test_beacon_with_a_room_actor(void **state)
{
    world_t *w = *state;
    uint64_t worker;
    hello(w, 7, 4, NULL, 0);
    hello_of(w, "room", 8, 100, NULL, 0);
    es_msg_t beat = {.kind = ES_HEARTBEAT};
    ES_SET(&beat, ES_M_LOAD, load, 12);
    msgpack_unpacked beacon;
    es_house_backend(w->house, 8, &beat, es_span(NULL), w->now);
    next_beacon(w, &beacon);
    const msgpack_object *workers = lookup(&beacon.data, "workers");
    assert_int_equal(number(&beacon.data, "free"), 4); /* places of streams */
    assert_int_equal(number(&beacon.data, "workers_total"), 2);
    assert_text(&workers->via.array.ptr[1], "service", "room");
    assert_int_equal(number(&workers->via.array.ptr[1], "streams"), 0);
    assert_int_equal(number(&workers->via.array.ptr[1], "load"), 12);
    assert_int_equal(number(&workers->via.array.ptr[1], "capacity"), 100);
    msgpack_unpacked_destroy(&beacon);
    from_worker(w, 8, ES_GOODBYE);
    ask_room(w, "lobby", &worker);
    next_beacon(w, &beacon);
    assert_true(number(lookup(&beacon.data, "dropped"), "no_room") > 0);
    msgpack_unpacked_destroy(&beacon);
}

static void test_beacon_that_does_not_fit(void **state)
{
    (void)state;
    static es_metric_t *const none[] = {NULL};
    static es_reports_t reports;
    static es_quarantine_t quarantine;
    es_beacon_t beacon = {.name = "broker",
                          .registry = es_registry_new(NULL, 0),
                          .placement = es_placement_new(NULL, 0),
                          .reports = &reports,
                          .quarantine = &quarantine,
                          .metrics = none};
    char buf[1024];
    size_t len = es_beacon_encode(&beacon, 0, buf, sizeof buf);
    assert_true(len > 0);
    for (size_t cap = 0; cap < len; cap++) assert_int_equal(es_beacon_encode(&beacon, 0, buf, cap), 0);
    assert_int_equal(es_beacon_encode(&beacon, 0, buf, len), len);
    es_registry_destroy((es_registry_t **)(void *)&beacon.registry);
    es_placement_destroy((es_placement_t **)(void *)&beacon.placement);
}

static void test_reports_are_bounded(void **state)
{
    (void)state;
    static es_reports_t reports;
    es_msg_t msg = {.kind = ES_REPORT};
    char name[32];
    for (int i = 0; i < ES_REPORTS_MAX + 5; i++) {
        snprintf(name, sizeof name, "edge-%d", i);
        ES_SET(&msg, ES_M_NAME, name, es_span(name));
        es_reports_take(&reports, es_span(CLIENT), &msg, 10);
    }
    assert_int_equal(reports.count, ES_REPORTS_MAX);
    assert_int_equal(reports.refused, 5);
    msg.name = es_span("");
    es_reports_take(&reports, es_span(CLIENT), &msg, 10);
    assert_int_equal(reports.refused, 6);
    msg.name = es_span("edge-7"), msg.flags = ES_F_LEAVING;
    es_reports_take(&reports, es_span(CLIENT), &msg, 10);
    assert_int_equal(reports.count, ES_REPORTS_MAX - 1);
    for (size_t i = 0; i < reports.count; i++)
        assert_false(es_span_eq(es_span_of(reports.list[i].name, reports.list[i].name_len), msg.name));
    es_reports_tick(&reports, 10 + ES_REPORT_SILENCE_US);
    assert_int_equal(reports.count, 0);
}

static void test_metrics_are_a_list(void **state)
{
    (void)state;
    es_metric_t *const *list = es_broker_metrics();
    size_t n = 0;
    for (; list[n]; n++) assert_memory_equal(list[n]->name, "earshot_broker_", strlen("earshot_broker_"));
    assert_true(n > 30);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < i; k++) assert_string_not_equal(list[i]->name, list[k]->name);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_wait_then_place_then_rewind),
                                       TEST(test_goodbye),
                                       TEST(test_unreachable),
                                       TEST(test_silent_worker_is_lost),
                                       TEST(test_heartbeats_keep_it),
                                       TEST(test_ping_finds_it_unreachable),
                                       TEST(test_relearn_and_loser),
                                       TEST(test_drain_moves_politely),
                                       TEST(test_drain_tells_streams_to_go),
                                       TEST(test_a_live_stream_makes_a_job_yield),
                                       TEST(test_a_stream_that_kills_is_refused),
                                       TEST(test_a_suspect_alone_is_blamed),
                                       TEST(test_a_stream_is_not_alone_with_those_of_other_brokers),
                                       TEST(test_a_silent_edge_gives_its_places_back),
                                       TEST(test_one_that_died_gives_its_places_back),
                                       TEST(test_one_that_is_called_dead_gives_its_places_back_at_once),
                                       TEST(test_one_that_was_started_anew_gives_its_places_back_sooner),
                                       TEST(test_too_many_workers),
                                       TEST(test_what_does_not_belong),
                                       TEST(test_probe),
                                       TEST(test_requests_go_to_the_room_actor),
                                       TEST(test_rooms_move_at_once),
                                       TEST(test_only_rooms_keys_reach_rooms),
                                       TEST(test_rooms_and_streams_are_kept_apart),
                                       TEST(test_probe_of_a_service),
                                       TEST(test_questions_about_jobs_go_to_a_jobs_actor),
                                       TEST(test_only_jobs_keys_reach_jobs),
                                       TEST(test_who_answers_for_jobs_gets_no_stream),
                                       TEST(test_beacon),
                                       TEST(test_beacon_of_a_broker_that_leaves),
                                       TEST(test_beacon_with_a_room_actor),
                                       TEST(test_drain_goes_to_workers),
                                       TEST(test_drain_of_one_that_is_gone),
                                       TEST(test_drain_goes_to_edges_by_the_key_of_their_report),
                                       TEST(test_drain_of_the_broker_itself),
                                       cmocka_unit_test(test_beacon_that_does_not_fit),
                                       cmocka_unit_test(test_reports_are_bounded),
                                       cmocka_unit_test(test_metrics_are_a_list)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
