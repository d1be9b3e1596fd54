/* What a run says and does in single cases. What fails or waits is test_job_run_failures.c. */
#include "job_run_world.h"

static void a_job_goes_well(void **state)
{
    world_t *w = *state;
    hear_all(w);
    assert_string_equal(told(w), "job.progress(TRANSCRIBING) decode@0 close probed final transcribed");
    store(w, ES_JOBS_OK, ES_JOB_ANALYZING);
    assert_string_equal(told(w), "job.progress(ANALYZING: hello) read");
    es_job_run_document(w->run, ES_JOBS_OK, es_alloc_copy("{}", 2), 2, w->now);
    answer(w, ES_FINAL, 1, 2, NULL, "{\"words\":1}");
    assert_string_equal(told(w), "close completed");
    assert_string_equal(first_text(w), "{\"words\":1}");
    store(w, ES_JOBS_OK, ES_JOB_COMPLETED);
    assert_string_equal(told(w), "job.completed(COMPLETED) over:COMPLETED");
}

static void what_a_file_is_waits_a_moment_for_its_words(void **state)
{
    world_t *w = *state;
    begin(w, ES_JOB_TRANSCRIBING);
    es_job_run_info(w->run, 2 * FRAME, es_span("WAV"), w->now);
    told(w);
    pass(w, MS(49));
    assert_string_equal(told(w), "");
    pass(w, MS(1));
    assert_string_equal(told(w), "probed");
    assert_int_equal(w->batch[0]->value, 2 * FRAME);
}

static void it_goes_on_where_it_stood(void **state)
{
    world_t *w = *state;
    w->job.done = 10 * FRAME;
    w->job.duration = 20 * FRAME;
    es_job_set(&w->job.format, "WAV");
    begin(w, ES_JOB_TRANSCRIBING);
    assert_string_equal(told(w), "job.progress(TRANSCRIBING) decode@16000");
    audio(w, 10 * FRAME, 1);
    assert_int_equal(w->seq, 11); /* numbered as in an undisturbed run */
    audio(w, 12 * FRAME, 1);
    assert_string_equal(told(w), "stop close again");
    assert_string_equal(first_text(w), "The process that decodes the file left something out.");
}

static void what_is_heard_out_is_not_heard_again(void **state)
{
    world_t *w = *state;
    w->job.done = w->job.duration = 10 * FRAME;
    begin(w, ES_JOB_TRANSCRIBING);
    assert_string_equal(told(w), "job.progress(TRANSCRIBING) transcribed");
    store(w, ES_JOBS_OK, ES_JOB_ANALYZING);
    assert_string_equal(told(w), "job.progress(ANALYZING) read");
}

static void audio_waits_while_nothing_can_be_stored(void **state)
{
    world_t *w = *state;
    begin(w, ES_JOB_TRANSCRIBING);
    audio(w, 0, 2);
    answer(w, ES_FINAL, 1, 1, "one", NULL);
    told(w);
    store(w, ES_JOBS_DOWN, ES_JOB_TRANSCRIBING);
    assert_string_equal(told(w), "pause");
    answer(w, ES_FINAL, 2, 2, "two", NULL);
    for (int i = 0; i < 1000; i++) pass(w, MS(100)); /* much longer than a stall, and nobody is blamed */
    assert_non_null(strstr(told(w), "final final")); /* both, in their order */
    store(w, ES_JOBS_OK, ES_JOB_TRANSCRIBING);
    assert_non_null(strstr(told(w), "job.progress(TRANSCRIBING: one two)"));
    assert_int_equal(w->job.done, 2 * FRAME);
}

static void words_come_through_the_broker_of_the_stream_alone(void **state)
{
    world_t *w = *state;
    begin(w, ES_JOB_TRANSCRIBING);
    audio(w, 0, 2);
    told(w);
    answer_through(w, false, ES_FINAL, 1, 1, "lies", NULL);
    pass(w, MS(50));
    assert_string_equal(told(w), "");
    answer(w, ES_FINAL, 1, 1, "one", NULL);
    pass(w, MS(50));
    assert_string_equal(told(w), "final");
    assert_string_equal(first_text(w), "one");
}

static void who_lost_it_says_nothing_more(void **state)
{
    world_t *w = *state;
    begin(w, ES_JOB_TRANSCRIBING);
    audio(w, 0, 2);
    answer(w, ES_FINAL, 1, 1, "one", NULL);
    told(w);
    store(w, ES_JOBS_LOST, ES_JOB_TRANSCRIBING);
    assert_string_equal(told(w), "stop close over:lost");
}

static void what_is_cancelled_stops_at_once(void **state)
{
    world_t *w = *state;
    begin(w, ES_JOB_TRANSCRIBING);
    audio(w, 0, 2);
    answer(w, ES_FINAL, 1, 1, "one", NULL);
    told(w);
    es_job_run_drop(w->run, w->now);
    assert_string_equal(told(w), "stop close");
    store(w, ES_JOBS_OK, ES_JOB_CANCELLED);
    assert_string_equal(told(w), "over:lost"); /* once nothing is on its way */
}

static void what_is_released_keeps_its_attempt(void **state)
{
    world_t *w = *state;
    begin(w, ES_JOB_TRANSCRIBING);
    audio(w, 0, 2);
    told(w);
    es_job_run_release(w->run, w->now);
    assert_string_equal(told(w), "stop close again");
    assert_null(w->batch[0]->text);
    assert_int_equal(w->batch[0]->value, w->now.ms);
    store(w, ES_JOBS_OK, ES_JOB_QUEUED);
    assert_string_equal(told(w), "job.queued(QUEUED) over:QUEUED");
}

static void a_store_that_cannot_be_read_is_read_later(void **state)
{
    world_t *w = *state;
    hear_all(w);
    store(w, ES_JOBS_OK, ES_JOB_ANALYZING);
    told(w);
    es_job_run_document(w->run, ES_JOBS_DOWN, NULL, 0, w->now);
    assert_string_equal(told(w), "");
    pass(w, MS(500));
    assert_string_equal(told(w), "read");
}

static void it_is_renewed_while_it_lasts(void **state)
{
    world_t *w = *state;
    begin(w, ES_JOB_TRANSCRIBING);
    told(w);
    pass(w, SECONDS(5));
    assert_string_equal(told(w), "renew");
    assert_int_equal(w->batch[0]->value, 15000);
    pass(w, SECONDS(5)); /* the first is still on its way */
    assert_string_equal(told(w), "");
    store(w, ES_JOBS_OK, ES_JOB_TRANSCRIBING);
    assert_string_equal(told(w), ""); /* no news */
    pass(w, SECONDS(5));
    assert_string_equal(told(w), "renew");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_job_goes_well),
        T(what_a_file_is_waits_a_moment_for_its_words),
        T(it_goes_on_where_it_stood),
        T(what_is_heard_out_is_not_heard_again),
        T(audio_waits_while_nothing_can_be_stored),
        T(who_lost_it_says_nothing_more),
        T(words_come_through_the_broker_of_the_stream_alone),
        T(what_is_cancelled_stops_at_once),
        T(what_is_released_keeps_its_attempt),
        T(a_store_that_cannot_be_read_is_read_later),
        T(it_is_renewed_while_it_lasts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
