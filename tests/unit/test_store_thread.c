/* actors/jobs/store_thread.c: tasks go to the store in order and come back to the loop, with what became of them. */
#include "job_store_world.h"

#include "store_thread.h"
#include "wire.h"

#define DEADLINE_US UINT64_C(20000000)

typedef struct {
    world_t *stores;
    es_loop_t *loop;
    es_store_thread_t *thread, *other;
    unsigned done, changes;
    unsigned order[1024];
    uint64_t deadline_us;
    bool (*enough)(void *state);
} threads_t;

typedef struct {
    threads_t *world;
    unsigned n, runs;
    es_jobs_result_t result;
    bool breaks, again;
    int finished;
} job_task_t;

/* ---- the loop, until something is so */

static uint64_t look(void *ctx, uint64_t now_us)
{
    threads_t *t = ctx;
    if (t->enough(t) || now_us > t->deadline_us) es_loop_stop(t->loop);
    return now_us + 5000;
}

static void run_until(threads_t *t, bool (*enough)(void *state))
{
    t->enough = enough;
    t->deadline_us = es_now_us() + DEADLINE_US;
    es_loop_run(t->loop);
    if (!enough(t)) fail_msg("not in time: %u done, %u changes", t->done, t->changes);
}

static bool all_done(void *state)
{
    threads_t *t = state;
    return es_store_thread_pending(t->thread) == 0 && (!t->other || es_store_thread_pending(t->other) == 0);
}

static bool has_changed(void *state)
{
    return ((threads_t *)state)->changes > 0;
}

static void on_changed(void *ctx, uint64_t now_us)
{
    threads_t *t = ctx;
    (void)now_us;
    t->changes++;
}

/* ---- tasks */

static es_jobs_result_t insert(void *arg, es_job_store_t *store)
{
    job_task_t *task = arg;
    es_job_t job = job_of(task->n);
    task->runs++;
    es_jobs_result_t result = es_job_store_insert(store, &job, NULL);
    if (task->breaks || (task->again && task->runs == 1)) return ES_JOBS_DOWN;
    return result;
}

static void finished(void *arg, es_jobs_result_t result, uint64_t now_us)
{
    job_task_t *task = arg;
    assert_true(now_us > 0);
    task->result = result;
    task->finished++;
    task->world->order[task->world->done++] = task->n;
}

static void submit(threads_t *t, job_task_t *task, unsigned n)
{
    task->world = t;
    task->n = n;
    es_store_thread_submit(t->thread, insert, finished, task);
}

static int thread_setup(void **state)
{
    threads_t *t = calloc(1, sizeof *t);
    char err[1024] = "";
    setup((void **)&t->stores);
    t->loop = es_loop_new();
    es_loop_add_tick(t->loop, look, t);
    t->thread = es_store_thread_new(t->stores->url, false, t->loop, on_changed, t, err, sizeof err);
    if (!t->thread) fail_msg("%s", err);
    *state = t;
    return 0;
}

static int thread_teardown(void **state)
{
    threads_t *t = *state;
    es_store_thread_destroy(&t->thread);
    es_store_thread_destroy(&t->thread);
    es_loop_destroy(&t->loop);
    teardown((void **)&t->stores);
    free(t);
    return 0;
}

static bool there(threads_t *t, unsigned n)
{
    es_job_t job;
    es_jobs_result_t result = TURN(t->stores->a, es_job_store_get(t->stores->a, id_of(n), &job));
    es_job_fini(&job);
    return result == ES_JOBS_OK;
}

static void tasks_are_done_in_order(void **state)
{
    static job_task_t tasks[1000];
    threads_t *t = *state;
    memset(tasks, 0, sizeof tasks);
    assert_string_equal(es_store_thread_kind(t->thread), es_job_store_kind(t->stores->a));
    for (unsigned i = 0; i < 1000; i++) submit(t, &tasks[i], i);
    assert_int_equal(es_store_thread_pending(t->thread), 1000);
    run_until(t, all_done);
    for (unsigned i = 0; i < 1000; i++) {
        assert_int_equal(t->order[i], i);
        assert_int_equal(tasks[i].result, ES_JOBS_OK);
        assert_int_equal(tasks[i].finished, 1);
    }
    assert_true(there(t, 0) && there(t, 999));
}

static void who_breaks_a_turn_is_alone(void **state)
{
    static job_task_t tasks[30];
    threads_t *t = *state;
    char trouble[64];
    memset(tasks, 0, sizeof tasks);
    tasks[7].breaks = true;
    tasks[11].again = true;
    for (unsigned i = 0; i < 30; i++) submit(t, &tasks[i], i);
    run_until(t, all_done);
    for (unsigned i = 0; i < 30; i++) {
        assert_int_equal(tasks[i].result, i == 7 ? ES_JOBS_DOWN : ES_JOBS_OK);
        assert_int_equal(there(t, i), i != 7);
    }
    assert_true(tasks[7].runs > 1);
    assert_false(es_store_thread_trouble(t->thread, trouble, sizeof trouble));
    assert_string_equal(trouble, "");
}

static void what_is_submitted_is_run_at_the_end(void **state)
{
    static job_task_t tasks[20];
    threads_t *t = *state;
    memset(tasks, 0, sizeof tasks);
    for (unsigned i = 0; i < 20; i++) submit(t, &tasks[i], i);
    es_store_thread_destroy(&t->thread);
    assert_null(t->thread);
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(tasks[i].finished, 1);
        assert_int_equal(tasks[i].result, ES_JOBS_OK);
        assert_true(there(t, i));
    }
}

static void others_changes_are_heard(void **state)
{
    threads_t *t = *state;
    static job_task_t task;
    task = (job_task_t){.n = 1};
    submit(t, &task, 1);
    run_until(t, all_done);
    assert_int_equal(t->changes, 0);
    inserted(t->stores->b, 2);
    run_until(t, has_changed);
}

/* ---- a store that goes and comes back */

static void control_server(const char *verb)
{
    char command[512];
    snprintf(command, sizeof command, "%s/postgres.sh %s %s", ES_SUPPORT, verb, getenv("ES_POSTGRES_DIR"));
    assert_int_equal(system(command), 0);
}

/* Nobody else writes to a file while one is in the middle of a turn. */
static void take_away(threads_t *t)
{
    if (on_a_server()) {
        es_job_store_close(&t->stores->a);
        es_job_store_close(&t->stores->b);
        control_server("stop");
        return;
    }
    es_job_t job = job_of(9999);
    assert_int_equal(es_job_store_begin(t->stores->b), ES_JOBS_OK);
    assert_int_equal(es_job_store_insert(t->stores->b, &job, NULL), ES_JOBS_OK);
}

static void bring_back(threads_t *t)
{
    if (!on_a_server()) {
        es_job_store_rollback(t->stores->b);
        return;
    }
    control_server("start");
    t->stores->a = opened(t->stores);
}

static void the_store_is_found_again(void **state)
{
    static job_task_t before[300], during[300], after;
    threads_t *t = *state;
    char trouble[1024];
    memset(before, 0, sizeof before);
    memset(during, 0, sizeof during);
    after = (job_task_t){.n = 0};
    for (unsigned i = 0; i < 300; i++) submit(t, &before[i], i);
    take_away(t);
    run_until(t, all_done);
    for (unsigned i = 0; i < 300; i++) submit(t, &during[i], 300 + i);
    run_until(t, all_done);
    for (unsigned i = 0; i < 300; i++) assert_int_equal(during[i].result, ES_JOBS_DOWN);
    assert_true(es_store_thread_trouble(t->thread, trouble, sizeof trouble));
    if (!strstr(trouble, on_a_server() ? "PostgreSQL at " : "another process holds the file")) fail_msg("%s", trouble);
    bring_back(t);
    t->changes = 0;
    run_until(t, has_changed);
    assert_false(es_store_thread_trouble(t->thread, trouble, sizeof trouble));
    submit(t, &after, 600);
    run_until(t, all_done);
    assert_int_equal(after.result, ES_JOBS_OK);
    for (unsigned i = 0; i < 300; i++) {
        assert_int_equal(before[i].finished, 1);
        if (before[i].result == ES_JOBS_OK) assert_true(there(t, i));
        assert_false(there(t, 300 + i));
    }
    assert_true(there(t, 600));
}

/* Once it is down nothing waits: answers come at once, but for one try a second. */
static void answers_come_at_once_while_it_is_down(void **state)
{
    static job_task_t tasks[20];
    threads_t *t = *state;
    memset(tasks, 0, sizeof tasks);
    if (!on_a_server()) skip();
    take_away(t);
    submit(t, &tasks[0], 0);
    run_until(t, all_done);
    uint64_t begin = es_now_us();
    for (unsigned i = 1; i < 20; i++) {
        submit(t, &tasks[i], i);
        run_until(t, all_done);
        assert_int_equal(tasks[i].result, ES_JOBS_DOWN);
    }
    if (es_now_us() - begin > 5000000) fail_msg("19 answers took %u ms", (unsigned)((es_now_us() - begin) / 1000));
    control_server("start");
}

/* ---- a server that is there and says nothing */

static void signal_backends(const threads_t *t, const char *name)
{
    char sql[256], command[64];
    snprintf(sql, sizeof sql,
             "SELECT pid FROM pg_stat_activity WHERE application_name = 'earshot-jobs' ORDER BY backend_start DESC "
             "LIMIT 1");
    static int64_t pid;
    if (strcmp(name, "STOP") == 0) pid = counted(t->stores, sql);
    snprintf(command, sizeof command, "kill -%s %d", name, (int)pid);
    assert_int_equal(system(command), 0);
}

static void a_server_that_hangs_holds_nobody_up(void **state)
{
    static job_task_t tasks[50], after;
    threads_t *t = *state;
    memset(tasks, 0, sizeof tasks);
    after = (job_task_t){.n = 0};
    if (!on_a_server()) skip();
    signal_backends(t, "STOP");
    uint64_t begin = es_now_us();
    for (unsigned i = 0; i < 50; i++) submit(t, &tasks[i], i);
    run_until(t, all_done);
    assert_true(es_now_us() - begin < 15000000);
    for (unsigned i = 0; i < 50; i++) assert_int_equal(tasks[i].result, ES_JOBS_DOWN);
    signal_backends(t, "CONT");
    t->changes = 0;
    run_until(t, has_changed);
    submit(t, &after, 60);
    run_until(t, all_done);
    assert_int_equal(after.result, ES_JOBS_OK);
}

/* Two turns that want the same keys in opposite order: the server ends one, and that one is run again. */
static es_jobs_result_t insert_two(void *arg, es_job_store_t *store)
{
    job_task_t *task = arg;
    task->runs++;
    for (unsigned i = 0; i < 2; i++) {
        es_job_t job = job_of(1000 + (task->n == 0 ? i : 1 - i));
        es_jobs_result_t result = es_job_store_insert(store, &job, NULL);
        if (result == ES_JOBS_DOWN) return result;
    }
    return ES_JOBS_OK;
}

static void turns_in_each_others_way_are_run_again(void **state)
{
    static job_task_t tasks[2];
    threads_t *t = *state;
    char err[1024] = "";
    if (!on_a_server()) skip();
    t->other = es_store_thread_new(t->stores->url, false, t->loop, NULL, NULL, err, sizeof err);
    assert_non_null(t->other);
    for (int round = 0; round < 5; round++) {
        for (unsigned i = 0; i < 2; i++) tasks[i] = (job_task_t){.world = t, .n = i};
        t->done = 0;
        es_store_thread_submit(t->thread, insert_two, finished, &tasks[0]);
        es_store_thread_submit(t->other, insert_two, finished, &tasks[1]);
        run_until(t, all_done);
        for (unsigned i = 0; i < 2; i++) assert_int_equal(tasks[i].result, ES_JOBS_OK);
        by_hand(t->stores, "DELETE FROM job");
    }
    es_store_thread_destroy(&t->other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tasks_are_done_in_order, thread_setup, thread_teardown),
        cmocka_unit_test_setup_teardown(who_breaks_a_turn_is_alone, thread_setup, thread_teardown),
        cmocka_unit_test_setup_teardown(what_is_submitted_is_run_at_the_end, thread_setup, thread_teardown),
        cmocka_unit_test_setup_teardown(others_changes_are_heard, thread_setup, thread_teardown),
        cmocka_unit_test_setup_teardown(the_store_is_found_again, thread_setup, thread_teardown),
        cmocka_unit_test_setup_teardown(answers_come_at_once_while_it_is_down, thread_setup, thread_teardown),
        cmocka_unit_test_setup_teardown(a_server_that_hangs_holds_nobody_up, thread_setup, thread_teardown),
        cmocka_unit_test_setup_teardown(turns_in_each_others_way_are_run_again, thread_setup, thread_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
