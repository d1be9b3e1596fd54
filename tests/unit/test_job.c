/* actors/jobs/job.c: the table of states, progress that never goes back, and how long to wait. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "job.h"

static void states_have_names(void **state)
{
    static const char *const names[] = {"QUEUED", "TRANSCRIBING", "ANALYZING", "COMPLETED", "FAILED", "CANCELLED"};
    (void)state;
    for (int i = 0; i < ES_JOB_STATES; i++) {
        assert_string_equal(es_job_state_name((es_job_state_t)i), names[i]);
        assert_int_equal(es_job_state_of(es_span(names[i])), i);
    }
    assert_int_equal(es_job_state_of(es_span("queued")), -1);
    assert_int_equal(es_job_state_of(es_span("")), -1);
    assert_int_equal(es_job_state_of(es_span("QUEUEDX")), -1);
    assert_string_equal(es_job_state_name((es_job_state_t)99), "UNKNOWN");
}

static void one_table_moves_them(void **state)
{
    /* rows: from, columns: to; QUEUED, TRANSCRIBING, ANALYZING, COMPLETED, FAILED, CANCELLED */
    static const char *const may[] = {".t..fc", "q.a.fc", "q..dfc", "......", "q.....", "q....."};
    (void)state;
    for (int from = 0; from < ES_JOB_STATES; from++)
        for (int to = 0; to < ES_JOB_STATES; to++)
            if (es_job_may((es_job_state_t)from, (es_job_state_t)to) != (may[from][to] != '.'))
                fail_msg("%s -> %s", es_job_state_name((es_job_state_t)from), es_job_state_name((es_job_state_t)to));
    assert_false(es_job_may((es_job_state_t)6, ES_JOB_QUEUED));
    assert_false(es_job_may(ES_JOB_QUEUED, (es_job_state_t)-1));
    for (int i = 0; i < ES_JOB_STATES; i++) assert_int_equal(es_job_over((es_job_state_t)i), i >= ES_JOB_COMPLETED);
}

static void progress_never_goes_back(void **state)
{
    es_job_t job = {.state = ES_JOB_QUEUED};
    (void)state;
    assert_int_equal(es_job_progress(&job), 0);
    job.duration = UINT64_C(16000) * 36000;
    uint32_t last = 0;
    for (job.done = 0; job.done < job.duration; job.done += 1234567) {
        job.state = ES_JOB_TRANSCRIBING;
        uint32_t now = es_job_progress(&job);
        assert_true(now >= last && now < 99000);
        last = now;
        job.state = ES_JOB_QUEUED;
        assert_int_equal(es_job_progress(&job), now);
        job.state = ES_JOB_FAILED;
        assert_int_equal(es_job_progress(&job), now);
    }
    job.done = job.duration;
    job.state = ES_JOB_ANALYZING;
    assert_int_equal(es_job_progress(&job), 99000);
    job.state = ES_JOB_QUEUED;
    assert_int_equal(es_job_progress(&job), 99000);
    job.done = job.duration * 2; /* the header of the file said less */
    assert_int_equal(es_job_progress(&job), 99000);
    job.state = ES_JOB_COMPLETED;
    assert_int_equal(es_job_progress(&job), 100000);
}

static void silence_of_no_length_is_done_at_the_end(void **state)
{
    es_job_t job = {.state = ES_JOB_ANALYZING};
    (void)state;
    uint32_t analyzing = es_job_progress(&job);
    job.state = ES_JOB_QUEUED;
    assert_true(es_job_progress(&job) >= analyzing);
    job.state = ES_JOB_COMPLETED;
    assert_int_equal(es_job_progress(&job), 100000);
}

static void waits_double_up_to_ten_minutes(void **state)
{
    static const uint64_t waits_ms[] = {5000,   5000,   10000,  20000,  40000,  80000,
                                        160000, 320000, 600000, 600000, 600000, 600000};
    (void)state;
    for (uint32_t attempt = 0; attempt < sizeof waits_ms / sizeof *waits_ms; attempt++) {
        assert_int_equal(es_job_backoff_ms(attempt, 0), waits_ms[attempt]);
        for (uint64_t chance = 1; chance != 0; chance <<= 1) {
            uint64_t wait = es_job_backoff_ms(attempt, chance - 1);
            assert_true(wait >= waits_ms[attempt] && wait <= waits_ms[attempt] / 5 * 6);
        }
    }
    assert_int_equal(es_job_backoff_ms(1, 1000), 6000);
    assert_int_equal(es_job_backoff_ms(UINT32_MAX, 0), 600000);
}

static void fields_are_owned(void **state)
{
    es_job_t job = {.state = ES_JOB_FAILED, .version = 7};
    char text[] = "a.wav";
    (void)state;
    es_job_set(&job.file_name, text);
    text[0] = 'b';
    assert_string_equal(job.file_name, "a.wav");
    es_job_set(&job.file_name, job.file_name);
    assert_string_equal(job.file_name, "a.wav");
    es_job_set(&job.file_name, NULL);
    assert_null(job.file_name);
    es_job_set(&job.session, "s");
    es_job_set(&job.analysis, "{}");
    es_job_fini(&job);
    assert_null(job.session);
    assert_int_equal(job.version, 0);
    es_job_fini(&job);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states_have_names),
        cmocka_unit_test(one_table_moves_them),
        cmocka_unit_test(progress_never_goes_back),
        cmocka_unit_test(silence_of_no_length_is_done_at_the_end),
        cmocka_unit_test(waits_double_up_to_ten_minutes),
        cmocka_unit_test(fields_are_owned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
