#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "status_live.h"
#include "status_page.h"
#include "status_trouble.h"

#define A "sys/00000000000000aa"
#define B "sys/00000000000000bb"
#define SECOND UINT64_C(1000000)

static json_t *house(const char *name, int uptime_ms, int frames)
{
    return json_pack("{s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:[{s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:i}], s:[{s:s, s:s, "
                     "s:i, s:i, s:i, s:i}]}",
                     "name", name, "uptime_ms", uptime_ms, "frames_total", frames, "results_total", frames, "streams",
                     2, "waiting", 0, "free", 30, "workers", "name", "transcriber-1", "inc", "a", "service",
                     "transcribe", "capacity", 32, "streams", 2, "count", frames, "lag_us", 0, "heard_ms", 10, "edges",
                     "name", "edge", "inc", "e", "streams", 2, "frames", frames, "lag_us", 0, "heard_ms", 10);
}

static void hear(es_status_live_t *live, const char *key, const char *name, int uptime_ms, int frames, uint64_t now_us)
{
    json_t *said = house(name, uptime_ms, frames);
    es_status_live_beacon(live, key, said, now_us);
    json_decref(said);
}

static double frames_a_second(const json_t *status)
{
    return json_real_value(json_object_get(json_object_get(status, "rates"), "frames"));
}

static void rates_are_of_two_seconds(void **state)
{
    (void)state;
    es_status_live_t live = {.broker_count = 0};
    assert_null(es_status_live_join(&live, 0));
    for (int i = 0; i <= 20; i++) hear(&live, A, "broker", 1000 + i * 500, i * i, (uint64_t)i * SECOND / 2);
    json_t *status = es_status_live_join(&live, 10 * SECOND);
    assert_true(frames_a_second(status) == (20.0 * 20 - 16 * 16) / 2);
    assert_int_equal(json_array_size(json_object_get(status, "silent")), 0);
    json_decref(status);
    es_status_live_fini(&live);
}

static size_t size(const json_t *status, const char *key)
{
    return json_array_size(json_object_get(status, key));
}

static void a_broker_may_fall_silent_and_come_back(void **state)
{
    (void)state;
    es_status_live_t live = {.broker_count = 0};
    hear(&live, A, "broker", 1000, 0, SECOND);
    hear(&live, B, "broker-2", 1000, 0, SECOND);
    json_t *status = es_status_live_join(&live, 2 * SECOND);
    assert_int_equal(size(status, "others"), 1);
    json_decref(status);

    hear(&live, A, "broker", 5000, 0, 5 * SECOND);
    status = es_status_live_join(&live, 5 * SECOND);
    const json_t *silent = json_array_get(json_object_get(status, "silent"), 0);
    assert_int_equal(size(status, "others"), 0);
    assert_string_equal(json_string_value(json_object_get(silent, "name")), "broker-2");
    assert_int_equal(json_integer_value(json_object_get(silent, "for_ms")), 4000);
    json_decref(status);

    hear(&live, "sys/00000000000000cc", "broker-2", 100, 0, 6 * SECOND); /* started anew */
    status = es_status_live_join(&live, 6 * SECOND);
    assert_int_equal(size(status, "silent"), 0);
    assert_int_equal(size(status, "others"), 1);
    json_decref(status);
    es_status_live_fini(&live);
}

static void more_brokers_than_can_be_kept(void **state)
{
    (void)state;
    es_status_live_t live = {.broker_count = 0};
    char key[32], name[32];
    hear(&live, "sys/short", "nobody", 1, 1, 1);
    hear(&live, "room/000000000000001", "nobody", 1, 1, 1);
    assert_int_equal(live.broker_count, 0);
    for (int i = 0; i < 40; i++) {
        snprintf(key, sizeof key, "sys/%016x", i);
        snprintf(name, sizeof name, "broker-%d", i);
        hear(&live, key, name, 1000, 0, (uint64_t)i * 1000);
        json_t *stats = json_pack("{s:i}", "running", i);
        es_status_live_jobs(&live, name, stats, (uint64_t)i * 1000);
        json_decref(stats);
    }
    assert_int_equal(live.broker_count, ES_HOUSES_MAX);
    json_t *status = es_status_live_join(&live, 40000);
    assert_int_equal(size(status, "others"), ES_HOUSES_MAX - 1);
    assert_int_equal(size(status, "jobs"), ES_STATUS_JOBS);
    json_decref(status);
    es_status_live_fini(&live);
}

/* ---- troubles */

static json_t *troubles_of(const char *change)
{
    json_t *status = house("broker", 1000, 10), *more = json_loads(change, 0, NULL);
    assert_non_null(more);
    json_object_update(status, more);
    json_t *out = es_status_troubles(status);
    json_decref(more);
    json_decref(status);
    return out;
}

static void troubles_are_told_in_words(void **state)
{
    (void)state;
    static const struct {
        const char *change, *said;
    } cases[] = {
        {"{\"silent\":[{\"name\":\"broker-2\",\"for_ms\":4200}]}", "broker broker-2 is silent since 4 s"},
        {"{\"leaving\":true}", "broker broker is leaving"},
        {"{\"workers\":[]}", "no transcriber: nothing is transcribed. Start one: earshot-transcriber"},
        {"{\"dropped\":{\"no_room\":2}}", "no room actor: what is said to rooms goes nowhere. Start one: earshot-room"},
        {"{\"dropped\":{\"no_jobs\":2}}", "no jobs actor: nobody answers for jobs. Start one: earshot-jobs"},
        {"{\"waiting\":1}", "a stream waits for a place: start more transcribers"},
        {"{\"others\":[{\"waiting\":3}]}", "3 streams wait for a place: start more transcribers"},
        {"{\"edges\":[{\"name\":\"edge\",\"lag_us\":7300000}]}", "edge is late: its oldest audio waits since 7.3 s"},
        {"{\"edges\":[{\"name\":\"edge\",\"heard_ms\":3500}]}", "edge has not been heard for 3.5 s"},
        {"{\"workers\":[{\"name\":\"t\",\"service\":\"transcribe\",\"draining\":true}]}",
         "t is draining: it takes no new work and ends"},
        {"{\"workers\":[{\"name\":\"t\",\"service\":\"transcribe\"},{\"name\":\"r\",\"service\":\"room\",\"lag_us\":"
         "9000000}]}",
         "r is late: a request waits since 9.0 s"},
        {"{\"quarantine\":[{\"client\":\"0123456789abcdef\",\"reason\":\"3 workers died of it\"}]}",
         "stream 0123456789abcdef is in quarantine: 3 workers died of it"},
        {"{\"jobs\":[{\"name\":\"jobs-1\",\"store_error\":\"the disk is full\"}]}",
         "jobs-1: its store of jobs is in trouble: the disk is full"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *out = troubles_of(cases[i].change);
        assert_int_equal(json_array_size(out), 1);
        assert_string_equal(json_string_value(json_array_get(out, 0)), cases[i].said);
        json_decref(out);
    }
    json_t *none = troubles_of("{\"jobs\":[{\"store_error\":null}]}");
    assert_int_equal(json_array_size(none), 0);
    json_decref(none);
}

/* A reason that is cut in the middle of a character. */
static void long_reasons_are_cut(void **state)
{
    (void)state;
    char change[2000] = "{\"quarantine\":[{\"client\":\"c\",\"reason\":\"";
    for (int i = 0; i < 300; i++) strcat(change, i ? "\xc3\xa4" : "x");
    strcat(change, "\"}]}");
    json_t *out = troubles_of(change);
    assert_int_equal(json_array_size(out), 1);
    assert_non_null(strstr(json_string_value(json_array_get(out, 0)), "stream c is in quarantine: x\xc3\xa4"));
    json_decref(out);
}

/* ---- the page */

static char *page_of(const es_status_live_t *live, uint64_t now_us)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    json_t *status = es_status_live_join(live, now_us);
    es_status_page_print(out, status);
    fclose(out);
    json_decref(status);
    return text;
}

static void the_page_shows_everything(void **state)
{
    (void)state;
    es_status_live_t live = {.broker_count = 0};
    hear(&live, A, "broker", 3600000, 100, SECOND);
    hear(&live, A, "broker", 3600500, 160, SECOND + SECOND / 2);
    json_t *stats =
        json_loads("{\"running\":2,\"uploads\":1,\"concurrency\":4,\"counts\":{\"QUEUED\":3,\"TRANSCRIBING\":2,"
                   "\"COMPLETED\":40},\"spool_bytes\":1500000000,\"spool_quota\":10000000000,\"disk_free\":"
                   "7000000000,\"store_error\":null}",
                   0, NULL);
    es_status_live_jobs(&live, "jobs\033-1", stats, SECOND);
    json_decref(stats);
    char *text = page_of(&live, 2 * SECOND);
    assert_string_equal(text,
                        "streams 2, waiting 0, free places 30, frames/s 120.0, results/s 120.0\n"
                        "all is well\n"
                        "\n"
                        "ACTOR          DOES        STREAMS  OF  FRAMES/S  OLDEST UNACKED      HEARD  NOTE\n"
                        "broker         broker            2  32     120.0               -          -  up 1:00:00\n"
                        "edge           edge              2   -     120.0           0.0 s  0.0 s ago  \n"
                        "transcriber-1  transcribe        2  32     120.0           0.0 s  0.0 s ago  \n"
                        "jobs: 3 queued, 2 transcribing, 0 analyzing, 40 completed, 0 failed, 0 cancelled\n"
                        "jobs -1: 2 of 4 jobs at work, uploads 1, recordings 1.5 GB of 10.0 GB, disk free 7.0 GB\n"
                        "oldest unacknowledged audio: 0.0 s\n");
    free(text);
    text = page_of(&live, 6 * SECOND); /* nobody is heard any more */
    assert_non_null(strstr(text, "\n! broker broker is silent since 4 s\n"));
    assert_null(strstr(text, "jobs:"));
    free(text);
    es_status_live_fini(&live);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rates_are_of_two_seconds),      cmocka_unit_test(a_broker_may_fall_silent_and_come_back),
        cmocka_unit_test(more_brokers_than_can_be_kept), cmocka_unit_test(troubles_are_told_in_words),
        cmocka_unit_test(long_reasons_are_cut),          cmocka_unit_test(the_page_shows_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
