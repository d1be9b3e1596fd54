#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "crowd.h"

static void memory_goes_back_once_a_crowd_has_left(void **state)
{
    (void)state;
    es_crowd_t crowd = {0};
    assert_false(es_crowd_look(&crowd, 0));
    assert_false(es_crowd_look(&crowd, 1000));
    assert_false(es_crowd_look(&crowd, 500));
    assert_true(es_crowd_look(&crowd, 499));
    assert_false(es_crowd_look(&crowd, 499));
    assert_false(es_crowd_look(&crowd, 250));
    assert_true(es_crowd_look(&crowd, 3));
    assert_false(es_crowd_look(&crowd, 0));
}

static void a_few_are_no_crowd(void **state)
{
    (void)state;
    es_crowd_t crowd = {0};
    assert_false(es_crowd_look(&crowd, 100));
    assert_false(es_crowd_look(&crowd, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(memory_goes_back_once_a_crowd_has_left),
                                       cmocka_unit_test(a_few_are_no_crowd)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
