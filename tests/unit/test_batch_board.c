#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alloc.h"
#include "batch_bars.h"
#include "batch_board.h"
#include "envelope.h"

static int setup(void **state)
{
    *state = es_alloc_zero(sizeof(es_batch_board_t));
    return 0;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

/* An event of job `id`. */
static es_batch_job_t *event(es_batch_board_t *board, const char *type, const char *id, unsigned version,
                             const char *status, double progress, const char *text)
{
    json_t *payload =
        json_pack("{s:s,s:{s:s,s:s,s:f,s:i,s:s,s:i,s:i}}", "job_id", id, "job", "jobId", id, "status", status,
                  "progress", progress, "version", (int)version, "fileName", "talk.wav", "attempt", 1, "attempts", 3);
    if (text) json_object_set_new(payload, "text", json_string(text));
    es_batch_job_t *job = es_batch_board_event(board, type, payload);
    json_decref(payload);
    return job;
}

static void test_news_and_what_is_late(void **state)
{
    es_batch_board_t *board = *state;
    assert_true(es_batch_board_add(board, "a", "a.wav"));
    assert_true(es_batch_board_add(board, "a", "a.wav"));
    assert_int_equal(board->count, 1);
    assert_non_null(event(board, "job.progress", "a", 5, "TRANSCRIBING", 40, "one"));
    assert_null(event(board, "job.progress", "a", 5, "TRANSCRIBING", 40, "one"));
    assert_null(event(board, "job.queued", "a", 3, "QUEUED", 0, NULL));
    es_batch_job_t *job = event(board, "job.progress", "a", 6, "QUEUED", 10, "two"); /* an attempt failed */
    assert_non_null(job);
    assert_string_equal(job->status, "QUEUED");
    assert_true(job->progress > 39.9 && job->progress < 40.1);
    assert_string_equal(job->words, "one two");
    assert_string_equal(job->file, "talk.wav");
    assert_null(event(board, "job.progress", "b", 1, "QUEUED", 0, NULL));
    assert_null(event(board, "room.message", "a", 9, "QUEUED", 0, NULL));
    assert_false(es_batch_board_over(board));
}

static void test_ends(void **state)
{
    es_batch_board_t *board = *state;
    assert_true(es_batch_board_over(board) && es_batch_board_good(board));
    es_batch_board_add(board, "a", NULL);
    es_batch_board_add(board, "b", NULL);
    event(board, "job.completed", "a", 2, "COMPLETED", 100, NULL);
    assert_false(es_batch_board_over(board));
    event(board, "job.completed", "b", 2, "COMPLETED", 100, NULL);
    assert_true(es_batch_board_over(board) && es_batch_board_good(board));
    assert_non_null(event(board, "job.deleted", "b", 0, "", 0, NULL));
    assert_null(event(board, "job.deleted", "b", 0, "", 0, NULL));
    assert_true(es_batch_board_over(board) && !es_batch_board_good(board));
    event(board, "job.failed", "a", 3, "FAILED", 100, NULL);
    assert_false(es_batch_board_good(board));
}

static void test_an_open_board_takes_all(void **state)
{
    es_batch_board_t *board = *state;
    char id[16];
    for (unsigned i = 0; i < ES_BATCH_JOBS_MAX; i++) {
        snprintf(id, sizeof id, "%u", i);
        assert_true(es_batch_board_add(board, id, NULL));
    }
    assert_false(es_batch_board_add(board, "more", NULL));
    board->open = true;
    assert_null(event(board, "job.progress", "more", 1, "QUEUED", 0, NULL)); /* all run */
    event(board, "job.completed", "7", 1, "COMPLETED", 100, NULL);
    assert_non_null(event(board, "job.progress", "more", 1, "QUEUED", 0, NULL));
    assert_int_equal(board->count, ES_BATCH_JOBS_MAX);
    assert_null(
        event(board, "job.completed", "7", 1, "COMPLETED", 100, NULL)); /* it gave way, and nobody else is over */
}

static void test_damaged_events(void **state)
{
    static const char *const texts[] = {"{}",
                                        "{\"job_id\":1}",
                                        "{\"job_id\":\"a\"}",
                                        "{\"job_id\":\"a\",\"job\":7}",
                                        "{\"job_id\":\"a\",\"job\":{}}",
                                        "{\"job_id\":\"a\",\"job\":{\"jobId\":7}}"};
    es_batch_board_t *board = *state;
    es_batch_board_add(board, "a", NULL);
    board->open = true;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        json_t *payload = json_loads(texts[i], 0, NULL);
        assert_null(es_batch_board_event(board, "job.progress", payload));
        json_decref(payload);
    }
    assert_int_equal(board->count, 1);
}

static void test_the_last_words_stay(void **state)
{
    es_batch_board_t *board = *state;
    char big[2000];
    es_batch_board_add(board, "a", NULL);
    for (unsigned i = 1; i < 200; i++) event(board, "job.progress", "a", i, "TRANSCRIBING", 1, "größe");
    const char *words = board->jobs[0].words;
    assert_true(strlen(words) < ES_BATCH_WORDS && strlen(words) > ES_BATCH_WORDS - 20);
    assert_string_equal(words + strlen(words) - strlen("größe größe"), "größe größe");
    assert_true(es_utf8_valid(words, strlen(words)));
    for (size_t i = 0; i + 2 < sizeof big; i += 2) memcpy(big + i, "ö", 2);
    memcpy(big + sizeof big - 2, "x", 2);
    event(board, "job.progress", "a", 300, "TRANSCRIBING", 1, big);
    assert_true(es_utf8_valid(words, strlen(words)));
    assert_int_equal(words[strlen(words) - 1], 'x');
    assert_true(strlen(words) < ES_BATCH_WORDS);
    assert_true(board->jobs[0].progress > 0.9 && board->jobs[0].progress < 1.1);
    event(board, "job.progress", "a", 301, "TRANSCRIBING", 1, "tail");
    assert_string_equal(words + strlen(words) - 6, "x tail");
    assert_true(strlen(words) < ES_BATCH_WORDS);
}

static const char *drawn(const es_batch_board_t *board, es_batch_bars_t *bars)
{
    static char text[8192];
    memset(text, 0, sizeof text);
    bars->out = fmemopen(text, sizeof text - 1, "w");
    es_batch_bars_draw(bars, board);
    fclose(bars->out);
    return text;
}

static void test_a_terminal(void **state)
{
    es_batch_board_t *board = *state;
    es_batch_bars_t bars = {.in_place = true, .width = 70};
    es_batch_board_add(board, "a", NULL);
    es_batch_board_add(board, "b", "other.wav");
    event(board, "job.completed", "a", 1, "COMPLETED", 100, NULL);
    assert_string_equal(drawn(board, &bars), "[                        ]   0 % ...          other.wav\n"
                                             "[########################] 100 % COMPLETED    talk.wav\n");
    assert_int_equal(bars.drawn, 2);
    event(board, "job.progress", "b", 1, "TRANSCRIBING", 50, NULL);
    assert_string_equal(drawn(board, &bars), "\033[2A\r\033[J"
                                             "[############            ]  50 % TRANSCRIBING talk.wav\n"
                                             "[########################] 100 % COMPLETED    talk.wav\n");
    event(board, "job.progress", "b", 2, "TRANSCRIBING", 50, "say \033[2J it");
    bars.width = 90;
    assert_non_null(strstr(drawn(board, &bars), "talk.wav                  say  [2J it\n"));
}

static void test_many_on_a_terminal(void **state)
{
    es_batch_board_t *board = *state;
    es_batch_bars_t bars = {.in_place = true, .width = 70};
    char id[16];
    for (unsigned i = 0; i < 30; i++) {
        snprintf(id, sizeof id, "%u", i);
        es_batch_board_add(board, id, NULL);
    }
    assert_non_null(strstr(drawn(board, &bars), "\nand 10 more\n"));
    assert_int_equal(bars.drawn, ES_BATCH_LINES_MAX + 1);
}

static void test_a_pipe(void **state)
{
    char text[1024] = "";
    es_batch_board_t *board = *state;
    es_batch_bars_t bars = {.out = fmemopen(text, sizeof text - 1, "w")};
    es_batch_board_add(board, "a", NULL);
    for (unsigned i = 0; i < 25; i++)
        es_batch_bars_news(&bars, event(board, "job.progress", "a", i + 1, "TRANSCRIBING", i, NULL));
    es_batch_bars_news(&bars, event(board, "job.completed", "a", 99, "COMPLETED", 100, NULL));
    es_batch_bars_draw(&bars, board);
    fclose(bars.out);
    assert_string_equal(text, "a TRANSCRIBING 0 %\na TRANSCRIBING 10 %\na TRANSCRIBING 20 %\na COMPLETED 100 %\n");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_news_and_what_is_late), T(test_ends),       T(test_an_open_board_takes_all), T(test_damaged_events),
        T(test_the_last_words_stay),   T(test_a_terminal), T(test_many_on_a_terminal),      T(test_a_pipe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
