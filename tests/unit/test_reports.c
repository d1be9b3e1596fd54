/* Who reports under which name: a sender is known by the prefix of its key, and has its name for itself only where nobody else has it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "catalogue.h"
#include "reports.h"

#define SECOND UINT64_C(1000000)
#define A "aaaaaa0000000000"
#define B "bbbbbb0000000000"
#define C "cccccc0000000000"

static es_reports_t reports;
static uint64_t now;

static int setup(void **state)
{
    (void)state;
    memset(&reports, 0, sizeof reports);
    now = 100 * SECOND;
    return 0;
}

static bool report(const char *key, const char *name, uint64_t streams, uint64_t flags)
{
    es_msg_t msg = {.kind = ES_REPORT, .flags = flags};
    ES_SET(&msg, ES_M_NAME, name, es_span(name));
    ES_SET(&msg, ES_M_LOAD, load, streams);
    return es_reports_take(&reports, es_span(key), &msg, now);
}

/* How many are known under this name. */
static size_t known(const char *name)
{
    size_t n = 0;
    for (const es_report_t *one = NULL; (one = es_reports_named(&reports, es_span(name), one));) n++;
    return n;
}

static void nobody_speaks_for_another_by_its_name(void **state)
{
    (void)state;
    report(A, "edge", 3, 0);
    report(B, "edge", 4242, 0);
    report("no key", "edge", 9, 0);
    assert_int_equal(known("edge"), 3);
    assert_int_equal(reports.list[0].streams, 3);
    assert_memory_equal(reports.list[0].key, A, sizeof A - 1);
    report("aaaaaa0000000001", "edge", 5, 0);
    assert_int_equal(known("edge"), 3);
    assert_int_equal(reports.list[0].streams, 5);
    report(B, "edge", 0, ES_F_LEAVING);
    assert_int_equal(known("edge"), 2);
    assert_int_equal(reports.list[0].streams, 5);
}

static void two_that_live_under_one_name_are_told_once(void **state)
{
    (void)state;
    assert_false(report(A, "edge", 1, 0));
    assert_false(report(B, "edge", 1, 0));
    now += SECOND;
    assert_true(report(A, "edge", 1, 0)); /* B has spoken since */
    assert_false(report(B, "edge", 1, 0));
    now += SECOND;
    assert_false(report(A, "edge", 1, 0));
    assert_false(report(C, "edge", 1, 0)); /* it may be the successor of one of them */
    assert_false(report(C, "other", 1, 0));
}

static void a_third_one_is_told_too(void **state)
{
    (void)state;
    bool told = false;
    for (int i = 0; i < 2; i++, now += SECOND) {
        report(A, "edge", 1, 0);
        report(B, "edge", 1, 0);
    }
    for (int i = 0; i < 2; i++, now += SECOND) {
        told = report(A, "edge", 1, 0) || told;
        told = report(C, "edge", 1, 0) || told;
    }
    assert_true(told);
}

static void who_was_started_anew_is_one(void **state)
{
    (void)state;
    report(A, "edge", 1, 0);
    now += SECOND;
    for (int i = 0; i < 3; i++, now += SECOND) {
        assert_false(report(B, "edge", 1, 0));
        es_reports_tick(&reports, now);
    }
    assert_int_equal(known("edge"), 1);
    assert_memory_equal(es_reports_named(&reports, es_span("edge"), NULL)->key, B, sizeof B - 1);
    now += ES_REPORT_SILENCE_US;
    es_reports_tick(&reports, now);
    assert_int_equal(known("edge"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nobody_speaks_for_another_by_its_name, setup),
        cmocka_unit_test_setup(two_that_live_under_one_name_are_told_once, setup),
        cmocka_unit_test_setup(a_third_one_is_told_too, setup),
        cmocka_unit_test_setup(who_was_started_anew_is_one, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
