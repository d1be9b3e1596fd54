#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <msgpack.h>

#include "jobs/house_view.h"

#define SECOND UINT64_C(1000000)
#define WALL UINT64_C(1700000000000)
#define A "sys/00000000000000a1"
#define B "sys/00000000000000b2"

static void pack(msgpack_packer *pk, json_t *value)
{
    const char *key;
    json_t *item;
    size_t i;
    if (json_is_object(value)) {
        msgpack_pack_map(pk, json_object_size(value));
        json_object_foreach(value, key, item)
        {
            msgpack_pack_str(pk, strlen(key));
            msgpack_pack_str_body(pk, key, strlen(key));
            pack(pk, item);
        }
    } else if (json_is_array(value)) {
        msgpack_pack_array(pk, json_array_size(value));
        json_array_foreach(value, i, item) pack(pk, item);
    } else if (json_is_string(value)) {
        msgpack_pack_str(pk, json_string_length(value));
        msgpack_pack_str_body(pk, json_string_value(value), json_string_length(value));
    } else if (json_is_boolean(value)) {
        if (json_is_true(value))
            msgpack_pack_true(pk);
        else
            msgpack_pack_false(pk);
    } else {
        msgpack_pack_int64(pk, json_integer_value(value));
    }
}

static void beacon(es_house_view_t *self, const char *key, uint64_t now_us, const char *json)
{
    msgpack_sbuffer buffer;
    msgpack_packer pk;
    json_t *value = json_loads(json, 0, NULL);
    assert_non_null(value);
    msgpack_sbuffer_init(&buffer);
    msgpack_packer_init(&pk, &buffer, msgpack_sbuffer_write);
    pack(&pk, value);
    es_house_view_beacon(self, es_span(key), es_span_of(buffer.data, buffer.size), now_us);
    msgpack_sbuffer_destroy(&buffer);
    json_decref(value);
}

static void stats(es_house_view_t *self, const char *name, uint64_t now_us, const char *json)
{
    es_house_view_stats(self, es_span(name), es_span(json), now_us);
}

/* A broker with one transcriber and one room actor, both at this count. */
static void house(es_house_view_t *self, const char *key, uint64_t now_us, int count, int load, int lag_us, int waiting)
{
    char json[1024];
    snprintf(json, sizeof json,
             "{\"name\":\"broker\",\"uptime_ms\":5,\"leaving\":false,\"streams\":2,\"free\":3,\"waiting\":%d,"
             "\"frames_total\":%d,\"dropped\":{},\"malformed\":{},\"workers\":["
             "{\"name\":\"transcriber-1\",\"inc\":\"00000000000000c3\",\"service\":\"transcribe\",\"capacity\":8,"
             "\"streams\":1,\"load\":%d,\"lag_us\":%d,\"count\":%d,\"heard_ms\":20,\"draining\":false},"
             "{\"name\":\"room-1\",\"inc\":\"00000000000000d4\",\"service\":\"room\",\"capacity\":100,"
             "\"streams\":0,\"load\":1,\"lag_us\":0,\"count\":%d,\"heard_ms\":30,\"draining\":false}],"
             "\"edges\":[{\"name\":\"edge\",\"inc\":\"00000000000000e5\",\"streams\":2,\"frames\":%d,\"lag_us\":7000,"
             "\"heard_ms\":40}],\"quarantine\":[{\"client\":\"abcdef0123456789\",\"reason\":\"kills\",\"ago_ms\":9}]}",
             waiting, count, load, lag_us, count, count, count);
    beacon(self, key, now_us, json);
}

static json_t *at(json_t *root, const char *list, size_t i)
{
    json_t *row = json_array_get(json_object_get(root, list), i);
    assert_non_null(row);
    return row;
}

static double real(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    assert_true(json_is_number(value));
    return json_number_value(value);
}

static void whom_several_brokers_know_is_shown_once(void **state)
{
    (void)state;
    es_house_view_t self;
    es_house_view_init(&self, "edge");
    house(&self, A, SECOND, 100, 2, 9000, 1);
    house(&self, B, SECOND + 1000, 90, 3, 8000, 4);
    json_t *root = es_house_view_json(&self, false, 2 * SECOND, WALL);
    assert_int_equal(json_array_size(json_object_get(root, "brokers")), 2);
    assert_int_equal(json_array_size(json_object_get(root, "actors")), 2);
    assert_int_equal(json_array_size(json_object_get(root, "edges")), 1);
    assert_int_equal(json_array_size(json_object_get(root, "quarantine")), 2);
    json_t *worker = at(root, "actors", 0);
    assert_string_equal(json_string_value(json_object_get(worker, "service")), "transcribe");
    assert_int_equal(real(worker, "streams"), 3);
    assert_int_equal(real(worker, "lagMs"), 9);
    assert_int_equal(real(worker, "capacity"), 8);
    assert_int_equal(real(worker, "heardMs"), 1019);
    assert_string_equal(json_string_value(json_object_get(at(root, "brokers", 0), "inc")), "00000000000000a1");
    json_t *now = json_object_get(root, "now");
    assert_int_equal(real(now, "waiting"), 5);
    assert_int_equal(real(now, "lagMs"), 9);
    assert_int_equal(real(now, "time"), WALL);
    assert_true(json_is_null(json_object_get(now, "queued")));
    assert_null(json_object_get(root, "history"));
    json_decref(root);
    es_house_view_fini(&self);
}

static void rates_are_growth_over_time(void **state)
{
    (void)state;
    es_house_view_t self;
    es_house_view_init(&self, "edge");
    for (uint64_t t = 0; t <= 8; t++) {
        house(&self, A, t * SECOND / 2, (int)t * 50, 1, 0, 0);
        house(&self, B, t * SECOND / 2 + 1000, (int)t * 50, 1, 0, 0);
    }
    json_t *root = es_house_view_json(&self, false, 4 * SECOND + 1000, WALL);
    assert_int_equal(real(at(root, "actors", 0), "rate"), 100);
    assert_int_equal(real(at(root, "edges", 0), "rate"), 100);
    assert_int_equal(real(at(root, "brokers", 0), "rate"), 100);
    assert_int_equal(real(json_object_get(root, "now"), "frames"), 100);
    json_decref(root);
    es_house_view_fini(&self);
}

static void who_is_silent_is_not_shown(void **state)
{
    (void)state;
    es_house_view_t self;
    es_house_view_init(&self, "edge");
    house(&self, A, 0, 100, 2, 9000, 1);
    stats(&self, "jobs-1", 0, "{\"running\":1,\"counts\":{\"QUEUED\":3}}");
    json_t *root = es_house_view_json(&self, false, 4 * SECOND, WALL);
    assert_int_equal(json_array_size(json_object_get(root, "brokers")), 0);
    assert_int_equal(json_array_size(json_object_get(root, "actors")), 0);
    assert_int_equal(json_array_size(json_object_get(root, "jobs")), 0);
    assert_int_equal(json_object_size(json_object_get(root, "counts")), 0);
    assert_true(json_is_null(json_object_get(json_object_get(root, "now"), "frames")));
    json_decref(root);
    es_house_view_fini(&self);
}

static void jobs_actors_of_one_store_are_not_added_up(void **state)
{
    (void)state;
    es_house_view_t self;
    es_house_view_init(&self, "edge");
    stats(&self, "jobs-1", 0, "{\"running\":1,\"concurrency\":2,\"counts\":{\"QUEUED\":3},\"store_error\":null}");
    stats(&self, "jobs-2", 1000, "{\"running\":2,\"concurrency\":2,\"counts\":{\"QUEUED\":4},\"disk_free\":12}");
    json_t *root = es_house_view_json(&self, false, SECOND, WALL);
    assert_int_equal(json_array_size(json_object_get(root, "jobs")), 2);
    assert_string_equal(json_string_value(json_object_get(at(root, "jobs", 1), "name")), "jobs-2");
    assert_int_equal(real(at(root, "jobs", 1), "diskFree"), 12);
    assert_true(json_is_null(json_object_get(at(root, "jobs", 0), "storeError")));
    assert_int_equal(real(json_object_get(root, "counts"), "QUEUED"), 4);
    assert_int_equal(real(json_object_get(root, "now"), "queued"), 4);
    json_decref(root);
    es_house_view_fini(&self);
}

static void nonsense_changes_nothing(void **state)
{
    (void)state;
    es_house_view_t self;
    es_house_view_init(&self, "edge");
    es_house_view_beacon(&self, es_span(A), es_span("\xc1"), 0);
    es_house_view_beacon(&self, es_span(A), es_span(NULL), 0);
    beacon(&self, A, 0, "{\"workers\":7,\"edges\":[1,\"x\",{}],\"frames_total\":-4,\"quarantine\":[[]]}");
    beacon(&self, B, 0, "{\"workers\":[{\"inc\":\"\"},{\"inc\":5,\"count\":3},{\"lag_us\":\"x\"}]}");
    stats(&self, "jobs-1", 0, "[1]");
    stats(&self, "jobs-1", 0, "{");
    stats(&self, "", 0, "{}");
    stats(&self, "jobs-2", 0, "{\"counts\":[],\"ended\":4}");
    es_house_view_tick(&self, 0, WALL);
    json_t *root = es_house_view_json(&self, true, SECOND, WALL);
    assert_int_equal(json_array_size(json_object_get(root, "jobs")), 1);
    json_decref(root);
    es_house_view_fini(&self);
}

static json_t *column(json_t *history, const char *name)
{
    json_t *out = json_object_get(history, name);
    assert_true(json_is_array(out));
    return out;
}

static void an_hour_is_kept(void **state)
{
    (void)state;
    es_house_view_t self;
    es_house_view_init(&self, "edge");
    uint64_t seconds = 3700;
    char json[128];
    for (uint64_t t = 0; t <= seconds; t++) {
        house(&self, A, t * SECOND, (int)t * 100, 1, t == seconds - 2 ? 50000 : 1000, 2);
        snprintf(json, sizeof json, "{\"counts\":{\"QUEUED\":%d},\"ended\":{\"COMPLETED\":%d}}", (int)(t % 7),
                 (int)t / 2);
        stats(&self, "jobs-1", t * SECOND, json);
        es_house_view_tick(&self, t * SECOND, WALL + t * 1000);
    }
    json_t *root = es_house_view_json(&self, true, seconds * SECOND, WALL + seconds * 1000);
    json_t *history = json_object_get(root, "history");
    assert_int_equal(real(history, "stepMs"), 5000);
    assert_int_equal(real(history, "until"), WALL + seconds * 1000);
    for (int i = 0; i < ES_HOUSE_FIGURES; i++)
        assert_int_equal(json_array_size(column(history, es_house_figure_name((es_house_figure_t)i))),
                         ES_HOUSE_SAMPLES);
    assert_int_equal(json_number_value(json_array_get(column(history, "frames"), ES_HOUSE_SAMPLES - 1)), 100);
    assert_int_equal(json_number_value(json_array_get(column(history, "lagMs"), ES_HOUSE_SAMPLES - 1)), 50);
    assert_int_equal(json_number_value(json_array_get(column(history, "lagMs"), ES_HOUSE_SAMPLES - 2)), 7);
    assert_int_equal(json_number_value(json_array_get(column(history, "waiting"), 0)), 2);
    assert_int_equal(json_number_value(json_array_get(column(history, "completed"), 3)), 30);
    assert_int_equal(real(json_object_get(root, "now"), "completed"), 28); /* 55 s, since a sample was just taken */
    json_decref(root);
    es_house_view_fini(&self);
}

static void time_without_samples_is_a_gap(void **state)
{
    (void)state;
    es_house_view_t self;
    es_house_view_init(&self, "edge");
    house(&self, A, 0, 0, 1, 0, 0);
    es_house_view_tick(&self, 0, WALL);
    house(&self, A, 21 * SECOND, 10, 1, 0, 0);
    es_house_view_tick(&self, 21 * SECOND, WALL + 21000);
    json_t *history = es_house_history_json(&self.history);
    json_t *frames = column(history, "frames");
    assert_int_equal(json_array_size(frames), 5);
    assert_true(json_is_null(json_array_get(frames, 1)));
    assert_true(json_is_null(json_array_get(frames, 3)));
    assert_true(json_is_number(json_array_get(frames, 4)));
    json_decref(history);
    es_house_view_tick(&self, 24 * SECOND, WALL + 24000);
    assert_int_equal(self.history.count, 5);
    es_house_view_tick(&self, 20000 * SECOND, WALL);
    assert_true(self.history.count > ES_HOUSE_SAMPLES);
    es_house_view_fini(&self);
}

static void a_restarted_jobs_actor_counts_anew(void **state)
{
    (void)state;
    es_house_view_t self;
    es_house_view_init(&self, "edge");
    stats(&self, "jobs-1", 0, "{\"ended\":{\"COMPLETED\":40}}");
    assert_int_equal(self.completed, 0);
    stats(&self, "jobs-1", 1, "{\"ended\":{\"COMPLETED\":42}}");
    stats(&self, "jobs-1", 2, "{\"ended\":{\"COMPLETED\":1}}");
    stats(&self, "jobs-1", 3, "{\"ended\":{\"COMPLETED\":3}}");
    assert_int_equal(self.completed, 5);
    es_house_view_fini(&self);
}

static void only_so_many_are_kept(void **state)
{
    (void)state;
    es_house_view_t self;
    char name[32];
    es_house_view_init(&self, "edge");
    for (unsigned i = 0; i < 200; i++) {
        snprintf(name, sizeof name, "sys/%016x", i);
        beacon(&self, name, i, "{\"name\":\"b\",\"workers\":[]}");
        snprintf(name, sizeof name, "jobs-%u", i);
        stats(&self, name, i, "{}");
    }
    json_t *root = es_house_view_json(&self, false, 200, WALL);
    assert_int_equal(json_array_size(json_object_get(root, "brokers")), ES_HOUSE_BROKERS);
    assert_int_equal(json_array_size(json_object_get(root, "jobs")), ES_HOUSE_JOBS);
    json_decref(root);
    for (uint64_t t = 1; t < 300; t++) es_house_view_tick(&self, 20 * SECOND + t, WALL);
    es_house_view_fini(&self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whom_several_brokers_know_is_shown_once),
        cmocka_unit_test(rates_are_growth_over_time),
        cmocka_unit_test(who_is_silent_is_not_shown),
        cmocka_unit_test(jobs_actors_of_one_store_are_not_added_up),
        cmocka_unit_test(nonsense_changes_nothing),
        cmocka_unit_test(an_hour_is_kept),
        cmocka_unit_test(time_without_samples_is_a_gap),
        cmocka_unit_test(a_restarted_jobs_actor_counts_anew),
        cmocka_unit_test(only_so_many_are_kept),
    };
    return cmocka_run_group_tests_name("house_view", tests, NULL, NULL);
}
