#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "supervisor.h"

#define MS UINT64_C(1000)
#define SECOND (1000 * MS)

enum { BROKER, EDGE, WORKER_1, WORKER_2, CHILDREN };
static const int stages[CHILDREN] = {[BROKER] = 2, [EDGE] = 0, [WORKER_1] = 1, [WORKER_2] = 1};

typedef struct {
    char log[4096]; /* "start 0;term 1;..." */
    int refuse;     /* child whose start fails, or -1 */
    uint64_t pause;
    es_supervisor_t *s;
} world_t;

static void note(world_t *w, const char *what, size_t child)
{
    size_t used = strlen(w->log);
    snprintf(w->log + used, sizeof w->log - used, "%s%s%zu", used ? " " : "", what, child);
}

static int on_start(void *ctx, size_t child)
{
    world_t *w = ctx;
    note(w, "start", child);
    return w->refuse == (int)child ? -1 : 0;
}
static void on_terminate(void *ctx, size_t child)
{
    note(ctx, "term", child);
}
static void on_kill(void *ctx, size_t child)
{
    note(ctx, "kill", child);
}
static void on_restarting(void *ctx, size_t child, uint64_t pause_us)
{
    (void)child;
    ((world_t *)ctx)->pause = pause_us;
}
static void on_gave_up(void *ctx, size_t child, es_gave_up_t why)
{
    (void)why;
    note(ctx, "gaveup", child);
}

static const es_supervisor_ops_t ops = {
    .start = on_start, .terminate = on_terminate, .kill = on_kill, .restarting = on_restarting, .gave_up = on_gave_up};

static int setup(void **state)
{
    static world_t w;
    memset(&w, 0, sizeof w);
    w.refuse = -1;
    es_supervisor_config_t config = es_supervisor_defaults();
    w.s = es_supervisor_new(&config, &ops, &w, stages, CHILDREN);
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    world_t *w = *state;
    es_supervisor_destroy(&w->s);
    assert_null(w->s);
    return 0;
}

static void expect(world_t *w, const char *log)
{
    assert_string_equal(w->log, log);
    w->log[0] = '\0';
}

static void started(world_t *w)
{
    assert_true(es_supervisor_tick(w->s, 0) == UINT64_MAX);
    expect(w, "start0 start1 start2 start3");
}

static void starts_all_once(void **state)
{
    world_t *w = *state;
    started(w);
    es_supervisor_tick(w->s, SECOND);
    expect(w, "");
    for (size_t i = 0; i < CHILDREN; i++) assert_int_equal(es_supervisor_state(w->s, i), ES_CHILD_UP);
}

static void backs_off_and_recovers(void **state)
{
    world_t *w = *state;
    started(w);
    uint64_t now = 0, want = 100 * MS;
    for (int i = 0; i < 7; i++) {
        es_supervisor_exited(w->s, WORKER_1, false, now);
        assert_true(w->pause == want);
        assert_true(es_supervisor_tick(w->s, now) == now + want);
        expect(w, "");
        now += want;
        es_supervisor_tick(w->s, now);
        expect(w, "start2");
        want = want * 2 > 5 * SECOND ? 5 * SECOND : want * 2;
    }
    assert_int_equal(es_supervisor_restarts(w->s, WORKER_1), 7);
    now += 5 * SECOND; /* stable */
    es_supervisor_exited(w->s, WORKER_1, false, now);
    assert_true(w->pause == 100 * MS);
    assert_int_equal(es_supervisor_gave_up(w->s), ES_GAVE_UP_NOT);
}

static void stops_by_stages(void **state)
{
    world_t *w = *state;
    started(w);
    es_supervisor_stop(w->s, SECOND);
    expect(w, "term1");
    assert_true(es_supervisor_stopping(w->s));
    es_supervisor_exited(w->s, EDGE, false, 2 * SECOND);
    expect(w, "term2 term3");
    es_supervisor_exited(w->s, WORKER_2, false, 2 * SECOND);
    expect(w, "");
    es_supervisor_exited(w->s, WORKER_1, false, 3 * SECOND);
    expect(w, "term0");
    assert_false(es_supervisor_done(w->s));
    es_supervisor_exited(w->s, BROKER, false, 3 * SECOND);
    assert_true(es_supervisor_done(w->s));
    assert_true(es_supervisor_tick(w->s, 4 * SECOND) == UINT64_MAX);
    expect(w, "");
}

static void kills_after_the_grace(void **state)
{
    world_t *w = *state;
    started(w);
    es_supervisor_stop(w->s, SECOND);
    assert_true(es_supervisor_tick(w->s, SECOND) == 9 * SECOND);
    expect(w, "term1");
    assert_true(es_supervisor_tick(w->s, 9 * SECOND) == UINT64_MAX);
    expect(w, "kill1");
    es_supervisor_exited(w->s, EDGE, false, 9 * SECOND);
    expect(w, "term2 term3"); /* each stage has a grace of its own */
    assert_true(es_supervisor_tick(w->s, 10 * SECOND) == 17 * SECOND);
}

static void a_second_stop_kills_all(void **state)
{
    world_t *w = *state;
    started(w);
    es_supervisor_stop(w->s, SECOND);
    es_supervisor_stop(w->s, SECOND);
    expect(w, "term1 kill0 kill1 kill2 kill3");
    es_supervisor_stop(w->s, SECOND);
    expect(w, "");
    for (size_t i = 0; i < CHILDREN; i++) es_supervisor_exited(w->s, i, false, SECOND);
    assert_true(es_supervisor_done(w->s));
}

static void a_stop_forgets_who_waits_for_a_restart(void **state)
{
    world_t *w = *state;
    started(w);
    es_supervisor_exited(w->s, EDGE, false, SECOND);
    es_supervisor_stop(w->s, SECOND);
    expect(w, "term2 term3");
    es_supervisor_tick(w->s, 2 * SECOND);
    expect(w, ""); /* the edge stays gone */
}

static void one_that_dies_out_of_turn_while_stopping(void **state)
{
    world_t *w = *state;
    started(w);
    es_supervisor_stop(w->s, SECOND);
    expect(w, "term1");
    es_supervisor_exited(w->s, BROKER, false, SECOND);
    expect(w, "");
    es_supervisor_exited(w->s, EDGE, false, SECOND);
    expect(w, "term2 term3");
}

static void gives_up_on_the_hopeless(void **state)
{
    world_t *w = *state;
    started(w);
    es_supervisor_exited(w->s, EDGE, true, 10 * MS);
    expect(w, "gaveup1 term2 term3");
    assert_int_equal(es_supervisor_gave_up(w->s), ES_GAVE_UP_HOPELESS);
    assert_true(es_supervisor_stopping(w->s));
}

static void gives_up_on_one_that_never_stays(void **state)
{
    world_t *w = *state;
    started(w);
    uint64_t now = 0;
    int ends = 0;
    while (es_supervisor_gave_up(w->s) == ES_GAVE_UP_NOT) {
        es_supervisor_exited(w->s, WORKER_2, false, now);
        ends++;
        uint64_t next = es_supervisor_tick(w->s, now);
        if (next != UINT64_MAX) es_supervisor_tick(w->s, now = next);
    }
    assert_int_equal(ends, 8);
    assert_int_equal(es_supervisor_gave_up(w->s), ES_GAVE_UP_START);
}

/* Dies once it is stable, again and again: only the count within the window tells. */
static void limits_the_intensity(void **state)
{
    world_t *w = *state;
    es_supervisor_destroy(&w->s);
    es_supervisor_config_t config = es_supervisor_defaults();
    config.stable_us = 100 * MS;
    w->s = es_supervisor_new(&config, &ops, w, stages, CHILDREN);
    started(w);
    uint64_t now = 0;
    int ends = 0;
    while (es_supervisor_gave_up(w->s) == ES_GAVE_UP_NOT) {
        now += SECOND;
        es_supervisor_exited(w->s, BROKER, false, now);
        ends++;
        now += 100 * MS;
        es_supervisor_tick(w->s, now);
    }
    assert_int_equal(ends, 31);
    assert_int_equal(es_supervisor_gave_up(w->s), ES_GAVE_UP_INTENSITY);
}

static void a_slow_rate_is_borne_for_ever(void **state)
{
    world_t *w = *state;
    started(w);
    for (uint64_t i = 1; i < 500; i++) {
        w->log[0] = '\0';
        es_supervisor_exited(w->s, BROKER, false, i * 6 * SECOND);
        es_supervisor_tick(w->s, i * 6 * SECOND + 100 * MS);
    }
    assert_int_equal(es_supervisor_gave_up(w->s), ES_GAVE_UP_NOT);
}

static void a_start_that_fails_is_an_end(void **state)
{
    world_t *w = *state;
    w->refuse = EDGE;
    assert_true(es_supervisor_tick(w->s, 0) == 100 * MS);
    expect(w, "start0 start1 start2 start3");
    assert_int_equal(es_supervisor_state(w->s, EDGE), ES_CHILD_DOWN);
    w->refuse = -1;
    es_supervisor_tick(w->s, 100 * MS);
    expect(w, "start1");
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(starts_all_once),
        CASE(backs_off_and_recovers),
        CASE(stops_by_stages),
        CASE(kills_after_the_grace),
        CASE(a_second_stop_kills_all),
        CASE(a_stop_forgets_who_waits_for_a_restart),
        CASE(one_that_dies_out_of_turn_while_stopping),
        CASE(gives_up_on_the_hopeless),
        CASE(gives_up_on_one_that_never_stays),
        CASE(limits_the_intensity),
        CASE(a_slow_rate_is_borne_for_ever),
        CASE(a_start_that_fails_is_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
