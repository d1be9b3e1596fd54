#include <stdio.h>

#include "beacon.h"
#include "broker_metrics.h"
#include "config.h"
#include "house_world.h"
#include "reports.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_beacon),
                                       TEST(test_beacon_of_a_broker_that_leaves),
                                       TEST(test_beacon_with_a_room_actor),
                                       cmocka_unit_test(test_beacon_that_does_not_fit),
                                       cmocka_unit_test(test_reports_are_bounded),
                                       cmocka_unit_test(test_metrics_are_a_list)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
