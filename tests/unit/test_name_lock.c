#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "name_lock.h"

static char dir[] = "/tmp/es-name-lock-XXXXXX", err[512];

static int setup(void **state)
{
    (void)state;
    strcpy(dir + sizeof dir - 7, "XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
    char path[128];
    (void)state;
    snprintf(path, sizeof path, "%s/.jobs-1.lock", dir);
    unlink(path);
    return rmdir(dir);
}

static int take(void)
{
    err[0] = '\0';
    return es_name_lock_take(dir, "jobs-1", err, sizeof err);
}

static void one_of_a_name(void **state)
{
    char pid[64];
    (void)state;
    int fd = take();
    assert_true(fd >= 0);
    assert_int_equal(take(), -1);
    snprintf(pid, sizeof pid, "(pid %d)", (int)getpid());
    assert_non_null(strstr(err, pid));
    close(fd);
    fd = take();
    assert_true(fd >= 0);
    close(fd);
}

static void the_next_one_finds_what_the_last_one_left(void **state)
{
    char before[ES_NAME_LOCK_TAG + 1];
    (void)state;
    int fd = take();
    assert_false(es_name_lock_swap(fd, "aaaaaa", before));
    close(fd);
    fd = take();
    assert_true(es_name_lock_swap(fd, "bbbbbb", before));
    assert_string_equal(before, "aaaaaa");
    close(fd);
    fd = take();
    assert_true(es_name_lock_swap(fd, "cccccc", before));
    assert_string_equal(before, "bbbbbb");
    close(fd);
}

static void a_directory_that_is_not_there(void **state)
{
    (void)state;
    assert_int_equal(es_name_lock_take("/nonexistent", "jobs-1", err, sizeof err), -1);
    assert_non_null(strstr(err, "/nonexistent/.jobs-1.lock"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_of_a_name, setup, teardown),
        cmocka_unit_test_setup_teardown(the_next_one_finds_what_the_last_one_left, setup, teardown),
        cmocka_unit_test(a_directory_that_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
