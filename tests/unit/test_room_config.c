/* actors/room/room_config.c: what its options mean, and the figures that limits have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "room_actor.h"
#include "room_metrics.h"

static char dir[64];

static es_config_result_t loaded(es_room_config_t *config, const char *flag, const char *value)
{
    char *argv[] = {"earshot-room", "--data", dir, (char *)(uintptr_t)flag, (char *)(uintptr_t)value, NULL};
    int argc = flag ? value ? 5 : 4 : 3;
    return es_room_config_load(config, argc, argv);
}

static void the_defaults(void **state)
{
    (void)state;
    es_room_config_t config;
    assert_int_equal(loaded(&config, NULL, NULL), ES_CONFIG_OK);
    assert_string_equal(config.common.name, "room-1");
    assert_int_equal(config.grace_us, 10000000);
    assert_int_equal(config.silence_us, 6000000);
    assert_int_equal(config.history, 1000);
    assert_int_equal(config.age_us, UINT64_C(7) * 86400 * 1000000);
    assert_int_equal(config.max_rooms, 10000);
    assert_int_equal(config.max_members, 10000);
    assert_int_equal(config.max_text, 2048);
    assert_int_equal(config.dedup_us, UINT64_C(3600000000));
    es_room_config_fini(&config);
}

static void wrong_values(void **state)
{
    (void)state;
    static const char *const wrong[][2] = {{"--max-text", "2049"},   {"--max-text", "0"}, {"--history", "99"},
                                           {"--member-grace", "0s"}, {"--dedup", "yes"},  {"extra", NULL}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        es_room_config_t config;
        assert_int_equal(loaded(&config, wrong[i][0], wrong[i][1]), ES_CONFIG_ERROR);
        es_room_config_fini(&config);
    }
}

static uint64_t value_of(const char *name)
{
    for (es_metric_t *const *metric = es_room_metrics(); *metric; metric++)
        if (strcmp((*metric)->name, name) == 0) return es_metric_get(*metric);
    fail_msg("no metric %s", name);
    return 0;
}

static void figures_of_several_actors_add_up(void **state)
{
    (void)state;
    es_room_figures_t told_a = {0}, told_b = {0}, now = {0};
    now.rooms.open = 3;
    now.room.refused[ES_ROOM_FULL] = 1;
    now.store.failed = 5;
    es_room_metrics_tell(&told_a, &now);
    es_room_metrics_tell(&told_a, &now);
    es_room_metrics_tell(&told_b, &now);
    now.rooms.open = 1;
    es_room_metrics_tell(&told_a, &now);
    assert_int_equal(value_of("earshot_room_rooms"), 4);
    assert_int_equal(value_of("earshot_room_refused_total{reason=\"room_full\"}"), 2);
    assert_int_equal(value_of("earshot_room_failed_total"), 10);
    assert_int_equal(value_of("earshot_room_busy_total"), 0);
}

static int make_dir(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/es-room-config-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
    char run[80];
    (void)state;
    snprintf(run, sizeof run, "%s/run", dir);
    rmdir(run);
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults),
        cmocka_unit_test(wrong_values),
        cmocka_unit_test(figures_of_several_actors_add_up),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
