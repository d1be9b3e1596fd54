#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "line_reader.h"

typedef struct {
    int ends[2];
    es_line_reader_t reader;
} pipe_t;

static void open_pipe(pipe_t *p, size_t max)
{
    assert_int_equal(pipe(p->ends), 0);
    es_line_reader_init(&p->reader, p->ends[0], max);
}

static void feed(pipe_t *p, const char *bytes)
{
    assert_int_equal(write(p->ends[1], bytes, strlen(bytes)), (ssize_t)strlen(bytes));
    es_line_reader_fill(&p->reader);
}

static void check_line(pipe_t *p, const char *expected)
{
    const char *line;
    size_t len;
    assert_true(es_line_reader_next(&p->reader, &line, &len));
    assert_int_equal(len, strlen(expected));
    assert_memory_equal(line, expected, len);
}

static void check_none(pipe_t *p)
{
    const char *line;
    size_t len;
    assert_false(es_line_reader_next(&p->reader, &line, &len));
}

static void finish(pipe_t *p)
{
    close(p->ends[1]);
    es_line_reader_fill(&p->reader);
}

static void close_pipe(pipe_t *p)
{
    assert_true(es_line_reader_ended(&p->reader));
    es_line_reader_fini(&p->reader);
    close(p->ends[0]);
}

static void lines_as_they_come(void **state)
{
    pipe_t p;
    (void)state;
    open_pipe(&p, 100);
    feed(&p, "one\n\ntw");
    check_line(&p, "one");
    check_line(&p, "");
    check_none(&p);
    feed(&p, "o\nlast");
    check_line(&p, "two");
    check_none(&p);
    finish(&p);
    assert_false(es_line_reader_ended(&p.reader));
    check_line(&p, "last");
    close_pipe(&p);
}

static void a_long_line_comes_in_pieces(void **state)
{
    pipe_t p;
    (void)state;
    open_pipe(&p, 8);
    feed(&p, "1234567\xe2\x82\xac\n");
    check_line(&p, "1234567"); /* not through a character */
    check_none(&p);
    es_line_reader_fill(&p.reader);
    check_line(&p, "\xe2\x82\xac");
    finish(&p);
    close_pipe(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lines_as_they_come),
                                       cmocka_unit_test(a_long_line_comes_in_pieces)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
