/* What a run does where an attempt fails, where it waits or stalls, and where nobody analyses. */
#include "job_run_world.h"

static void wait_place(world_t *w, uint64_t place)
{
    es_msg_t msg = {.kind = ES_WAIT, .epoch = w->epoch};
    ES_SET(&msg, ES_M_PLACE, place, place);
    es_job_run_receive(w->run, true, &msg, NULL, 0, w->now);
}

static void analyse(world_t *w)
{
    hear_all(w);
    store(w, ES_JOBS_OK, ES_JOB_ANALYZING);
    told(w);
    es_job_run_document(w->run, ES_JOBS_OK, es_alloc_copy("{}", 2), 2, w->now);
}

static void an_attempt_fails_and_the_last_one_for_good(void **state)
{
    world_t *w = *state;
    begin(w, ES_JOB_TRANSCRIBING);
    es_job_run_undecodable(w->run, false, es_span("It died."), w->now);
    assert_int_equal(w->batch[0]->kind, ES_WRITE_AGAIN);
    assert_int_equal(w->batch[0]->value, w->now.ms + 5000);
    store(w, ES_JOBS_OK, ES_JOB_QUEUED);
    es_job_run_destroy(&w->run);
    w->job.attempt = 2;
    begin(w, ES_JOB_TRANSCRIBING);
    es_job_run_undecodable(w->run, false, es_span("It died."), w->now);
    assert_int_equal(w->batch[0]->kind, ES_WRITE_FAILED);
    assert_string_equal(first_text(w), "It died.");
}

static void what_no_attempt_can_mend_fails_at_once(void **state)
{
    world_t *w = *state;
    begin(w, ES_JOB_TRANSCRIBING);
    es_job_run_undecodable(w->run, true, es_span("This is text."), w->now);
    assert_int_equal(w->batch[0]->kind, ES_WRITE_FAILED);
    store(w, ES_JOBS_OK, ES_JOB_FAILED);
    es_job_run_destroy(&w->run);
    begin(w, ES_JOB_TRANSCRIBING);
    es_job_run_info(w->run, 160001, es_span("WAV"), w->now);
    assert_string_equal(first_text(w), "The recording lasts 0:00:10 h; at most 0:00:10 h are taken (--max-duration).");
    es_job_run_stats_t stats;
    es_job_run_stats(w->run, &stats);
    assert_true(stats.too_long);
    store(w, ES_JOBS_OK, ES_JOB_FAILED);
    es_job_run_destroy(&w->run);
    begin(w, ES_JOB_TRANSCRIBING);
    es_job_run_decoded(w->run, 0, (es_span_t){0}, w->now);
    assert_string_equal(first_text(w), "The recording has no sound in it.");
}

static void who_kills_all_that_hear_it_is_parked(void **state)
{
    world_t *w = *state;
    begin(w, ES_JOB_TRANSCRIBING);
    audio(w, 0, 1);
    es_msg_t msg = {.kind = ES_REFUSED, .epoch = w->epoch};
    ES_SET(&msg, ES_M_REASON, reason, es_span("10 workers died of it"));
    es_job_run_receive(w->run, true, &msg, NULL, 0, w->now);
    assert_int_equal(w->batch[0]->kind, ES_WRITE_FAILED);
    assert_string_equal(first_text(w), "Its audio ends the transcribers that get it: 10 workers died of it");
    store(w, ES_JOBS_OK, ES_JOB_FAILED);
    es_job_run_destroy(&w->run);
    w->job.deaths = ES_JOB_DEATHS_MAX;
    told(w);
    begin(w, ES_JOB_TRANSCRIBING);
    assert_string_equal(told(w), "job.progress(TRANSCRIBING) failed");
}

static void waiting_is_noted_and_is_no_stall(void **state)
{
    world_t *w = *state;
    begin(w, ES_JOB_TRANSCRIBING);
    audio(w, 0, 1);
    wait_place(w, 3);
    pass(w, MS(999));
    assert_int_equal(w->n_writes, 0);
    pass(w, MS(1));
    assert_string_equal(first_text(w), "waits for a transcriber, place 3");
    store(w, ES_JOBS_OK, ES_JOB_TRANSCRIBING);
    for (int i = 0; i < 100; i++) {
        pass(w, SECONDS(3));
        if (w->n_writes > 0) store(w, ES_JOBS_OK, ES_JOB_TRANSCRIBING); /* it is renewed */
    }
    assert_int_equal(es_job_run_job(w->run)->state, ES_JOB_TRANSCRIBING);
    assert_null(strstr(told(w), "again"));
}

static void what_stalls_fails_the_attempt(void **state)
{
    world_t *w = *state;
    begin(w, ES_JOB_TRANSCRIBING);
    audio(w, 0, 1);
    w->house.reachable = false;
    for (int i = 0; i < 100; i++) {
        pass(w, SECONDS(3));
        if (w->n_writes > 0) store(w, ES_JOBS_OK, ES_JOB_TRANSCRIBING);
    }
    assert_null(strstr(told(w), "again")); /* no broker: nobody's fault */
    w->house.reachable = true;
    uint64_t from = w->now.us;
    while (!strstr(w->told, "again")) {
        pass(w, SECONDS(1));
        bool over = strstr(w->told, "again") != NULL;
        if (w->n_writes > 0 && !over) store(w, ES_JOBS_OK, ES_JOB_TRANSCRIBING);
    }
    assert_in_range(w->now.us - from, SECONDS(55), SECONDS(65));
    assert_string_equal(first_text(w), "Nothing came of it for 60 s: neither its decoder nor its transcriber gets on.");
}

static void without_an_analysis_actor_it_is_completed(void **state)
{
    world_t *w = *state;
    w->house.no_analysis = true;
    hear_all(w);
    assert_non_null(strstr(told(w), "final transcribed completed"));
    assert_string_equal(first_text(w),
                        "{\"error\":{\"code\":\"no_analysis_actor\",\"message\":\"No analysis actor was there "
                        "for 30 s.\"}}");
    store(w, ES_JOBS_OK, ES_JOB_COMPLETED);
    assert_string_equal(told(w), "job.completed(COMPLETED: hello) over:COMPLETED");
}

static void where_the_analysis_actor_goes_it_is_waited_for(void **state)
{
    world_t *w = *state;
    analyse(w);
    wait_place(w, 1);
    pass(w, SECONDS(1));
    assert_string_equal(first_text(w), "waits for an analysis actor, place 1");
    store(w, ES_JOBS_OK, ES_JOB_ANALYZING);
    w->house.no_analysis = true;
    told(w);
    pass(w, SECONDS(1));
    assert_string_equal(told(w), "close completed");
}

static void an_analysis_that_fails_costs_attempts_but_no_words(void **state)
{
    world_t *w = *state;
    analyse(w);
    es_msg_t msg = {.kind = ES_FINAL, .epoch = w->epoch, .seq = 2};
    ES_SET(&msg, ES_M_INC, inc, INC);
    ES_SET(&msg, ES_M_EXPECTED, expected, 3);
    ES_SET(&msg, ES_M_COMMITTED, committed, 2);
    ES_SET(&msg, ES_M_FROM, from_seq, 1);
    ES_SET(&msg, ES_M_TO, to_seq, 2);
    ES_SET(&msg, ES_M_FLAGS, flags, ES_F_FAILED);
    ES_SET(&msg, ES_M_REASON, reason, es_span("no memory"));
    told(w);
    es_job_run_receive(w->run, true, &msg, NULL, 0, w->now);
    assert_string_equal(told(w), "close again");
    assert_string_equal(first_text(w), "The analysis failed: no memory");
    store(w, ES_JOBS_OK, ES_JOB_QUEUED);
    es_job_run_destroy(&w->run);
    es_job_fini(&w->job);
    w->job = (es_job_t){.attempts = 2, .attempt = 2, .token = 2};
    analyse(w);
    answer(w, ES_FINAL, 1, 2, NULL, "[1]");
    assert_string_equal(
        first_text(w), "{\"error\":{\"code\":\"analysis_failed\",\"message\":\"The analysis failed: what came of it is "
                       "no JSON object, or too long.\"}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(an_attempt_fails_and_the_last_one_for_good),
        T(what_no_attempt_can_mend_fails_at_once),
        T(who_kills_all_that_hear_it_is_parked),
        T(waiting_is_noted_and_is_no_stall),
        T(what_stalls_fails_the_attempt),
        T(without_an_analysis_actor_it_is_completed),
        T(where_the_analysis_actor_goes_it_is_waited_for),
        T(an_analysis_that_fails_costs_attempts_but_no_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
