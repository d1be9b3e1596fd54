#include "broker_metrics.h"
#include "house_world.h"

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

/* Of a silent edge: streams that nobody sends frames for give their places back, others stay.
 * Tells when a stream of 001122... is dropped, in half seconds. */
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
    uint64_t refused = es_metric_get(&es_broker_workers_refused);
    for (uint64_t inc = 1; inc <= 5; inc++) assert_int_equal(hello(w, inc, 1, NULL, 0), ES_TAKEN);
    assert_int_equal(es_metric_get(&es_broker_workers_refused), refused + 1);
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

/* One that is refused makes nobody known, and gives him no stream. */
static void test_a_hello_with_a_wrong_list(void **state)
{
    world_t *w = *state;
    uint64_t worker = 0;
    const es_stream_ref_t bad[] = {{es_span(CLIENT), 4, 0}, {es_span("room/x"), 4, 0}};
    assert_int_equal(hello(w, 7, 4, bad, 2), ES_NOT_FOR_US);
    assert_null(es_house_owner(w->house, 7));
    assert_int_equal(frame(w, OTHER, 1, ES_F_START, &worker), ES_TAKEN);
    only(w, ES_WAIT);
    assert_int_equal(hello(w, 7, 4, NULL, 0), ES_TAKEN);
    assert_int_equal(hello(w, 7, 0, bad, 2), ES_NOT_FOR_US);
    place(w, OTHER, 1, 7); /* it does not drain */
    assert_null(es_house_holder(w->house, es_span(CLIENT), 4));
}

static const char *sender(world_t *w, const char *key, uint32_t kind, const char *client, const char *who)
{
    es_msg_t msg = {.kind = kind};
    if (client) ES_SET(&msg, ES_M_CLIENT, client, es_span(client));
    return es_house_sender(w->house, es_span(key), &msg, who, w->now);
}

static void test_whose_a_sender_is(void **state)
{
    world_t *w = *state;
    assert_null(sender(w, CLIENT, ES_FRAME, NULL, "edge/e"));
    for (uint32_t kind = ES_FRAME; kind <= ES_REPORT; kind++) {
        if (kind != ES_FRAME && kind != ES_CLOSE && kind != ES_PROBE && kind != ES_REPORT) continue;
        assert_string_equal(sender(w, OTHER, kind, NULL, "jobs/j"), "edge/e");
        assert_null(sender(w, OTHER, kind, NULL, "edge/e"));
    }
    assert_string_equal(sender(w, OTHER, ES_DRAIN, NULL, "operator/o"), "edge/e");
    /* a request is its asker's, wherever it goes */
    assert_string_equal(sender(w, "room/r", ES_ROOM_SAY, CLIENT, "edge/f"), "edge/e");
    assert_string_equal(sender(w, "jobs/" OTHER, ES_JOB_ASK, CLIENT, "operator/o"), "edge/e");
    assert_null(sender(w, "room/r", ES_ROOM_SAY, CLIENT, "edge/e"));
    assert_null(sender(w, "room/r", ES_ROOM_SAY, "nobody", "edge/f"));
    assert_null(sender(w, "room/r", ES_ROOM_SAY, NULL, "edge/f"));
    assert_string_equal(sender(w, "name", ES_REPORT, NULL, "edge/f"), "");
    assert_null(sender(w, "name", ES_REPORT, NULL, NULL));
    /* a peer of this machine may all, and takes nothing by asking */
    assert_null(sender(w, "room/r", ES_ROOM_SAY, CLIENT, NULL));
    assert_null(sender(w, CLIENT, ES_FRAME, NULL, "edge/e"));
    assert_null(sender(w, CLIENT, ES_FRAME, NULL, NULL));
    assert_string_equal(sender(w, CLIENT, ES_FRAME, NULL, "edge/e"), "");
}

/* Who has its name by another key is no proof that it is dead. */
static void test_another_keys_report_replaces_nobody(void **state)
{
    world_t *w = *state;
    assert_null(sender(w, CLIENT, ES_FRAME, NULL, "jobs/j"));
    assert_null(sender(w, "aabbcc0000000000", ES_REPORT, NULL, "edge/e"));
    assert_int_equal(dropped_after(w, "aabbcc0000000000"), 10);
}

static void test_who_leaves_is_nobodys(void **state)
{
    world_t *w = *state;
    uint64_t worker;
    es_msg_t leaving = {.kind = ES_REPORT};
    ES_SET(&leaving, ES_M_FLAGS, flags, ES_F_LEAVING);
    ES_SET(&leaving, ES_M_NAME, name, es_span("edge-1"));
    assert_null(sender(w, CLIENT, ES_FRAME, NULL, "edge/e"));
    assert_int_equal(es_house_frontend(w->house, es_span(CLIENT), &leaving, w->now, &worker), ES_TAKEN);
    assert_null(sender(w, CLIENT, ES_FRAME, NULL, "edge/f"));
    assert_string_equal(sender(w, CLIENT, ES_FRAME, NULL, "edge/e"), "edge/f");
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

static void test_a_worker_with_fewer_streams_is_asked_which(void **state)
{
    world_t *w = *state;
    uint64_t worker;
    es_stream_ref_t ref = {es_span(CLIENT), 4, 0};
    hello(w, 7, 1, &ref, 1);
    from_worker(w, 7, ES_HEARTBEAT);
    const said_t *said = only(w, ES_WHO_ARE_YOU);
    assert_true(said->to_worker && said->inc == 7);
    hello(w, 7, 1, NULL, 0);
    from_worker(w, 7, ES_HEARTBEAT);
    assert_int_equal(w->n, 0);
    place(w, OTHER, 1, 7);
    assert_int_equal(frame(w, CLIENT, 4, 0, &worker), ES_TAKEN);
    only(w, ES_REWIND);
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
                                       TEST(test_one_that_was_started_anew_gives_its_places_back_sooner),
                                       TEST(test_another_keys_report_replaces_nobody),
                                       TEST(test_one_that_is_called_dead_gives_its_places_back_at_once),
                                       TEST(test_one_that_died_gives_its_places_back),
                                       TEST(test_a_silent_edge_gives_its_places_back),
                                       TEST(test_too_many_workers),
                                       TEST(test_what_does_not_belong),
                                       TEST(test_a_hello_with_a_wrong_list),
                                       TEST(test_whose_a_sender_is),
                                       TEST(test_who_leaves_is_nobodys),
                                       TEST(test_probe),
                                       TEST(test_a_live_stream_makes_a_job_yield),
                                       TEST(test_a_worker_with_fewer_streams_is_asked_which),
                                       TEST(test_a_stream_that_kills_is_refused),
                                       TEST(test_a_stream_is_not_alone_with_those_of_other_brokers),
                                       TEST(test_a_suspect_alone_is_blamed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
