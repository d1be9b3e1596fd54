#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "broker_actor.h"

static char dir[64];

static es_config_result_t load(es_broker_config_t *config, const char *flag, const char *value)
{
    char *argv[] = {"earshot-broker", "--data", dir, (char *)(uintptr_t)flag, (char *)(uintptr_t)value, NULL};
    return es_broker_config_load(config, flag ? (value ? 5 : 4) : 3, argv);
}

static void expect(const char *flag, const char *value, es_config_result_t expected)
{
    es_broker_config_t config;
    assert_int_equal(load(&config, flag, value), expected);
    es_broker_config_fini(&config);
}

static void test_defaults(void **state)
{
    (void)state;
    es_broker_config_t config;
    char base[96];
    assert_int_equal(load(&config, NULL, NULL), ES_CONFIG_OK);
    snprintf(base, sizeof base, "ipc://%s/broker", dir);
    assert_string_equal(config.common.broker, base);
    assert_string_equal(config.common.name, "broker");
    assert_int_equal(config.heartbeat_us, 500000);
    assert_int_equal(config.max_waiting, 4096);
    assert_null(config.tcp);
    es_broker_config_fini(&config);
}

static void test_values(void **state)
{
    (void)state;
    expect("--tcp", "0.0.0.0:5570", ES_CONFIG_OK);
    expect("--broker", "inproc://house", ES_CONFIG_OK);
    expect("--heartbeat", "1s", ES_CONFIG_OK);
}

static void test_refused(void **state)
{
    (void)state;
    expect("--tcp", "0.0.0.0:0", ES_CONFIG_ERROR);
    expect("--tcp", "tcp://0.0.0.0:5570", ES_CONFIG_ERROR);
    expect("--broker", "inproc://a,inproc://b", ES_CONFIG_ERROR);
    expect("--broker", "carrier-pigeon://house", ES_CONFIG_ERROR);
    expect("--heartbeat", "1ms", ES_CONFIG_ERROR);
    expect("--max-streams", "0", ES_CONFIG_ERROR);
    expect("extra", NULL, ES_CONFIG_ERROR);
    expect("--nonsense", NULL, ES_CONFIG_ERROR);
}

int main(void)
{
    unsetenv("BROKER_URL");
    snprintf(dir, sizeof dir, "/tmp/earshot-config-XXXXXX");
    if (!mkdtemp(dir)) return 1;
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_defaults), cmocka_unit_test(test_values),
                                       cmocka_unit_test(test_refused)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    char run[80];
    snprintf(run, sizeof run, "%s/run", dir);
    rmdir(run);
    return failed + (rmdir(dir) != 0);
}
