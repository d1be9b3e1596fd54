#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/descriptors.h"

static void what_fits_stays(void **state)
{
    uint64_t clients = 20000, http = 8192;
    (void)state;
    assert_true(es_descriptors_fit(65536, 256, 1, &clients, &http));
    assert_true(es_descriptors_fit(28448, 256, 1, &clients, &http));
    assert_int_equal(clients, 20000);
    assert_int_equal(http, 8192);
}

static void what_does_not_is_lowered_where_it_is_most(void **state)
{
    uint64_t clients = 20000, http = 1000;
    (void)state;
    assert_false(es_descriptors_fit(3256, 256, 1, &clients, &http));
    assert_int_equal(clients, 2000);
    assert_int_equal(http, 1000);
    assert_false(es_descriptors_fit(3256, 256, 3, &clients, &http));
    assert_int_equal(clients, 500);
    assert_int_equal(http, 500);
    clients = 10;
    assert_false(es_descriptors_fit(3256, 256, 3, &clients, &(uint64_t){5000}));
    assert_int_equal(clients, 10);
}

static void there_is_always_somebody(void **state)
{
    uint64_t clients = 1000000, http = 1;
    (void)state;
    assert_false(es_descriptors_fit(64, 256, 3, &clients, &http)); /* half of them are reserved at most */
    assert_int_equal(clients, 9);
    assert_int_equal(http, 1);
    assert_false(es_descriptors_fit(2, 256, 3, &clients, &http));
    assert_int_equal(clients, 1);
    assert_int_equal(http, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_fits_stays),
                                       cmocka_unit_test(what_does_not_is_lowered_where_it_is_most),
                                       cmocka_unit_test(there_is_always_somebody)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
