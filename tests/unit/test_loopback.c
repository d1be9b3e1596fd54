#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loopback.h"

static void ours(void **state)
{
    static const char *const hosts[] = {"127.0.0.1", "127.9.8.7", "::1", "::ffff:127.0.0.1", "localhost"};
    (void)state;
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) assert_true(es_loopback_host(hosts[i]));
}

static void not_ours(void **state)
{
    static const char *const hosts[] = {"0.0.0.0", "::", "192.0.2.1", "::ffff:192.0.2.1", "fe80::1", "127.0.0.1:8000"};
    (void)state;
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) assert_false(es_loopback_host(hosts[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(ours), cmocka_unit_test(not_ours)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
