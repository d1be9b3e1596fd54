/* A worker whose results do not get to a broker takes no streams from it. The worker is in a thread of its own; the test plays its broker, over ipc: of inproc nothing tells whether it is connected. */
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
#include "actor_link.h"
#include "alloc.h"
#include "health.h"
#include "log.h"
#include "runner.h"
#include "wire.h"

enum { DEADLINE_MS = 15000, QUIET_MS = 100 };

typedef struct {
    char dir[32], base[64];
    bool answers_requests; /* of a room, say, and has no streams */
    es_decoder_t *decoder;
    actor_hand_t actor;
    void *router, *results;
    char hex[17];
} world_t;

/* ---- the worker ---- */

static bool message(void *ctx, es_span_t key, const es_msg_t *msg, es_span_t body, uint64_t now_us)
{
    (void)ctx, (void)key, (void)msg, (void)body, (void)now_us;
    return true;
}

static void figures(void *ctx, es_actor_figures_t *out, uint64_t now_us)
{
    (void)ctx, (void)out, (void)now_us;
}

static size_t streams(void *ctx, es_stream_ref_t **refs)
{
    (void)ctx;
    *refs = es_alloc(sizeof **refs);
    (*refs)[0] = (es_stream_ref_t){.key = es_span("00000000000000aa"), .epoch = 5};
    return 1;
}

static void worker_thread(zsock_t *pipe, void *args)
{
    static const es_actor_link_ops_t of_streams = {.message = message, .figures = figures, .streams = streams};
    static const es_actor_link_ops_t of_requests = {.message = message, .figures = figures};
    world_t *w = args;
    const es_actor_link_config_t config = {.name = "w-1", .service = "transcribe", .brokers = w->base, .capacity = 8};
    es_health_open("w-1");
    es_actor_link_t *link = es_actor_link_new(&config, w->answers_requests ? &of_requests : &of_streams, w);
    es_loop_t *loop = es_loop_new();
    es_actor_link_attach(link, loop);
    es_runner_watch_pipe(loop, pipe, NULL, NULL);
    es_hex16(es_actor_link_incarnation(link), w->hex);
    zsock_signal(pipe, 0);
    es_loop_run(loop);
    es_actor_link_destroy(&link);
    es_loop_destroy(&loop);
    es_health_close();
}

/* ---- the broker ---- */

static void *bound(const world_t *w, int type, const char *name)
{
    char at[96];
    snprintf(at, sizeof at, "%s-%s", w->base, name);
    void *socket = es_wire_socket(type, 1000);
    if (type == ZMQ_SUB) zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0);
    assert_int_equal(zmq_bind(socket, at), 0);
    return socket;
}

static void close_results(world_t *w)
{
    if (w->results) zmq_close(w->results);
    w->results = NULL;
}

static int setup(void **state)
{
    world_t *w = calloc(1, sizeof *w);
    snprintf(w->dir, sizeof w->dir, "/tmp/es-link-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    snprintf(w->base, sizeof w->base, "ipc://%s/b", w->dir);
    w->decoder = es_decoder_new();
    w->router = bound(w, ZMQ_ROUTER, "backend");
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    world_t *w = *state;
    char path[64];
    actor_hand_end(&w->actor);
    zmq_close(w->router);
    close_results(w);
    for (const char *const *name = (const char *const[]){"backend", "results", NULL}; *name; name++) {
        snprintf(path, sizeof path, "%s/b-%s", w->dir, *name);
        unlink(path);
    }
    rmdir(w->dir);
    es_decoder_destroy(&w->decoder);
    free(w);
    return 0;
}

static bool arrives(world_t *w, int wait_ms)
{
    zmq_pollitem_t item = {.socket = w->router, .events = ZMQ_POLLIN};
    return zmq_poll(&item, 1, wait_ms) == 1;
}

static es_kind_t next_kind(world_t *w)
{
    es_wire_t wire;
    if (!arrives(w, DEADLINE_MS)) fail_msg("the worker says nothing");
    assert_int_equal(es_wire_recv(&wire, w->router, true, w->decoder), 0);
    assert_true(wire.ok);
    es_kind_t kind = (es_kind_t)wire.msg.kind;
    es_wire_close(&wire);
    return kind;
}

static void ping(world_t *w)
{
    es_span_t route = es_span(w->hex);
    es_wire_send(w->router, &route, route, &(es_msg_t){.kind = ES_PING}, NULL, 0); /* it may not be there yet */
}

/* Pings, so that the worker hears its broker. */
static void expect(world_t *w, es_kind_t kind)
{
    for (uint64_t end = es_now_us() + DEADLINE_MS * 1000u; es_now_us() < end;) {
        if (!arrives(w, QUIET_MS))
            ping(w);
        else if (next_kind(w) == kind)
            return;
    }
    fail_msg("no message of kind %u came", kind);
}

/* What the worker has heard and does not answer. */
static void expect_silence(world_t *w)
{
    for (int i = 0; i < 3; i++) {
        ping(w);
        assert_false(arrives(w, QUIET_MS));
    }
}

static void health_tells(const char *reason)
{
    es_health_t health = {0};
    es_health_limit(0);
    for (uint64_t end = es_now_us() + DEADLINE_MS * 1000u; es_now_us() < end; zmq_poll(NULL, 0, 5)) {
        es_health_look(&health, es_now_us());
        if (reason ? strstr(health.reason, reason) != NULL : health.state == ES_HEALTH_OK) return;
    }
    fail_msg("health does not say \"%s\" but \"%s\"", reason ? reason : "", health.reason);
}

/* ---- tests ---- */

static void hello_waits_for_the_results_leg(void **state)
{
    world_t *w = *state;
    actor_hand_start(&w->actor, worker_thread, w);
    assert_int_equal(next_kind(w), ES_GOODBYE); /* after a second, and harmless */
    expect_silence(w);
    health_tells("results endpoint has been out of reach");
    w->results = bound(w, ZMQ_SUB, "results");
    assert_int_equal(next_kind(w), ES_HELLO);
    expect(w, ES_HEARTBEAT);
    health_tells(NULL);
}

static void a_broker_is_left_while_the_results_leg_is_lost(void **state)
{
    world_t *w = *state;
    w->results = bound(w, ZMQ_SUB, "results");
    actor_hand_start(&w->actor, worker_thread, w);
    expect(w, ES_HELLO);
    expect(w, ES_HEARTBEAT);
    close_results(w);
    expect(w, ES_GOODBYE);
    expect_silence(w);
    w->results = bound(w, ZMQ_SUB, "results");
    assert_int_equal(next_kind(w), ES_HELLO);
    expect(w, ES_HEARTBEAT);
}

/* The connections over tcp are all cut when a broker's keys change. */
static void a_short_cut_moves_nothing(void **state)
{
    world_t *w = *state;
    w->results = bound(w, ZMQ_SUB, "results");
    actor_hand_start(&w->actor, worker_thread, w);
    expect(w, ES_HELLO);
    close_results(w);
    w->results = bound(w, ZMQ_SUB, "results");
    for (es_kind_t kind = ES_HEARTBEAT; kind != ES_HELLO; kind = next_kind(w)) assert_int_not_equal(kind, ES_GOODBYE);
    expect(w, ES_HEARTBEAT);
}

static void who_answers_requests_stays(void **state)
{
    world_t *w = *state;
    w->answers_requests = true;
    actor_hand_start(&w->actor, worker_thread, w);
    assert_int_equal(next_kind(w), ES_HELLO);
    for (uint64_t end = es_now_us() + 1300000; es_now_us() < end;) {
        ping(w);
        assert_int_not_equal(next_kind(w), ES_GOODBYE);
    }
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {WITH(hello_waits_for_the_results_leg),
                                       WITH(a_broker_is_left_while_the_results_leg_is_lost),
                                       WITH(a_short_cut_moves_nothing), WITH(who_answers_requests_stays)};
    es_log_init("test", ES_LOG_ERROR, false);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
