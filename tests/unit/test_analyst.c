#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alloc.h"
#include "analyst.h"
#include "wire.h"

enum { DEADLINE_US = 20000000 };

typedef struct {
    es_loop_t *loop;
    es_analyst_t *analyst;
    unsigned told, wanted, good;
    char text[64], reason[256], language[65];
    size_t bytes;
    uint64_t deadline_us, forget;
} world_t;

static uint64_t watchdog(void *ctx, uint64_t now_us)
{
    world_t *w = ctx;
    assert_true(now_us < w->deadline_us);
    return w->deadline_us;
}

static int setup(void **state)
{
    world_t *w = es_alloc_zero(sizeof *w);
    w->loop = es_loop_new();
    w->analyst = es_analyst_new(w->loop, 20);
    w->deadline_us = es_now_us() + DEADLINE_US;
    es_loop_add_tick(w->loop, watchdog, w);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    world_t *w = *state;
    es_analyst_destroy(&w->analyst);
    es_analyst_destroy(&w->analyst);
    es_loop_destroy(&w->loop);
    free(w);
    return 0;
}

static void on_report(void *ctx, const es_report_t *report)
{
    world_t *w = ctx;
    snprintf(w->reason, sizeof w->reason, "%s", report->reason);
    snprintf(w->text, sizeof w->text, "%s", report->transcript ? report->transcript : "");
    snprintf(w->language, sizeof w->language, "%s", report->language);
    w->bytes = report->transcript_bytes;
    w->good += report->analysis != NULL;
    json_decref(report->analysis);
    free(report->transcript);
    if (w->forget) es_analyst_forget(w->analyst, w->forget);
    if (++w->told == w->wanted) es_loop_stop(w->loop);
}

static uint64_t give(world_t *w, const char *text)
{
    return es_analyst_give(w->analyst, es_alloc_copy(text, strlen(text)), strlen(text), on_report, w);
}

static const char talk[] =
    "{\"language\":\"de\",\"segments\":[{\"start_ms\":0,\"end_ms\":9,\"text\":\"one two three four five\"}]}";

static void test_documents_come_back_in_order(void **state)
{
    world_t *w = *state;
    for (int i = 0; i < 20; i++) assert_true(give(w, i == 19 ? talk : "{") > 0);
    w->wanted = 20;
    es_loop_run(w->loop);
    assert_int_equal(w->told, 20);
    assert_int_equal(w->good, 1);
    assert_string_equal(w->text, "one two three four f");
    assert_int_equal(w->bytes, 24);
    assert_string_equal(w->language, "de");
}

static void test_damage_has_its_reason(void **state)
{
    world_t *w = *state;
    give(w, "[]");
    w->wanted = 1;
    es_loop_run(w->loop);
    assert_int_equal(w->good, 0);
    assert_string_equal(w->reason, "the transcript is not a JSON object");
}

static void test_what_is_given_up_is_not_told(void **state)
{
    world_t *w = *state;
    uint64_t numbers[10];
    for (int i = 0; i < 10; i++) numbers[i] = give(w, talk);
    for (int i = 0; i < 9; i++) es_analyst_forget(w->analyst, numbers[i]);
    es_analyst_forget(w->analyst, numbers[0]);
    es_analyst_forget(w->analyst, 4711);
    w->wanted = 1;
    es_loop_run(w->loop);
    assert_int_equal(w->told, 1);
}

/* The second may be done already when the first one's `done` gives it up. */
static void test_given_up_from_within(void **state)
{
    world_t *w = *state;
    give(w, talk);
    w->forget = give(w, talk);
    give(w, "{");
    w->wanted = 2;
    es_loop_run(w->loop);
    assert_int_equal(w->good, 1);
    assert_int_equal(w->told, 2);
}

static void test_destroyed_with_work_left(void **state)
{
    world_t *w = *state;
    for (int i = 0; i < 50; i++) give(w, talk);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_documents_come_back_in_order), T(test_damage_has_its_reason),    T(test_what_is_given_up_is_not_told),
        T(test_given_up_from_within),         T(test_destroyed_with_work_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
