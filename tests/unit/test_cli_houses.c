#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "houses.h"

#define A "sys/00000000000000aa"
#define B "sys/00000000000000bb"
#define SECOND UINT64_C(1000000)

/* A broker with one edge, one transcriber and one room actor. */
static void take(es_houses_t *houses, const char *key, const char *name, int streams, bool leaving, uint64_t now_us)
{
    json_t *house = json_pack(
        "{s:s, s:i, s:b, s:[{s:s, s:s, s:i}], s:[{s:s, s:s, s:s, s:i, s:i}, {s:s, s:s, s:s, s:i}]}", "name", name,
        "streams", 2, "leaving", leaving ? 1 : 0, "edges", "name", "edge", "inc", "00000000000000e1", "streams", 5,
        "workers", "name", "transcriber-1", "inc", "0000000000000071", "service", "transcribe", "load", streams,
        "streams", 1, "name", "room-1", "inc", "0000000000000081", "service", "room", "load", 9);
    es_houses_take(houses, key, house, now_us);
    json_decref(house);
}

static void actors_are_found_by_name(void **state)
{
    (void)state;
    es_houses_t houses = {.count = 0};
    es_house_actor_t found[4];
    take(&houses, A, "broker", 3, false, SECOND);
    take(&houses, B, "broker-2", 4, false, SECOND);
    static const struct {
        const char *name, *inc, *serves;
        int load;
    } cases[] = {
        {"broker", "00000000000000aa", "stream", 2},
        {"broker-2", "00000000000000bb", "stream", 2},
        {"edge", "00000000000000e1", "stream", 5},
        {"transcriber-1", "0000000000000071", "stream", 4}, /* the newer of what two brokers know, if it is more */
        {"room-1", "0000000000000081", "room", 9}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(es_houses_find(&houses, cases[i].name, SECOND, found, 4), 1);
        assert_string_equal(found[0].inc, cases[i].inc);
        assert_string_equal(found[0].serves, cases[i].serves);
        assert_int_equal(found[0].load, cases[i].load);
    }
    assert_int_equal(es_houses_find(&houses, "transcriber", SECOND, found, 4), 0);
    assert_int_equal(es_houses_find(&houses, "", SECOND, found, 4), 0);
    assert_int_equal(es_houses_find(&houses, "edge", SECOND, found, 0), 0);
    es_houses_fini(&houses);
}

/* Its HELLO for streams, its HELLO for requests, its REPORT: all are told to drain, and no job counts twice. */
static void a_jobs_actor_is_found_three_times(void **state)
{
    (void)state;
    es_houses_t houses = {.count = 0};
    es_house_actor_t found[4];
    json_t *house = json_pack("{s:s, s:[{s:s, s:s, s:s, s:i}], s:[{s:s, s:s, s:s, s:i}, {s:s, s:s, s:s, s:i}]}", "name",
                              "broker", "edges", "name", "jobs-1", "inc", "00000000000000e1", "service", "jobs",
                              "streams", 2, "workers", "name", "jobs-1", "inc", "0000000000000071", "service", "upload",
                              "load", 3, "name", "jobs-1", "inc", "0000000000000081", "service", "jobs", "load", 2);
    es_houses_take(&houses, A, house, SECOND);
    json_decref(house);
    assert_int_equal(es_houses_find(&houses, "jobs-1", SECOND, found, 4), 3);
    assert_int_equal(found[0].load + found[1].load + found[2].load, 5);
    for (int i = 0; i < 3; i++) assert_string_equal(found[i].serves, "stream");
    es_houses_fini(&houses);
}

static void silent_brokers_do_not_count(void **state)
{
    (void)state;
    es_houses_t houses = {.count = 0};
    json_int_t load = 0;
    take(&houses, A, "broker", 3, false, SECOND);
    take(&houses, B, "broker-2", 4, false, 2 * SECOND);
    assert_int_equal(es_houses_fresh(&houses, 2 * SECOND), 2);
    assert_int_equal(es_houses_fresh(&houses, SECOND + ES_HOUSES_FRESH_US), 1);
    assert_true(es_houses_has(&houses, "0000000000000071", SECOND + ES_HOUSES_FRESH_US, &load));
    assert_int_equal(load, 4);
    assert_false(es_houses_has(&houses, "00000000000000aa", SECOND + ES_HOUSES_FRESH_US, NULL));
    assert_false(es_houses_has(&houses, "0000000000000071", 2 * SECOND + ES_HOUSES_FRESH_US, &load));
    assert_int_equal(load, 4);
    es_houses_fini(&houses);
}

static void who_leaves_is_gone_soon(void **state)
{
    (void)state;
    es_houses_t houses = {.count = 0};
    take(&houses, A, "broker", 0, false, SECOND);
    take(&houses, A, "broker", 0, true, 2 * SECOND);
    take(&houses, A, "broker", 0, true, 2 * SECOND + ES_HOUSES_LEAVING_US - 1); /* puts nothing off */
    assert_true(es_houses_has(&houses, "00000000000000aa", 2 * SECOND + ES_HOUSES_LEAVING_US - 1, NULL));
    assert_false(es_houses_has(&houses, "00000000000000aa", 2 * SECOND + ES_HOUSES_LEAVING_US, NULL));
    es_houses_fini(&houses);
}

static void names_once_each(void **state)
{
    (void)state;
    es_houses_t houses = {.count = 0};
    char *text = NULL;
    size_t len;
    take(&houses, A, "broker", 0, false, SECOND);
    take(&houses, B, "broker-2", 0, false, SECOND);
    FILE *out = open_memstream(&text, &len);
    es_houses_print_names(&houses, SECOND, out);
    fclose(out);
    assert_string_equal(text, "broker, edge, transcriber-1, room-1, broker-2");
    free(text);
    es_houses_fini(&houses);
}

static void hostile_beacons(void **state)
{
    (void)state;
    es_houses_t houses = {.count = 0};
    es_house_actor_t found;
    json_t *odd[] = {json_object(), json_pack("{s:i, s:i, s:s}", "name", 5, "workers", 7, "edges", "x"),
                     json_pack("{s:[i, s, {}], s:[{s:i, s:s}]}", "workers", 1, "a", "edges", "name", 3, "inc",
                               "much longer than sixteen digits")};
    char key[32];
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        es_houses_take(&houses, A, odd[i], SECOND);
        assert_int_equal(es_houses_find(&houses, "edge", SECOND, &found, 1), 0);
        assert_false(es_houses_has(&houses, "x", SECOND, NULL));
        es_houses_take(&houses, "sys/short", odd[i], SECOND);
        assert_int_equal(houses.count, 1);
    }
    for (size_t i = 0; i < 3 * ES_HOUSES_MAX; i++) {
        snprintf(key, sizeof key, "sys/%016zx", i);
        es_houses_take(&houses, key, odd[0], (i + 2) * SECOND);
    }
    assert_int_equal(houses.count, ES_HOUSES_MAX);
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) json_decref(odd[i]);
    es_houses_fini(&houses);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(actors_are_found_by_name),
        cmocka_unit_test(a_jobs_actor_is_found_three_times),
        cmocka_unit_test(silent_brokers_do_not_count),
        cmocka_unit_test(who_leaves_is_gone_soon),
        cmocka_unit_test(names_once_each),
        cmocka_unit_test(hostile_beacons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
