#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "jobs_actor.h"
#include "jobs_config.h"
#include "name_lock.h"

static char dir[] = "/tmp/es-jobs-XXXXXX";

static int setup(void **state)
{
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
    char command[64];
    (void)state;
    snprintf(command, sizeof command, "rm -r %s", dir);
    return system(command);
}

static void places_follow_the_data_directory(void **state)
{
    char program[] = "earshot-jobs", data[] = "--data", expected[128];
    char *argv[] = {program, data, dir, NULL};
    es_jobs_config_t config;
    (void)state;
    assert_int_equal(es_jobs_config_load(&config, 3, argv), ES_CONFIG_OK);
    snprintf(expected, sizeof expected, "sqlite:%s/jobs.db", dir);
    assert_string_equal(config.store, expected);
    snprintf(expected, sizeof expected, "%s/spool", dir);
    assert_string_equal(config.spool, expected);
    assert_string_equal(config.common.name, "jobs-1");
    assert_int_equal(access(config.spool, W_OK), 0);
    es_jobs_config_fini(&config);
}

static void a_name_is_used_once(void **state)
{
    char err[512], expected[64];
    (void)state;
    int first = es_name_lock_take(dir, "jobs-1", err, sizeof err),
        other = es_name_lock_take(dir, "jobs-2", err, sizeof err);
    assert_true(first >= 0 && other >= 0);
    assert_int_equal(es_name_lock_take(dir, "jobs-1", err, sizeof err), -1);
    snprintf(expected, sizeof expected, "already (pid %d)", (int)getpid());
    assert_non_null(strstr(err, expected));
    close(first);
    first = es_name_lock_take(dir, "jobs-1", err, sizeof err);
    assert_true(first >= 0);
    close(first);
    close(other);
    assert_int_equal(es_name_lock_take("/nowhere", "jobs-1", err, sizeof err), -1);
    assert_non_null(strstr(err, "cannot open the lock file"));
}

/* One name once, the help of a name with its first labels, the labels of one name together. */
static void figures_can_be_printed(void **state)
{
    es_metric_t *const *all = es_jobs_metrics();
    size_t n = 0;
    (void)state;
    for (; all[n]; n++) {
        size_t plain = strcspn(all[n]->name, "{");
        bool first = n == 0 || strncmp(all[n - 1]->name, all[n]->name, plain) != 0;
        assert_int_equal(strncmp(all[n]->name, "earshot_", 8), 0);
        assert_true(!first || all[n]->help[0]);
        for (size_t i = 0; i < n; i++) {
            assert_string_not_equal(all[i]->name, all[n]->name);
            bool same = strcspn(all[i]->name, "{") == plain && strncmp(all[i]->name, all[n]->name, plain) == 0;
            assert_true(!same || !first);
        }
    }
    assert_true(n > 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_follow_the_data_directory),
        cmocka_unit_test(a_name_is_used_once),
        cmocka_unit_test(figures_can_be_printed),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
