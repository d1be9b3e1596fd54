#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "write_whole.h"

enum { LOT = 1 << 20 }; /* more than a pipe holds */

static char sent[LOT], got[LOT];

static void *read_it_all(void *arg)
{
    size_t len = 0;
    for (ssize_t n; len < LOT && (n = read(*(int *)arg, got + len, 4096 < LOT - len ? 4096 : LOT - len)) > 0;)
        len += (size_t)n;
    return NULL;
}

static void more_than_fits_at_once_is_written(void **state)
{
    int fds[2];
    pthread_t reader;
    (void)state;
    for (size_t i = 0; i < LOT; i++) sent[i] = (char)(i * 7 + i / 4096);
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(pthread_create(&reader, NULL, read_it_all, &fds[0]), 0);
    assert_int_equal(es_write_whole(fds[1], sent, LOT), 0);
    close(fds[1]);
    assert_int_equal(pthread_join(reader, NULL), 0);
    assert_memory_equal(got, sent, LOT);
    close(fds[0]);
}

static void nothing_is_written_at_once(void **state)
{
    (void)state;
    assert_int_equal(es_write_whole(-1, NULL, 0), 0);
}

static void where_nobody_reads_it_says_so(void **state)
{
    int fds[2];
    (void)state;
    assert_int_equal(pipe(fds), 0);
    close(fds[0]);
    errno = 0;
    assert_int_equal(es_write_whole(fds[1], "x", 1), -1);
    assert_int_equal(errno, EPIPE);
    close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(more_than_fits_at_once_is_written),
        cmocka_unit_test(nothing_is_written_at_once),
        cmocka_unit_test(where_nobody_reads_it_says_so),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
