/* What a broker learns of a worker and may ask of it. Its streams are test_worker_streams.c. */
#include "worker_world.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(says_hello_until_it_is_heard),
        WITH(asked_who_it_is_it_lists_its_streams),
        WITH(above_twice_the_capacity_it_refuses),
        WITH(idle_streams_are_forgotten_and_counted),
        WITH(nonsense_is_dropped),
        WITH(draining_takes_nothing_new),
        WITH(a_restarted_broker_is_told),
        cmocka_unit_test(a_malformed_configuration_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
