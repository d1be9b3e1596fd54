/* A process is killed in the middle of its turns, again and again: what it was told is stored is there, whole, and of the rest nothing is half there. */
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "job_store_world.h"
#include "wire.h"

enum { ROUNDS = 200, A_TURN = 3, TURNS_A_ROUND = 1000, TURNS_SEEN_MAX = 4 };

/* Turn number `turn`: three new jobs, each claimed, heard and cancelled. */
static bool run_turn(es_job_store_t *store, unsigned turn)
{
    if (es_job_store_begin(store) != ES_JOBS_OK) return false;
    for (unsigned i = 0; i < A_TURN; i++) {
        es_job_t job = job_of(turn * A_TURN + i), other;
        uint64_t next;
        job.priority = (int)i;
        if (es_job_store_insert(store, &job, NULL) != ES_JOBS_OK ||
            es_job_store_claim(store, SPOOL, "jobs-1", NOW + 900000000, LEASE, &other, &next) != ES_JOBS_OK)
            return false;
        es_job_hold_t hold = {.token = other.token};
        memcpy(hold.id, other.id, sizeof hold.id);
        es_job_fini(&other);
        if (final_of(store, &hold, 0, 16000, "one") != ES_JOBS_OK ||
            es_job_store_cancel(store, hold.id, NOW, NULL) != ES_JOBS_OK)
            return false;
    }
    return es_job_store_commit(store) == ES_JOBS_OK;
}

static void run_child(const world_t *w, unsigned turn, int out)
{
    char err[1024];
    es_job_store_t *store = es_job_store_open(w->url, false, err, sizeof err);
    for (unsigned i = 0; store && i < TURNS_A_ROUND; i++, turn++)
        if (!run_turn(store, turn) || write(out, &turn, sizeof turn) != (ssize_t)sizeof turn) break;
    _exit(1);
}

/* Spends some microseconds, so that the signal comes anywhere in a turn. */
static void pass_time(uint64_t us)
{
    uint64_t until = es_now_us() + us;
    while (es_now_us() < until) {
    }
}

/* The number of the turn after the last one that the child was told is stored. */
static unsigned run_and_kill(const world_t *w, unsigned turn)
{
    int ends[2];
    unsigned told, seen = (unsigned)(es_random_u64() % TURNS_SEEN_MAX) + 1;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) run_child(w, turn, ends[1]);
    close(ends[1]);
    for (unsigned i = 0; i < seen && read(ends[0], &told, sizeof told) == (ssize_t)sizeof told; i++) turn = told + 1;
    pass_time(es_random_u64() % 2000);
    kill(child, SIGKILL);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    while (read(ends[0], &told, sizeof told) == (ssize_t)sizeof told) turn = told + 1;
    close(ends[0]);
    return turn;
}

static int64_t rows_of(world_t *w, const char *table)
{
    char sql[64];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", table);
    return counted(w, sql);
}

/* A server may still be at the work of one that is gone: a turn that was sent whole comes to its end. Then the numbers stand. */
static unsigned settled_turns(world_t *w)
{
    GOES(w->a, ES_JOBS_OK);
    assert_int_equal(es_job_store_probe(w->a), ES_JOBS_OK);
    if (on_a_server())
        while (counted(w, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'earshot-jobs'") > 1) {
        }
    int64_t jobs = rows_of(w, "job");
    assert_int_equal(jobs % A_TURN, 0);
    assert_int_equal(rows_of(w, "segment"), jobs);
    assert_int_equal(rows_of(w, "history"), jobs);
    assert_int_equal(counted(w, "SELECT count(*) FROM job WHERE state = 5 AND done = 16000 AND warnings = 0"), jobs);
    return (unsigned)(jobs / A_TURN);
}

static void what_is_stored_is_there_and_whole(void **state)
{
    world_t *w = *state;
    unsigned unseen = 0;
    for (unsigned round = 0, turn = 0; round < ROUNDS; round++) {
        unsigned told = run_and_kill(w, turn);
        turn = settled_turns(w);
        /* The last turn may be stored without the child's having been told. */
        assert_true(turn == told || turn == told + 1);
        unseen += turn > told;
    }
    print_message("%u turns were stored and nobody told\n", unseen);
    assert_null(es_job_store_trouble(w->a));
}

static int setup_one(void **state)
{
    world_t *w = empty_world();
    w->a = opened(w);
    *state = w;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_stored_is_there_and_whole, setup_one, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
