/* actors/jobs/job_store.h over both databases. */
#include "job_store_world.h"

static void a_job_is_kept(void **state)
{
    world_t *w = *state;
    es_job_t job;
    inserted(w->a, 1);
    assert_int_equal(TURN(w->b, es_job_store_get(w->b, id_of(1), &job)), ES_JOBS_OK);
    assert_string_equal(job.id, id_of(1));
    assert_string_equal(job.file_name, "Talk.wav");
    assert_int_equal(job.state, ES_JOB_QUEUED);
    es_job_fini(&job);
    assert_int_equal(TURN(w->b, es_job_store_get(w->b, id_of(2), &job)), ES_JOBS_NONE);
}

static void a_job_is_claimed_and_done(void **state)
{
    world_t *w = *state;
    es_job_t job;
    uint64_t next;
    inserted(w->a, 1);
    assert_int_equal(TURN(w->a, es_job_store_claim(w->a, SPOOL, "jobs-1", NOW + 5, LEASE, &job, &next)), ES_JOBS_OK);
    assert_int_equal(job.state, ES_JOB_TRANSCRIBING);
    es_job_hold_t hold = {.token = job.token};
    memcpy(hold.id, job.id, sizeof hold.id);
    es_job_fini(&job);
    es_job_segment_t segment = {.from = 0, .to = 16000, .start = 100, .end = 15000, .text = es_span("hello")};
    assert_int_equal(TURN(w->a, es_job_store_final(w->a, &hold, &segment, es_span("cp"), NOW)), ES_JOBS_OK);
    assert_int_equal(TURN(w->a, es_job_store_transcribed(w->a, &hold, NOW)), ES_JOBS_OK);
    assert_int_equal(TURN(w->a, es_job_store_completed(w->a, &hold, "{}", NOW)), ES_JOBS_OK);
    assert_int_equal(TURN(w->b, es_job_store_get(w->b, id_of(1), &job)), ES_JOBS_OK);
    assert_int_equal(job.state, ES_JOB_COMPLETED);
    assert_int_equal(job.duration, 16000);
    es_job_fini(&job);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_job_is_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(a_job_is_claimed_and_done, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
