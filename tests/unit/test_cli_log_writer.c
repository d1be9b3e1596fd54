#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log_writer.h"

enum { LINE = 4096, TOO_MANY = 2 * ES_LOG_WRITER_BYTES / LINE };

static int ends[2];

static es_log_writer_t *open_writer(void)
{
    assert_int_equal(pipe(ends), 0);
    return es_log_writer_new(ends[1]);
}

/* Reads until `text` has come, or the end. Returns how many lines of `x` there were. */
static int read_until(const char *text)
{
    static char got[4 * ES_LOG_WRITER_BYTES];
    size_t len = 0;
    int lines = 0;
    memset(got, 0, sizeof got);
    for (ssize_t n; !(text && strstr(got, text)) && (n = read(ends[0], got + len, sizeof got - 1 - len)) > 0;)
        len += (size_t)n;
    for (const char *at = got; (at = strstr(at, "x\n")); at++) lines++;
    return lines;
}

static void put_lines(es_log_writer_t *writer, int count)
{
    char line[LINE];
    memset(line, 'x', sizeof line);
    line[LINE - 1] = '\n';
    for (int i = 0; i < count; i++) es_log_writer_put(writer, line, sizeof line);
}

static void all_is_written_before_the_end(void **state)
{
    (void)state;
    es_log_writer_t *writer = open_writer();
    put_lines(writer, 3);
    es_log_writer_destroy(&writer, 10000);
    assert_null(writer);
    close(ends[1]);
    assert_int_equal(read_until(NULL), 3);
    close(ends[0]);
}

static void who_writes_never_waits_for_who_reads(void **state)
{
    (void)state;
    es_log_writer_t *writer = open_writer();
    put_lines(writer, TOO_MANY); /* the pipe holds 64 KiB */
    int lines = read_until("lines of the log are missing here");
    assert_true(lines > 0 && lines < TOO_MANY);
    put_lines(writer, 1);
    es_log_writer_destroy(&writer, 10000);
    close(ends[1]);
    assert_int_equal(read_until(NULL), 1);
    close(ends[0]);
}

static void the_end_does_not_wait_for_ever(void **state)
{
    (void)state;
    es_log_writer_t *writer = open_writer();
    put_lines(writer, 100);
    es_log_writer_destroy(&writer, 10);
    assert_null(writer);
    close(ends[0]); /* the thread's write fails, and it ends */
}

static void nobody_reads_any_more(void **state)
{
    (void)state;
    es_log_writer_t *writer = open_writer();
    close(ends[0]);
    put_lines(writer, TOO_MANY);
    es_log_writer_destroy(&writer, 10000);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_is_written_before_the_end),
        cmocka_unit_test(who_writes_never_waits_for_who_reads),
        cmocka_unit_test(the_end_does_not_wait_for_ever),
        cmocka_unit_test(nobody_reads_any_more),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
