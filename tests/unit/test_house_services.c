#include "broker_metrics.h"
#include "house_world.h"

/* ---- rooms ---- */

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

/* Whoever says that it has a name, the other one that has it is told all the same. */
static void test_drain_goes_to_all_of_a_name(void **state)
{
    world_t *w = *state;
    report_of(w, CLIENT, "edge", 21);
    report_of(w, "aabbcc0000000000", "edge", 21);
    w->n = 0;
    assert_int_equal(drain(w, "edge", 21), 2);
    assert_string_equal(w->said[0].key, CLIENT);
    assert_string_equal(w->said[1].key, "aabbcc0000000000");
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

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_requests_go_to_the_room_actor),
                                       TEST(test_rooms_move_at_once),
                                       TEST(test_only_rooms_keys_reach_rooms),
                                       TEST(test_rooms_and_streams_are_kept_apart),
                                       TEST(test_probe_of_a_service),
                                       TEST(test_questions_about_jobs_go_to_a_jobs_actor),
                                       TEST(test_only_jobs_keys_reach_jobs),
                                       TEST(test_who_answers_for_jobs_gets_no_stream),
                                       TEST(test_drain_goes_to_workers),
                                       TEST(test_drain_of_one_that_is_gone),
                                       TEST(test_drain_goes_to_edges_by_the_key_of_their_report),
                                       TEST(test_drain_goes_to_all_of_a_name),
                                       TEST(test_drain_of_the_broker_itself)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
