/* actors/jobs/store_owner.c over both databases: who gets which job, and what is left to who had it before. */
#include <pthread.h>

#include "job_store_world.h"

/* ---- the order */

static void insert_at(es_job_store_t *store, unsigned n, int priority, uint64_t run_at_ms)
{
    es_job_t job = job_of(n);
    job.priority = priority;
    job.run_at_ms = run_at_ms;
    inserted_as(store, &job);
}

static void by_priority_then_time_then_age(void **state)
{
    static const unsigned order[] = {6, 3, 5, 2, 1, 4};
    world_t *w = *state;
    uint64_t next;
    es_job_t job;
    insert_at(w->a, 1, 0, NOW + 20);
    insert_at(w->a, 2, 0, NOW + 10);
    insert_at(w->a, 3, 5, NOW + 30);
    insert_at(w->a, 4, -10, NOW + 1);
    insert_at(w->a, 5, 5, NOW + 30);
    insert_at(w->a, 6, 10, NOW + 40);
    insert_at(w->a, 7, 10, NOW + 5000);
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        es_job_hold_t hold = claimed_at(i % 2 ? w->a : w->b, NOW + 100);
        assert_string_equal(hold.id, id_of(order[i]));
        assert_int_equal(hold.token, 1);
    }
    assert_int_equal(claim_at(w->a, "jobs-1", NOW + 100, &job, &next), ES_JOBS_NONE);
    assert_int_equal(next, NOW + 5000);
    assert_null(job.session);
}

static void a_spool_has_its_own_jobs(void **state)
{
    world_t *w = *state;
    uint64_t next = 1;
    es_job_t job = job_of(1);
    job.spool = "spool-b";
    inserted_as(w->a, &job);
    assert_int_equal(claim_at(w->a, "jobs-1", NOW + 100, &job, &next), ES_JOBS_NONE);
    assert_int_equal(next, 0);
    assert_int_equal(TURN(w->a, es_job_store_claim(w->a, "spool-b", "jobs-2", NOW + 100, LEASE, &job, &next)),
                     ES_JOBS_OK);
    assert_string_equal(job.worker, "jobs-2");
    assert_true(job.attempt == 1 && job.state == ES_JOB_TRANSCRIBING && job.lease_until_ms == NOW + 100 + LEASE);
    es_job_fini(&job);
    assert_int_equal(claim_at(w->a, "jobs-1", NOW + 2 * LEASE, &job, &next), ES_JOBS_NONE);
    assert_int_equal(next, 0);
}

static void several_in_one_turn_are_different(void **state)
{
    world_t *w = *state;
    es_job_t one, two, none;
    uint64_t next;
    inserted(w->a, 1);
    inserted(w->a, 2);
    assert_int_equal(es_job_store_begin(w->a), ES_JOBS_OK);
    assert_int_equal(es_job_store_claim(w->a, SPOOL, "jobs-1", NOW + 9, LEASE, &one, &next), ES_JOBS_OK);
    assert_int_equal(es_job_store_claim(w->a, SPOOL, "jobs-1", NOW + 9, LEASE, &two, &next), ES_JOBS_OK);
    assert_int_equal(es_job_store_claim(w->a, SPOOL, "jobs-1", NOW + 9, LEASE, &none, &next), ES_JOBS_NONE);
    assert_int_equal(next, NOW + 9 + LEASE);
    assert_int_equal(es_job_store_commit(w->a), ES_JOBS_OK);
    assert_string_equal(one.id, id_of(1));
    assert_string_equal(two.id, id_of(2));
    es_job_fini(&one);
    es_job_fini(&two);
}

/* What one actor is about to take is left out, not waited for. A file has one writer at a time. */
static void a_claim_that_is_not_stored_yet_is_left_out(void **state)
{
    world_t *w = *state;
    es_job_t one, other;
    uint64_t next;
    if (!on_a_server()) skip();
    inserted(w->a, 1);
    inserted(w->a, 2);
    assert_int_equal(es_job_store_begin(w->a), ES_JOBS_OK);
    assert_int_equal(es_job_store_claim(w->a, SPOOL, "jobs-1", NOW + 9, LEASE, &one, &next), ES_JOBS_OK);
    assert_int_equal(claim_at(w->b, "jobs-2", NOW + 9, &other, &next), ES_JOBS_OK);
    assert_string_equal(other.id, id_of(2));
    es_job_fini(&other);
    assert_int_equal(claim_at(w->b, "jobs-2", NOW + 9, &other, &next), ES_JOBS_NONE);
    assert_true(next > NOW + 9 && next <= NOW + 9 + 1000);
    es_job_store_rollback(w->a);
    es_job_fini(&one);
    assert_int_equal(claim_at(w->b, "jobs-2", NOW + 9, &other, &next), ES_JOBS_OK);
    es_job_fini(&other);
}

/* ---- leases */

static void a_lease_that_runs_out_is_anothers(void **state)
{
    world_t *w = *state;
    es_job_t job;
    uint64_t next;
    inserted(w->a, 1);
    es_job_hold_t first = claimed_at(w->a, NOW + 10);
    GOES(w->a, final_of(w->a, &first, 0, 16000, "one"));
    assert_int_equal(claim_at(w->b, "jobs-2", NOW + 9 + LEASE, &job, &next), ES_JOBS_NONE);
    assert_int_equal(next, NOW + 10 + LEASE);
    GOES(w->a, es_job_store_renew(w->a, &first, NOW + 20 + LEASE));
    assert_int_equal(claim_at(w->b, "jobs-2", NOW + 19 + LEASE, &job, &next), ES_JOBS_NONE);
    assert_int_equal(claim_at(w->b, "jobs-2", NOW + 20 + LEASE, &job, &next), ES_JOBS_OK);
    assert_true(job.deaths == 1 && job.token == first.token + 1 && job.attempt == 1 && job.done == 16000);
    assert_true(job.state == ES_JOB_TRANSCRIBING && job.started_ms == NOW + 10);
    assert_string_equal(job.worker, "jobs-2");
    es_job_fini(&job);
    assert_int_equal(counted(w, "SELECT count(*) FROM history WHERE outcome = 'died' AND ended_ms > 0"), 1);
    assert_int_equal(counted(w, "SELECT count(*) FROM history WHERE outcome IS NULL AND ended_ms = 0"), 1);
}

static void analysis_goes_on_where_it_was(void **state)
{
    world_t *w = *state;
    es_job_t job;
    uint64_t next;
    brought_to(w->a, 1, ES_JOB_ANALYZING);
    assert_int_equal(claim_at(w->b, "jobs-2", NOW + 2 * LEASE, &job, &next), ES_JOBS_OK);
    assert_int_equal(job.state, ES_JOB_ANALYZING);
    es_job_fini(&job);
}

static void a_final_clears_the_deaths(void **state)
{
    world_t *w = *state;
    inserted(w->a, 1);
    for (unsigned i = 1; i <= 4; i++) claimed_at(w->a, NOW + i * 2 * LEASE);
    assert_int_equal(FIELD_OF(w->a, 1, deaths), 3);
    es_job_hold_t hold = claimed_at(w->a, NOW + 20 * LEASE);
    assert_int_equal(FIELD_OF(w->a, 1, deaths), 4);
    GOES(w->a, final_of(w->a, &hold, 0, 16000, "one"));
    assert_int_equal(FIELD_OF(w->a, 1, deaths), 0);
}

/* ---- fencing */

static es_jobs_result_t by_hold(es_job_store_t *s, const es_job_hold_t *hold, int which)
{
    switch (which) {
    case 0:
        return es_job_store_renew(s, hold, NOW + 99 * LEASE);
    case 1:
        return es_job_store_probed(s, hold, 1, "x", NOW);
    case 2:
        return es_job_store_note(s, hold, "x", NOW);
    case 3:
        return final_of(s, hold, 16000, 32000, "x");
    case 4:
        return final_of(s, hold, 0, 16000, "x");
    case 5:
        return es_job_store_transcribed(s, hold, NOW);
    case 6:
        return es_job_store_completed(s, hold, "x", NOW);
    case 7:
        return es_job_store_failed(s, hold, "x", NOW);
    case 8:
        return es_job_store_again(s, hold, "x", NOW, NOW);
    default:
        return es_job_store_again(s, hold, NULL, NOW, NOW);
    }
}

static void check_lost(world_t *w, const es_job_hold_t *hold)
{
    uint64_t version = FIELD_OF(w->a, 1, version), lease = FIELD_OF(w->a, 1, lease_until_ms);
    for (int which = 0; which < 10; which++) assert_int_equal(TURN(w->a, by_hold(w->a, hold, which)), ES_JOBS_LOST);
    assert_int_equal(FIELD_OF(w->a, 1, version), version);
    assert_int_equal(FIELD_OF(w->a, 1, lease_until_ms), lease);
}

static void who_was_replaced_changes_nothing(void **state)
{
    world_t *w = *state;
    inserted(w->a, 1);
    es_job_hold_t old = claimed_at(w->a, NOW + 10);
    GOES(w->a, final_of(w->a, &old, 0, 16000, "one"));
    es_job_hold_t new = claimed_at(w->b, NOW + 10 + LEASE);
    check_lost(w, &old);
    GOES(w->b, es_job_store_transcribed(w->b, &new, NOW));
    check_lost(w, &old);
    GOES(w->b, es_job_store_again(w->b, &new, NULL, NOW, NOW));
    check_lost(w, &old);
    es_job_hold_t third = claimed_at(w->b, NOW + 20);
    check_lost(w, &new);
    GOES(w->b, es_job_store_cancel(w->b, id_of(1), NOW, NULL));
    check_lost(w, &third);
    GOES(w->b, es_job_store_retry(w->b, id_of(1), 0, NOW, NULL));
    check_lost(w, &third);
    GOES(w->b, es_job_store_remove(w->b, id_of(1), NULL));
    for (int which = 0; which < 10; which++) assert_int_equal(TURN(w->a, by_hold(w->a, &third, which)), ES_JOBS_LOST);
}

/* ---- who comes back */

static void who_comes_back_gives_back(void **state)
{
    world_t *w = *state;
    es_job_t job;
    uint64_t next;
    size_t count = 9;
    inserted(w->a, 1);
    inserted(w->a, 2);
    inserted(w->a, 3);
    es_job_hold_t zombie = claimed_at(w->a, NOW + 10);
    assert_int_equal(claim_at(w->a, "jobs-2", NOW + 10, &job, &next), ES_JOBS_OK);
    es_job_fini(&job);
    GOES(w->b, es_job_store_reclaim(w->b, "spool-b", "jobs-1", NOW + 20, &count));
    assert_int_equal(count, 0);
    GOES(w->b, es_job_store_reclaim(w->b, SPOOL, "jobs-1", NOW + 20, &count));
    assert_int_equal(count, 1);
    check_lost(w, &zombie);
    job = got(w->a, 1);
    assert_true(job.state == ES_JOB_QUEUED && job.deaths == 1 && job.attempt == 1 && job.run_at_ms <= NOW + 20);
    es_job_fini(&job);
    assert_int_equal(FIELD_OF(w->a, 2, state), ES_JOB_TRANSCRIBING);
    assert_int_equal(counted(w, "SELECT count(*) FROM history WHERE outcome = 'died'"), 1);
    GOES(w->b, es_job_store_reclaim(w->b, SPOOL, "jobs-1", NOW + 20, NULL));
    es_job_hold_t again = claimed_at(w->a, NOW + 20);
    assert_string_equal(again.id, id_of(1));
}

static void a_job_that_bounces_keeps_a_short_history(void **state)
{
    world_t *w = *state;
    inserted(w->a, 1);
    for (int i = 0; i < 120; i++) {
        es_job_hold_t hold = claimed_at(w->a, NOW + 10);
        GOES(w->a, es_job_store_again(w->a, &hold, NULL, NOW, NOW));
    }
    by_hand(w, "UPDATE job SET version = 1000");
    for (int i = 0; i < 120; i++) {
        es_job_hold_t hold = claimed_at(w->a, NOW + 10);
        GOES(w->a, es_job_store_again(w->a, &hold, NULL, NOW, NOW));
    }
    assert_int_equal(counted(w, "SELECT count(*) FROM history"), 200);
    assert_int_equal(FIELD_OF(w->a, 1, attempt), 1);
}

/* ---- a race */

enum { RACE_JOBS = 1000, RACERS = 2, RACE_TURN = 7 };

typedef struct {
    es_job_store_t *store;
    pthread_barrier_t *start;
    char (*ids)[ES_JOB_ID_LEN + 1];
    unsigned count, down;
} racer_t;

/* A turn that is lost (the other one was in its way) is tried again, as the store's thread does. */
static bool race_turn(racer_t *racer)
{
    unsigned before = racer->count;
    es_jobs_result_t result = es_job_store_begin(racer->store);
    for (int i = 0; i < RACE_TURN && result == ES_JOBS_OK; i++) {
        es_job_t job;
        uint64_t next;
        result = es_job_store_claim(racer->store, SPOOL, "racer", NOW + RACE_JOBS, LEASE, &job, &next);
        if (result == ES_JOBS_OK) memcpy(racer->ids[racer->count++], job.id, sizeof job.id);
        es_job_fini(&job);
    }
    if (es_job_store_commit(racer->store) != ES_JOBS_OK) {
        racer->count = before;
        racer->down++;
        return true;
    }
    return result == ES_JOBS_OK;
}

static void *race(void *arg)
{
    racer_t *racer = arg;
    pthread_barrier_wait(racer->start);
    while (race_turn(racer)) {
    }
    return NULL;
}

static int by_id(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void two_race_and_each_job_is_claimed_once(void **state)
{
    static char ids[RACERS][RACE_JOBS + RACE_TURN][ES_JOB_ID_LEN + 1], all[RACERS * RACE_JOBS][ES_JOB_ID_LEN + 1];
    world_t *w = *state;
    pthread_barrier_t start;
    pthread_t threads[RACERS];
    racer_t racers[RACERS] = {{.store = w->a, .start = &start, .ids = ids[0]},
                              {.store = w->b, .start = &start, .ids = ids[1]}};
    unsigned count = 0;
    assert_int_equal(es_job_store_begin(w->a), ES_JOBS_OK);
    for (unsigned i = 0; i < RACE_JOBS; i++) {
        es_job_t job = job_of(i);
        assert_int_equal(es_job_store_insert(w->a, &job, NULL), ES_JOBS_OK);
    }
    assert_int_equal(es_job_store_commit(w->a), ES_JOBS_OK);
    pthread_barrier_init(&start, NULL, RACERS);
    for (int i = 0; i < RACERS; i++) pthread_create(&threads[i], NULL, race, &racers[i]);
    for (int i = 0; i < RACERS; i++) pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&start);
    for (int i = 0; i < RACERS; i++)
        for (unsigned k = 0; k < racers[i].count; k++) memcpy(all[count++], ids[i][k], sizeof all[0]);
    /* One that left out what the other had not stored yet ends early: the rest is the other's. */
    assert_int_equal(count, RACE_JOBS);
    qsort(all, count, sizeof all[0], by_id);
    for (unsigned i = 0; i < count; i++) assert_string_equal(all[i], id_of(i));
    assert_int_equal(counted(w, "SELECT count(*) FROM job WHERE state = 1 AND token = 1"), RACE_JOBS);
    assert_int_equal(counted(w, "SELECT count(*) FROM history"), RACE_JOBS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(by_priority_then_time_then_age),
        TEST(a_spool_has_its_own_jobs),
        TEST(several_in_one_turn_are_different),
        TEST(a_claim_that_is_not_stored_yet_is_left_out),
        TEST(a_lease_that_runs_out_is_anothers),
        TEST(analysis_goes_on_where_it_was),
        TEST(a_final_clears_the_deaths),
        TEST(who_was_replaced_changes_nothing),
        TEST(who_comes_back_gives_back),
        TEST(a_job_that_bounces_keeps_a_short_history),
        TEST(two_race_and_each_job_is_claimed_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
