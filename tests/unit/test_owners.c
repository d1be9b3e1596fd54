/* Whose a sender is: who uses a prefix first, for how long, and who is refused meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "owners.h"

#define SECOND UINT64_C(1000000)
#define A "aaaaaa0000000000"
#define A_STREAM "aaaaaa1234567890"
#define B "bbbbbb0000000000"
#define EDGE "edge/edge-1"
#define OTHER "edge/edge-2"
#define JOBS "jobs/jobs"
#define HERE ""

static es_owners_t *owners;
static uint64_t now;

static int setup(void **state)
{
    (void)state;
    owners = es_owners_new(1);
    now = 100 * SECOND;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    es_owners_destroy(&owners);
    assert_null(owners);
    es_owners_destroy(&owners);
    return 0;
}

static void assert_may(const char *who, const char *key)
{
    assert_null(es_owners_claim(owners, es_span(key), who, now));
}

static void assert_may_not(const char *who, const char *key, const char *owner)
{
    const char *found = es_owners_claim(owners, es_span(key), who, now);
    assert_non_null(found);
    assert_string_equal(found, owner);
}

static void a_prefix_is_whose_it_was_first(void **state)
{
    (void)state;
    assert_may(EDGE, A);
    assert_may(EDGE, A_STREAM);
    assert_may_not(JOBS, A_STREAM, EDGE);
    assert_may_not(OTHER, A, EDGE);
    assert_may(JOBS, B);
    assert_may_not(EDGE, B, JOBS);
    assert_may(EDGE, A);
    assert_int_equal(es_owners_count(owners), 2);
}

static void several_of_one_key_are_one(void **state)
{
    (void)state;
    assert_may(EDGE, A);
    assert_may(EDGE, B);
    assert_may(EDGE, A_STREAM); /* another process with the key */
    assert_may_not(OTHER, B, EDGE);
}

static void who_leaves_gives_it_back(void **state)
{
    (void)state;
    assert_may(EDGE, A);
    es_owners_release(owners, es_span(A));
    es_owners_release(owners, es_span(B));
    assert_int_equal(es_owners_count(owners), 0);
    assert_may(OTHER, A);
    assert_may_not(EDGE, A, OTHER);
}

static void silence_gives_it_back_late(void **state)
{
    (void)state;
    assert_may(EDGE, A);
    assert_may(EDGE, B);
    now += ES_OWNERS_SILENCE_US - SECOND;
    es_owners_tick(owners, now);
    assert_may_not(JOBS, A, EDGE);
    assert_may(EDGE, A); /* used again */
    now += SECOND;
    es_owners_tick(owners, now);
    assert_int_equal(es_owners_count(owners), 1);
    assert_may(JOBS, B);
    assert_may_not(JOBS, A, EDGE);
    now += 2 * ES_OWNERS_SILENCE_US;
    assert_may(JOBS, A); /* also where nobody ticked */
    now += 2 * ES_OWNERS_SILENCE_US;
    es_owners_tick(owners, now);
    assert_int_equal(es_owners_count(owners), 0);
}

/* It says something each second, and nobody on tcp may say it too. */
static void what_this_machine_uses_is_its_own(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++, now += SECOND) {
        assert_may(HERE, A);
        es_owners_tick(owners, now);
        assert_may_not(JOBS, A_STREAM, HERE);
    }
}

static void this_machine_is_never_refused(void **state)
{
    (void)state;
    assert_may(JOBS, A);
    assert_may(HERE, A);
    assert_may_not(JOBS, A, HERE);
    assert_may(HERE, A_STREAM);
}

static void this_machine_locks_nobody_out(void **state)
{
    (void)state;
    assert_may(HERE, A); /* once */
    assert_may_not(EDGE, A, HERE);
    now += ES_OWNERS_LOCAL_US;
    assert_may(EDGE, A);
    assert_may_not(JOBS, A, EDGE);
    assert_may(HERE, B);
    now += ES_OWNERS_LOCAL_US;
    es_owners_tick(owners, now);
    assert_int_equal(es_owners_count(owners), 1);
}

/* It loses what it has not used for longest, and nobody else loses anything. */
static void who_takes_all_pushes_out_its_own(void **state)
{
    (void)state;
    char key[ES_CLIENT_ID_LEN + 1];
    assert_may(EDGE, A);
    assert_may(JOBS, B);
    now += SECOND;
    for (unsigned i = 0; i < 3 * ES_OWNERS_EACH; i++) {
        snprintf(key, sizeof key, "%06x0000000000", i);
        assert_may(JOBS, key);
        if (i % 100 == 0) now += SECOND, assert_may(JOBS, B);
    }
    assert_int_equal(es_owners_count(owners), ES_OWNERS_EACH + 1);
    assert_int_equal(es_owners_pushed_out(owners), 2 * ES_OWNERS_EACH + 1);
    assert_may_not(JOBS, A, EDGE);
    assert_may_not(EDGE, B, JOBS);
    assert_may_not(EDGE, key, JOBS);
    assert_may(EDGE, "0000000000000000");
}

static void two_are_the_same_until_they_are_known_to_be_two(void **state)
{
    (void)state;
    assert_true(es_owners_same(owners, es_span(A), es_span(B)));
    assert_may(EDGE, A);
    assert_true(es_owners_same(owners, es_span(A_STREAM), es_span(B)));
    assert_may(JOBS, B);
    assert_false(es_owners_same(owners, es_span(A), es_span(B)));
    assert_true(es_owners_same(owners, es_span(A), es_span(A_STREAM)));
    es_owners_release(owners, es_span(B));
    assert_may(EDGE, B);
    assert_true(es_owners_same(owners, es_span(A), es_span(B)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_prefix_is_whose_it_was_first, setup, teardown),
        cmocka_unit_test_setup_teardown(several_of_one_key_are_one, setup, teardown),
        cmocka_unit_test_setup_teardown(who_leaves_gives_it_back, setup, teardown),
        cmocka_unit_test_setup_teardown(silence_gives_it_back_late, setup, teardown),
        cmocka_unit_test_setup_teardown(what_this_machine_uses_is_its_own, setup, teardown),
        cmocka_unit_test_setup_teardown(this_machine_is_never_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(this_machine_locks_nobody_out, setup, teardown),
        cmocka_unit_test_setup_teardown(two_are_the_same_until_they_are_known_to_be_two, setup, teardown),
        cmocka_unit_test_setup_teardown(who_takes_all_pushes_out_its_own, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
