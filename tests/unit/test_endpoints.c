#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "endpoints.h"

static void four_from_one(void **state)
{
    static const struct {
        const char *base, *frontend, *backend, *results, *publish;
    } cases[] = {
        {"ipc:///run/es/broker", "ipc:///run/es/broker-frontend", "ipc:///run/es/broker-backend",
         "ipc:///run/es/broker-results", "ipc:///run/es/broker-publish"},
        {"inproc://house", "inproc://house-frontend", "inproc://house-backend", "inproc://house-results",
         "inproc://house-publish"},
        {"tcp://10.0.0.1:7000", "tcp://10.0.0.1:7000", "tcp://10.0.0.1:7001", "tcp://10.0.0.1:7002",
         "tcp://10.0.0.1:7003"},
        {"tcp://broker.example", "tcp://broker.example:5570", "tcp://broker.example:5571", "tcp://broker.example:5572",
         "tcp://broker.example:5573"},
        {"tcp://*:65532", "tcp://*:65532", "tcp://*:65533", "tcp://*:65534", "tcp://*:65535"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        es_endpoints_t e;
        char err[256] = "";
        assert_int_equal(es_endpoints_parse(&e, cases[i].base, err, sizeof err), 0);
        assert_string_equal(e.base, cases[i].base);
        assert_string_equal(e.frontend, cases[i].frontend);
        assert_string_equal(e.backend, cases[i].backend);
        assert_string_equal(e.results, cases[i].results);
        assert_string_equal(e.publish, cases[i].publish);
    }
}

static void refused_with_value_and_reason(void **state)
{
    static const struct {
        const char *base, *says;
    } cases[] = {
        {"", "is empty"},
        {"udp://x:1", "no transport"},
        {"10.0.0.1:5570", "no transport"},
        {"ipc://", "no name"},
        {"inproc://", "no name"},
        {"tcp://", "no valid host"},
        {"tcp://:5570", "no valid host"},
        {"tcp://a/b:5570", "no valid host"},
        {"tcp://[::1]:5570", "IPv6"},
        {"tcp://h:0", "no valid port"},
        {"tcp://h:65533", "no valid port"},
        {"tcp://h:", "no valid port"},
        {"tcp://h:+1", "no valid port"},
        {"tcp://h:12x", "no valid port"},
        {"tcp://h:99999999999999999999", "no valid port"},
        {"ipc:///a b", "blank"},
        {"ipc:///a\n", "blank"},
        {"ipc:///0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789",
         "too long"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        es_endpoints_t e;
        char err[512] = "";
        assert_int_equal(es_endpoints_parse(&e, cases[i].base, err, sizeof err), -1);
        assert_non_null(strstr(err, cases[i].says));
        assert_non_null(strstr(err, cases[i].base));
        assert_non_null(strstr(err, "allowed: ipc://"));
    }
}

static void longest_path(void **state)
{
    char base[128] = "ipc:///", err[512];
    es_endpoints_t e;
    (void)state;
    memset(base + 7, 'x', 97); /* 98 with the slash; "-frontend" and NUL make 108 */
    assert_int_equal(es_endpoints_parse(&e, base, err, sizeof err), 0);
    base[104] = 'x';
    assert_int_equal(es_endpoints_parse(&e, base, err, sizeof err), -1);
}

static void lists(void **state)
{
    es_endpoints_t e[ES_BROKERS_MAX];
    char err[512] = "", many[512] = "";
    (void)state;
    assert_int_equal(es_endpoints_parse_list(e, "tcp://a:1, ipc:///b ,inproc://c", err, sizeof err), 3);
    assert_string_equal(e[1].backend, "ipc:///b-backend");
    assert_string_equal(e[2].base, "inproc://c");
    assert_int_equal(es_endpoints_parse_list(e, "tcp://a:1,", err, sizeof err), -1);
    assert_int_equal(es_endpoints_parse_list(e, "", err, sizeof err), -1);
    assert_int_equal(es_endpoints_parse_list(e, "tcp://a:5570,tcp://a", err, sizeof err), -1);
    assert_non_null(strstr(err, "twice"));
    for (int i = 0; i < ES_BROKERS_MAX; i++)
        snprintf(many + strlen(many), sizeof many - strlen(many), "%sinproc://n%d", i ? "," : "", i);
    assert_int_equal(es_endpoints_parse_list(e, many, err, sizeof err), ES_BROKERS_MAX);
    snprintf(many + strlen(many), sizeof many - strlen(many), ",inproc://more");
    assert_int_equal(es_endpoints_parse_list(e, many, err, sizeof err), -1);
    assert_non_null(strstr(err, "more than 8"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(four_from_one),
        cmocka_unit_test(refused_with_value_and_reason),
        cmocka_unit_test(longest_path),
        cmocka_unit_test(lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
