#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "senders.h"

#define SECOND UINT64_C(1000000)
#define A "aaaaaa0000000000"
#define B "bbbbbb0000000000"

static es_senders_t senders;

static int setup(void **state)
{
    (void)state;
    memset(&senders, 0, sizeof senders);
    return 0;
}

/* Half a second passes, with a tick; who is found silent, as one letter each. */
static const char *pass(uint64_t *now)
{
    static char found[8];
    char prefix[ES_PREFIX_LEN];
    size_t n = 0;
    *now += SECOND / 2;
    while (es_senders_silent(&senders, *now, prefix)) found[n++] = prefix[0];
    found[n] = '\0';
    return found;
}

static void who_reports_lives(void **state)
{
    (void)state;
    uint64_t now = 100 * SECOND;
    es_senders_take(&senders, es_span(A), now);
    es_senders_take(&senders, es_span(B), now);
    for (int i = 0; i < 9; i++) {
        es_senders_take(&senders, es_span(B), now);
        assert_string_equal(pass(&now), "");
    }
    assert_string_equal(pass(&now), "a");
    assert_string_equal(pass(&now), ""); /* said once */
    assert_int_equal(senders.count, 1);
    es_senders_take(&senders, es_span(A), now);
    assert_int_equal(senders.count, 2);
}

static void standing_still_proves_nothing(void **state)
{
    (void)state;
    uint64_t now = 100 * SECOND;
    es_senders_take(&senders, es_span(A), now);
    assert_string_equal(pass(&now), "");
    now += 20 * SECOND;
    assert_string_equal(pass(&now), "");
    for (int i = 0; i < 9; i++) assert_string_equal(pass(&now), "");
    assert_string_equal(pass(&now), "a");
}

/* B reports under A's name. */
static void who_was_started_anew_is_dead_sooner(void **state)
{
    (void)state;
    uint64_t now = 100 * SECOND;
    es_senders_take(&senders, es_span(A), now);
    es_senders_replaced(&senders, es_span(A), now);
    for (int i = 0; i < 3; i++) {
        es_senders_take(&senders, es_span(B), now);
        assert_string_equal(pass(&now), "");
        es_senders_replaced(&senders, es_span(A), now); /* said again it puts nothing off */
    }
    assert_string_equal(pass(&now), "a");
    es_senders_replaced(&senders, es_span(A), now);
    assert_int_equal(senders.count, 1);
}

/* Two of one name: both report. */
static void who_reports_is_not_dead_of_another(void **state)
{
    (void)state;
    uint64_t now = 100 * SECOND;
    for (int i = 0; i < 20; i++) {
        const char *speaks = i % 2 ? A : B, *silent = i % 2 ? B : A;
        es_senders_replaced(&senders, es_span(silent), now);
        es_senders_take(&senders, es_span(speaks), now);
        assert_string_equal(pass(&now), "");
    }
}

static void more_than_can_be_known(void **state)
{
    (void)state;
    char key[ES_CLIENT_ID_LEN + 1];
    for (unsigned i = 0; i < ES_SENDERS_MAX + 3; i++) {
        snprintf(key, sizeof key, "%06x0000000000", i);
        es_senders_take(&senders, es_span(key), SECOND);
    }
    assert_int_equal(senders.count, ES_SENDERS_MAX);
    assert_int_equal(senders.unknown, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(who_reports_lives, setup),
        cmocka_unit_test_setup(standing_still_proves_nothing, setup),
        cmocka_unit_test_setup(who_was_started_anew_is_dead_sooner, setup),
        cmocka_unit_test_setup(who_reports_is_not_dead_of_another, setup),
        cmocka_unit_test_setup(more_than_can_be_known, setup),
    };
    return cmocka_run_group_tests_name("senders", tests, NULL, NULL);
}
