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
static char got[4 * ES_LOG_WRITER_BYTES]; /* all that was read, with a NUL at its end */
static size_t got_len;

static es_log_writer_t *open_writer(void)
{
    memset(got, 0, sizeof got);
    got_len = 0;
    assert_int_equal(pipe(ends), 0);
    return es_log_writer_new(ends[1]);
}

/* Reads until `text` has come, NULL: until the end. */
static void read_until(const char *text)
{
    ssize_t n = 1;
    while (!(text && strstr(got, text)) && n > 0) {
        n = read(ends[0], got + got_len, sizeof got - 1 - got_len);
        if (n > 0) got_len += (size_t)n;
    }
}

/* Lines of `x`. */
static int lines(void)
{
    int n = 0;
    for (const char *at = got; (at = strstr(at, "x\n")); at++) n++;
    return n;
}

/* How many are missing, as it says, maybe more than once. */
static int missing(void)
{
    static const char said[] = " lines of the log are missing here";
    int n = 0;
    for (const char *at = got; (at = strstr(at, said)); at++) {
        const char *number = at;
        while (number > got && number[-1] != '\n') number--;
        n += atoi(number);
    }
    return n;
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
    read_until(NULL);
    assert_int_equal(lines(), 3);
    close(ends[0]);
}

static void who_writes_never_waits_for_who_reads(void **state)
{
    (void)state;
    es_log_writer_t *writer = open_writer();
    put_lines(writer, TOO_MANY); /* the pipe holds 64 KiB */
    read_until(" lines of the log are missing here");
    es_log_writer_put(writer, "the last\n", 9);
    read_until("the last\n");
    assert_true(lines() > 0 && missing() > 0);
    assert_int_equal(lines() + missing(), TOO_MANY);
    es_log_writer_destroy(&writer, 10000);
    close(ends[0]);
    close(ends[1]);
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
