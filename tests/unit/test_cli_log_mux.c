#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <unistd.h>

#include "log_mux.h"

static int pipe_ends[2];

static es_log_mux_t *open_mux(bool prefixed, bool colour)
{
    assert_int_equal(pipe(pipe_ends), 0);
    es_log_mux_t *mux = es_log_mux_new(pipe_ends[1], prefixed, colour);
    assert_int_equal(es_log_mux_add(mux, "edge"), 0);
    assert_int_equal(es_log_mux_add(mux, "transcriber-1"), 1);
    return mux;
}

static void feed(es_log_mux_t *mux, size_t source, const char *text)
{
    es_log_mux_feed(mux, source, text, strlen(text));
}

static void close_mux(es_log_mux_t *mux, const char *expected)
{
    char got[16384];
    es_log_mux_destroy(&mux);
    assert_null(mux);
    close(pipe_ends[1]);
    size_t len = 0;
    for (ssize_t n; (n = read(pipe_ends[0], got + len, sizeof got - 1 - len)) > 0;) len += (size_t)n;
    got[len] = '\0';
    close(pipe_ends[0]);
    assert_string_equal(got, expected);
}

static void lines_are_put_together_by_source(void **state)
{
    (void)state;
    es_log_mux_t *mux = open_mux(true, false);
    feed(mux, 0, "a");
    feed(mux, 1, "one\ntw");
    feed(mux, 0, "b\n\n");
    feed(mux, 1, "o\n");
    close_mux(mux, "transcriber-1 | one\nedge          | ab\nedge          | \ntranscriber-1 | two\n");
}

static void the_last_words_need_no_newline(void **state)
{
    (void)state;
    es_log_mux_t *mux = open_mux(false, false);
    feed(mux, 0, "dying");
    es_log_mux_flush(mux, 0);
    es_log_mux_flush(mux, 0);
    feed(mux, 1, "end");
    close_mux(mux, "dying\nend\n");
}

static void colours_tell_sources_apart(void **state)
{
    (void)state;
    es_log_mux_t *mux = open_mux(true, true);
    feed(mux, 0, "x\n");
    feed(mux, 1, "y\n");
    close_mux(mux, "\033[36medge          |\033[0m x\n\033[33mtranscriber-1 |\033[0m y\n");
}

static void a_line_is_bounded(void **state)
{
    (void)state;
    static char longest[ES_LOG_MUX_LINE + 3], expected[ES_LOG_MUX_LINE + 8];
    memset(longest, 'z', sizeof longest - 1);
    memset(expected, 'z', ES_LOG_MUX_LINE);
    strncpy(expected + ES_LOG_MUX_LINE, "\nzz\nk\n", 7);
    es_log_mux_t *mux = open_mux(false, false);
    feed(mux, 0, longest);
    feed(mux, 0, "\nk\n");
    close_mux(mux, expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_put_together_by_source),
        cmocka_unit_test(the_last_words_need_no_newline),
        cmocka_unit_test(colours_tell_sources_apart),
        cmocka_unit_test(a_line_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
