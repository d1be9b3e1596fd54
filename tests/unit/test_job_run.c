/* What a run says and does in single cases; tests/sim runs it through faults. Virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alloc.h"
#include "job_run.h"

#define MS(n) ((uint64_t)(n)*1000u)
#define SECONDS(n) ((uint64_t)(n)*1000000u)
#define FRAME 1600u
#define INC 77u

typedef struct {
    es_job_run_t *run;
    es_job_house_t house;
    es_job_now_t now;
    es_job_t job;    /* as stored */
    char told[2048]; /* what it asked for, in order */
    char key[20];
    uint64_t epoch, seq; /* of the last frame */
    int keys, reads;
    es_job_write_t *const *writes;
    es_job_write_t *batch[ES_RUN_BATCH];
    size_t n_writes;
} world_t;

static void tell(world_t *w, const char *what, const char *more)
{
    size_t at = strlen(w->told);
    snprintf(w->told + at, sizeof w->told - at, "%s%s%s", at ? " " : "", what, more);
}

static void on_decode(void *ctx, uint64_t from, uint64_t limit)
{
    char text[32];
    (void)limit;
    snprintf(text, sizeof text, "%d", (int)from);
    tell(ctx, "decode@", text);
}

static void on_listen(void *ctx, bool on)
{
    tell(ctx, on ? "listen" : "pause", "");
}

static void on_stop_decoding(void *ctx)
{
    tell(ctx, "stop", "");
}

static void on_send(void *ctx, es_span_t key, const es_msg_t *msg, const void *body, size_t len)
{
    world_t *w = ctx;
    (void)key;
    (void)body;
    (void)len;
    if (msg->kind == ES_CLOSE) tell(w, "close", "");
    if (msg->kind != ES_FRAME) return;
    w->epoch = msg->epoch;
    w->seq = msg->seq;
}

static void on_draw_key(void *ctx, char key[ES_CLIENT_ID_LEN + 1])
{
    world_t *w = ctx;
    snprintf(w->key, sizeof w->key, "%016x", (unsigned)++w->keys);
    memcpy(key, w->key, ES_CLIENT_ID_LEN + 1);
}

static void on_write(void *ctx, es_job_write_t *const *writes, size_t n)
{
    static const char *const names[ES_WRITE_KINDS] = {"renew",       "probed",    "note",   "final",
                                                      "transcribed", "completed", "failed", "again"};
    world_t *w = ctx;
    assert_int_equal(w->n_writes, 0);
    memcpy(w->batch, writes, n * sizeof *writes);
    w->n_writes = n;
    for (size_t i = 0; i < n; i++) tell(w, names[writes[i]->kind], "");
}

static void on_read(void *ctx)
{
    tell(ctx, "read", "");
}

static void on_news(void *ctx, const es_job_t *job, const char *type, es_span_t text)
{
    char more[64];
    snprintf(more, sizeof more, "(%s%s%.*s)", es_job_state_name(job->state), text.len ? ": " : "", (int)text.len,
             text.len ? text.ptr : "");
    tell(ctx, type, more);
}

static uint64_t on_chance(void *ctx)
{
    (void)ctx;
    return 0;
}

static void on_over(void *ctx, const char *why)
{
    tell(ctx, "over:", why);
}

static const es_job_run_ops_t ops = {.decode = on_decode,
                                     .listen = on_listen,
                                     .stop_decoding = on_stop_decoding,
                                     .send = on_send,
                                     .draw_key = on_draw_key,
                                     .write = on_write,
                                     .read = on_read,
                                     .news = on_news,
                                     .chance = on_chance,
                                     .over = on_over};

static void begin(world_t *w, es_job_state_t state)
{
    const es_job_run_config_t config = {
        .stall_us = SECONDS(60), .lease_us = SECONDS(15), .max_samples = 160000, .house = &w->house};
    es_job_t job = w->job;
    job.state = w->job.state = state;
    job.format = NULL;
    es_job_set(&job.format, w->job.format);
    w->run = es_job_run_new(&config, &ops, w, &job, w->now);
}

static int setup(void **state)
{
    world_t *w = calloc(1, sizeof *w);
    w->now = (es_job_now_t){.us = SECONDS(100), .ms = 1000000};
    w->house = (es_job_house_t){.reachable = true, .analysis_wait_us = SECONDS(30)};
    w->job = (es_job_t){.attempts = 2, .attempt = 1, .token = 1, .has_audio = true};
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    world_t *w = *state;
    es_job_run_destroy(&w->run);
    es_job_fini(&w->job);
    free(w);
    return 0;
}

static void pass(world_t *w, uint64_t us)
{
    w->now.us += us;
    w->now.ms += us / 1000;
    es_job_run_tick(w->run, w->now);
}

/* What was asked for since, and forgets it. */
static const char *told(world_t *w)
{
    static char text[sizeof w->told];
    memcpy(text, w->told, sizeof text);
    w->told[0] = '\0';
    return text;
}

/* The store does what the run asked for. */
static void store(world_t *w, es_jobs_result_t result, es_job_state_t state)
{
    es_job_t fresh = w->job;
    fresh.format = fresh.note = fresh.error = NULL;
    for (size_t i = 0; i < w->n_writes && result == ES_JOBS_OK; i++) {
        const es_job_write_t *write = w->batch[i];
        if (write->kind == ES_WRITE_PROBED) {
            w->job.duration = fresh.duration = write->value;
            es_job_set(&w->job.format, write->text);
        }
        if (write->kind == ES_WRITE_FINAL) w->job.done = fresh.done = write->segment.to;
        if (write->kind == ES_WRITE_NOTE) es_job_set(&fresh.note, write->text);
    }
    fresh.state = w->job.state = state;
    es_job_set(&fresh.format, w->job.format);
    w->n_writes = 0;
    es_job_run_written(w->run, result, &fresh, w->now);
    es_job_fini(&fresh);
}

static const char *first_text(const world_t *w)
{
    assert_true(w->n_writes > 0 && w->batch[w->n_writes - 1]->text);
    return w->batch[w->n_writes - 1]->text;
}

static void audio(world_t *w, uint64_t from, int frames)
{
    static const int16_t samples[FRAME];
    for (int i = 0; i < frames; i++) es_job_run_audio(w->run, from + (uint64_t)i * FRAME, samples, FRAME, w->now);
}

static void answer_through(world_t *w, bool own, es_kind_t kind, uint64_t from, uint64_t to, const char *text,
                           const char *body)
{
    es_msg_t msg = {.kind = kind, .epoch = w->epoch, .seq = to};
    ES_SET(&msg, ES_M_INC, inc, INC);
    ES_SET(&msg, ES_M_EXPECTED, expected, to + 1);
    ES_SET(&msg, ES_M_COMMITTED, committed, to);
    ES_SET(&msg, ES_M_FROM, from_seq, from);
    ES_SET(&msg, ES_M_TO, to_seq, to);
    if (text) ES_SET(&msg, ES_M_TEXT, text, es_span(text));
    es_job_run_receive(w->run, own, &msg, body, body ? strlen(body) : 0, w->now);
}

static void answer(world_t *w, es_kind_t kind, uint64_t from, uint64_t to, const char *text, const char *body)
{
    answer_through(w, true, kind, from, to, text, body);
}

static void wait_place(world_t *w, uint64_t place)
{
    es_msg_t msg = {.kind = ES_WAIT, .epoch = w->epoch};
    ES_SET(&msg, ES_M_PLACE, place, place);
    es_job_run_receive(w->run, true, &msg, NULL, 0, w->now);
}

/* Up to where the words are stored and the transcript is read for the analysis. */
static void hear_all(world_t *w)
{
    begin(w, ES_JOB_TRANSCRIBING);
    es_job_run_info(w->run, 2 * FRAME, es_span("WAV"), w->now);
    audio(w, 0, 2);
    es_job_run_decoded(w->run, 2 * FRAME, (es_span_t){0}, w->now);
    answer(w, ES_FINAL, 1, 3, "hello", NULL);
}

static void analyse(world_t *w)
{
    hear_all(w);
    store(w, ES_JOBS_OK, ES_JOB_ANALYZING);
    told(w);
    es_job_run_document(w->run, ES_JOBS_OK, es_alloc_copy("{}", 2), 2, w->now);
}

/* ---- */

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
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
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
        T(an_attempt_fails_and_the_last_one_for_good),
        T(what_no_attempt_can_mend_fails_at_once),
        T(who_kills_all_that_hear_it_is_parked),
        T(waiting_is_noted_and_is_no_stall),
        T(what_stalls_fails_the_attempt),
        T(without_an_analysis_actor_it_is_completed),
        T(where_the_analysis_actor_goes_it_is_waited_for),
        T(an_analysis_that_fails_costs_attempts_but_no_words),
        T(a_store_that_cannot_be_read_is_read_later),
        T(it_is_renewed_while_it_lasts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
