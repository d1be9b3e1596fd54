/* proto/rto.c against the formulas of RFC 6298 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "rto.h"

#define MS(n) ((uint64_t)(n)*1000u)

static es_rto_t fresh(void)
{
    es_rto_t rto;
    es_rto_init(&rto, MS(300), MS(5000));
    return rto;
}

static void test_one_second_before_any_sample(void **state)
{
    (void)state;
    es_rto_t rto = fresh();
    assert_int_equal(es_rto_timeout(&rto), MS(1000));
    assert_int_equal(es_rto_round_trip(&rto), MS(300));
}

static void test_first_sample_is_srtt_and_half_is_variation(void **state)
{
    (void)state;
    es_rto_t rto = fresh();
    es_rto_sample(&rto, MS(400));
    assert_int_equal(rto.srtt_us, MS(400));
    assert_int_equal(rto.rttvar_us, MS(200));
    assert_int_equal(es_rto_timeout(&rto), MS(1200));
    assert_int_equal(es_rto_round_trip(&rto), MS(1200));
}

static void test_later_samples_are_smoothed(void **state)
{
    (void)state;
    es_rto_t rto = fresh();
    es_rto_sample(&rto, MS(400));
    es_rto_sample(&rto, MS(800));
    assert_int_equal(rto.rttvar_us, MS(250)); /* 3/4 * 200 + 1/4 * |400 - 800| */
    assert_int_equal(rto.srtt_us, MS(450));   /* 7/8 * 400 + 1/8 * 800 */
    es_rto_sample(&rto, MS(50));
    assert_int_equal(rto.rttvar_us, 287500);
    assert_int_equal(rto.srtt_us, MS(400));
}

static void test_clamped_at_both_ends(void **state)
{
    (void)state;
    es_rto_t rto = fresh();
    es_rto_sample(&rto, 100);
    assert_int_equal(es_rto_timeout(&rto), MS(300));
    assert_int_equal(es_rto_round_trip(&rto), 100 + 1000); /* variation under the clock's granule */
    es_rto_sample(&rto, UINT64_MAX);
    assert_int_equal(es_rto_timeout(&rto), MS(5000));
    assert_int_equal(es_rto_round_trip(&rto), MS(5000));
}

static void test_backs_off_until_a_sample_or_calm(void **state)
{
    (void)state;
    es_rto_t rto = fresh();
    es_rto_sample(&rto, MS(1));
    static const uint64_t want[] = {300, 600, 1200, 2400, 4800, 5000, 5000};
    for (size_t i = 0; i < 7; i++) {
        assert_int_equal(es_rto_timeout(&rto), MS(want[i]));
        es_rto_expired(&rto);
    }
    for (int i = 0; i < 1000; i++) es_rto_expired(&rto);
    assert_int_equal(es_rto_timeout(&rto), MS(5000));
    es_rto_sample(&rto, MS(1));
    assert_int_equal(es_rto_timeout(&rto), MS(300));
    es_rto_expired(&rto);
    es_rto_calm(&rto);
    assert_int_equal(es_rto_timeout(&rto), MS(300));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_second_before_any_sample),
        cmocka_unit_test(test_first_sample_is_srtt_and_half_is_variation),
        cmocka_unit_test(test_later_samples_are_smoothed),
        cmocka_unit_test(test_clamped_at_both_ends),
        cmocka_unit_test(test_backs_off_until_a_sample_or_calm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
