#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "msgpack_json.h"
#include "status_view.h"

static json_t *house(json_int_t uptime_ms, json_int_t frames, json_int_t count, const char *inc)
{
    return json_pack(
        "{s:s, s:I, s:I, s:I, s:i, s:i, s:i, s:i, s:{s:i}, s:[{s:s, s:s, s:s, s:i, s:i, s:I, s:I, s:i, s:b}],"
        " s:[{s:s, s:s, s:i, s:I, s:I, s:i}]}",
        "name", "broker", "uptime_ms", uptime_ms, "frames_total", frames, "results_total", frames / 2, "streams", 3,
        "waiting", 0, "free", 29, "workers_total", 1, "dropped", "stale", 2, "workers", "name", "transcriber-1", "inc",
        inc, "service", "transcribe", "capacity", 32, "streams", 3, "count", count, "lag_us", (json_int_t)1500000,
        "heard_ms", 200, "draining", 1, "edges", "name", "edge", "inc", "e", "streams", 3, "frames", frames, "lag_us",
        (json_int_t)400000, "heard_ms", 700);
}

static double real(const json_t *object, const char *key)
{
    return json_real_value(json_object_get(object, key));
}

static void rates_come_from_two_beacons(void **state)
{
    (void)state;
    json_t *before = house(3600000, 100, 10, "a"), *now = house(3600500, 160, 30, "a");
    json_t *status = es_status_join(before, now);
    assert_true(real(json_object_get(status, "rates"), "frames") == 120.0);
    assert_true(real(json_object_get(status, "rates"), "results") == 60.0);
    assert_true(real(json_array_get(json_object_get(status, "workers"), 0), "rate") == 40.0);
    assert_true(real(json_array_get(json_object_get(status, "edges"), 0), "rate") == 120.0);
    assert_int_equal(json_integer_value(json_object_get(status, "oldest_unacked_ms")), 1500);
    json_decref(before);
    json_decref(now);
    json_decref(status);
}

static void what_cannot_be_compared_has_no_rate(void **state)
{
    (void)state;
    json_t *now = house(500, 160, 30, "b"), *cases[] = {NULL, house(3600000, 100, 10, "b"), house(100, 100, 10, "a")};
    for (size_t i = 0; i < 3; i++) { /* no second beacon; the broker was restarted; the worker was */
        json_t *status = es_status_join(cases[i], now);
        assert_true(json_is_null(json_object_get(json_array_get(json_object_get(status, "workers"), 0), "rate")));
        assert_int_equal(json_is_null(json_object_get(json_object_get(status, "rates"), "frames")), i < 2);
        json_decref(status);
        json_decref(cases[i]);
    }
    json_decref(now);
}

static char *print(const json_t *status)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    es_status_print(out, status);
    fclose(out);
    return text;
}

static void the_table_is_aligned(void **state)
{
    (void)state;
    json_t *before = house(3600000, 100, 10, "a"), *now = house(3600500, 160, 30, "a");
    json_t *status = es_status_join(before, now);
    char *text = print(status);
    assert_string_equal(text,
                        "ACTOR          DOES        STREAMS  OF  FRAMES/S  OLDEST UNACKED      HEARD  NOTE\n"
                        "broker         broker            3  32     120.0               -          -  up 1:00:00\n"
                        "edge           edge              3   -     120.0           0.4 s  0.7 s ago  \n"
                        "transcriber-1  transcribe        3  32      40.0           1.5 s  0.2 s ago  draining\n"
                        "oldest unacknowledged audio: 1.5 s\n"
                        "messages dropped (stale): 2\n");
    free(text);
    json_decref(before);
    json_decref(now);
    json_decref(status);
}

/* Beside a transcriber; without one. */
static void room_actors_have_a_table_of_their_own(void **state)
{
    (void)state;
    json_t *now = house(3600500, 160, 30, "a"), *workers = json_object_get(now, "workers");
    json_array_append_new(workers, json_pack("{s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:i}", "name", "room-1", "inc",
                                             "r", "service", "room", "capacity", 10000, "streams", 0, "load", 12,
                                             "count", 40, "lag_us", 90000000, "heard_ms", 100));
    json_object_set_new(now, "workers_total", json_integer(2));
    json_t *status = es_status_join(NULL, now);
    json_t *room = json_array_get(json_object_get(status, "workers"), 1);
    assert_int_equal(json_integer_value(json_object_get(room, "rooms")), 12);
    assert_int_equal(json_integer_value(json_object_get(status, "oldest_unacked_ms")), 1500); /* of audio */
    char *text = print(status);
    assert_string_equal(text,
                        "ACTOR          DOES        STREAMS  OF  FRAMES/S  OLDEST UNACKED      HEARD  NOTE\n"
                        "broker         broker            3  32         -               -          -  up 1:00:00\n"
                        "edge           edge              3   -         -           0.4 s  0.7 s ago  \n"
                        "transcriber-1  transcribe        3  32         -           1.5 s  0.2 s ago  draining\n"
                        "\n"
                        "ACTOR   DOES  ROOMS     OF  REQUESTS/S  OLDEST UNANSWERED      HEARD  NOTE\n"
                        "room-1  room     12  10000           -             90.0 s  0.1 s ago  \n"
                        "\n"
                        "oldest unacknowledged audio: 1.5 s\n"
                        "messages dropped (stale): 2\n");
    free(text);
    json_decref(status);
    json_array_remove(workers, 0);
    status = es_status_join(NULL, now);
    text = print(status);
    assert_non_null(strstr(text, "no worker: nothing is transcribed"));
    free(text);
    json_decref(status);
    json_decref(now);
}

/* It says HELLO twice and reports as a sender too: what it takes in, what it sends, what it answers. */
static void a_jobs_actor_is_shown_by_what_it_does(void **state)
{
    (void)state;
    json_t *now = house(3600500, 160, 30, "a"), *workers = json_object_get(now, "workers");
    json_array_append_new(json_object_get(now, "edges"),
                          json_pack("{s:s, s:s, s:i, s:i, s:i, s:i}", "name", "jobs-1", "service", "jobs", "streams", 2,
                                    "frames", 5, "lag_us", 200000, "heard_ms", 700));
    json_array_append_new(workers,
                          json_pack("{s:s, s:s, s:i, s:i, s:i, s:i, s:i}", "name", "jobs-1", "service", "upload",
                                    "capacity", 64, "streams", 1, "count", 40, "lag_us", 0, "heard_ms", 100));
    json_array_append_new(workers, json_pack("{s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:i}", "name", "jobs-1", "service",
                                             "jobs", "capacity", 2, "streams", 0, "load", 2, "count", 40, "lag_us",
                                             90000000, "heard_ms", 100));
    json_object_set_new(now, "workers_total", json_integer(3));
    json_object_set_new(json_object_get(now, "dropped"), "no_jobs", json_integer(7));
    json_t *status = es_status_join(NULL, now);
    char *text = print(status);
    assert_string_equal(text,
                        "ACTOR          DOES        STREAMS  OF  FRAMES/S  OLDEST UNACKED      HEARD  NOTE\n"
                        "broker         broker            3  32         -               -          -  up 1:00:00\n"
                        "edge           edge              3   -         -           0.4 s  0.7 s ago  \n"
                        "jobs-1         jobs              2   -         -           0.2 s  0.7 s ago  \n"
                        "transcriber-1  transcribe        3  32         -           1.5 s  0.2 s ago  draining\n"
                        "jobs-1         upload            1  64         -           0.0 s  0.1 s ago  \n"
                        "\n"
                        "ACTOR   DOES  JOBS  OF  REQUESTS/S  OLDEST UNANSWERED      HEARD  NOTE\n"
                        "jobs-1  jobs     2   2           -             90.0 s  0.1 s ago  \n"
                        "\n"
                        "oldest unacknowledged audio: 1.5 s\n"
                        "messages dropped (stale): 2\n"
                        "messages dropped (no_jobs): 7\n");
    free(text);
    json_decref(status);
    json_array_remove(workers, 2);
    json_array_remove(workers, 0);
    status = es_status_join(NULL, now);
    text = print(status);
    assert_non_null(strstr(text, "no worker: nothing is transcribed")); /* who takes uploads does not */
    assert_non_null(strstr(text, "no jobs actor: nobody answers for jobs. Start one: earshot-jobs\n"));
    free(text);
    json_decref(status);
    json_decref(now);
}

static void several_brokers_have_a_row_each(void **state)
{
    (void)state;
    json_t *now = house(3600500, 160, 30, "a"), *other = house(60000, 5, 30, "a");
    json_object_set_new(json_array_get(json_object_get(now, "workers"), 0), "load", json_integer(7));
    json_object_set_new(other, "name", json_string("broker-2"));
    json_object_set_new(other, "streams", json_integer(4));
    json_object_set_new(other, "waiting", json_integer(2));
    json_t *status = es_status_join(NULL, now);
    es_status_add_broker(status, other);
    char *text = print(status);
    assert_string_equal(
        text, "ACTOR          DOES        STREAMS  OF  FRAMES/S  OLDEST UNACKED      HEARD  NOTE\n"
              "broker         broker            3  32         -               -          -  up 1:00:00\n"
              "broker-2       broker            4  33         -               -          -  up 0:01:00, streams wait\n"
              "edge           edge              3   -         -           0.4 s  0.7 s ago  \n"
              "transcriber-1  transcribe        7  32         -           1.5 s  0.2 s ago  draining\n"
              "2 streams wait for a place: start more transcribers\n"
              "oldest unacknowledged audio: 1.5 s\n"
              "messages dropped (stale): 2\n");
    free(text);
    json_decref(status);
    json_decref(other);
    json_decref(now);
}

static void requests_without_a_room_actor_are_told(void **state)
{
    (void)state;
    json_t *now = house(3600500, 160, 30, "a");
    json_object_set_new(json_object_get(now, "dropped"), "no_room", json_integer(7));
    json_t *status = es_status_join(NULL, now);
    char *text = print(status);
    assert_non_null(strstr(text, "no room actor: what is said to rooms goes nowhere. Start one: earshot-room\n"));
    assert_non_null(strstr(text, "messages dropped (no_room): 7\n"));
    free(text);
    json_decref(status);
    json_decref(now);
}

static void an_empty_house_says_what_to_do(void **state)
{
    (void)state;
    json_t *now = json_pack("{s:s, s:i}", "name", "bro\nker", "waiting", 4), *status = es_status_join(NULL, now);
    char *text = print(status);
    assert_non_null(strstr(text, "no worker"));
    assert_non_null(strstr(text, "4 streams wait"));
    assert_non_null(strstr(text, "bro?ker"));
    free(text);
    json_decref(now);
    json_decref(status);
}

static void a_body_becomes_json(void **state)
{
    (void)state;
    /* {"a": 1, "b": [true, nil, -2, "x"], "c": {}, 7: 8} */
    static const char body[] = "\x84\xa1"
                               "a\x01\xa1"
                               "b\x94\xc3\xc0\xfe\xa1"
                               "x\xa1"
                               "c\x80\x07\x08";
    json_t *got = es_msgpack_json(body, sizeof body - 1);
    char *text = json_dumps(got, JSON_COMPACT);
    assert_string_equal(text, "{\"a\":1,\"b\":[true,null,-2,\"x\"],\"c\":{}}");
    free(text);
    json_decref(got);
    assert_null(es_msgpack_json(body, sizeof body - 2));
    assert_null(es_msgpack_json("\x01", 1));
    assert_null(es_msgpack_json("", 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rates_come_from_two_beacons),
        cmocka_unit_test(what_cannot_be_compared_has_no_rate),
        cmocka_unit_test(the_table_is_aligned),
        cmocka_unit_test(an_empty_house_says_what_to_do),
        cmocka_unit_test(a_body_becomes_json),
        cmocka_unit_test(room_actors_have_a_table_of_their_own),
        cmocka_unit_test(a_jobs_actor_is_shown_by_what_it_does),
        cmocka_unit_test(requests_without_a_room_actor_are_told),
        cmocka_unit_test(several_brokers_have_a_row_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
