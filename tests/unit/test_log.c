#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "log.h"

static FILE *caught;
static int real_stderr;

/* Standard error into a file for one test. */
static int setup(void **state)
{
    (void)state;
    caught = tmpfile();
    assert_non_null(caught);
    real_stderr = dup(STDERR_FILENO);
    dup2(fileno(caught), STDERR_FILENO);
    es_log_init("tester", ES_LOG_INFO, false);
    es_log_actor("");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    fclose(caught);
    return 0;
}

/* All that was written, without the time of the first line. */
static const char *text(void)
{
    static char data[65536];
    ssize_t n = pread(fileno(caught), data, sizeof data - 1, 0);
    assert_true(n >= 0);
    data[n] = 0;
    return data;
}

static const char *after_time(const char *line)
{
    const char *at = strstr(line, "level");
    return at ? at : "";
}

static void logfmt(void **state)
{
    (void)state;
    es_log_info("worker lost", ES_S("worker", "transcriber-1"), ES_U("streams", 3), ES_I("left", -2),
                ES_R("share", 0.25));
    assert_string_equal(
        after_time(text()),
        "level=info actor=tester msg=\"worker lost\" worker=transcriber-1 streams=3 left=-2 share=0.25\n");
}

static void logfmt_escapes(void **state)
{
    (void)state;
    es_log_info("x", ES_B("raw", "a\xff\n\"\\\t\x01 \xc3\xa9", 10), ES_S("empty", ""), ES_S("none", NULL),
                ES_S("eq", "a=b"), ES_R("inf", (double)INFINITY));
    assert_string_equal(after_time(text()),
                        "level=info actor=tester msg=x raw=\"a\\xff\\n\\\"\\\\\\t\\u0001 \xc3\xa9\" "
                        "empty=\"\" none=\"\" eq=\"a=b\" inf=nan\n");
}

static void json(void **state)
{
    (void)state;
    es_log_init("tester", ES_LOG_INFO, true);
    es_log_warn("a \"b\"", ES_U("n", 7), ES_B("raw", "\xc3\x28\x7f", 3), ES_R("inf", -(double)INFINITY),
                ES_S("s", "{"));
    const char *line = text();
    assert_memory_equal(line, "{\"time\":\"", 9);
    assert_string_equal(strstr(line, "\"level\""),
                        "\"level\":\"warn\",\"actor\":\"tester\",\"msg\":\"a \\\"b\\\"\",\"n\":7,"
                        "\"raw\":\"\\\\xc3(\\u007f\",\"inf\":null,\"s\":\"{\"}\n");
}

static void time_is_rfc_3339(void **state)
{
    (void)state;
    es_log_info("x");
    int year, month, day, hour, minute, second, ms, end = 0;
    int n = sscanf(text(), "time=%4d-%2d-%2dT%2d:%2d:%2d.%3dZ level%n", &year, &month, &day, &hour, &minute, &second,
                   &ms, &end);
    assert_int_equal(n, 7);
    assert_true(end > 0 && year >= 2024);
}

static void levels(void **state)
{
    (void)state;
    es_log_debug("no");
    assert_string_equal(text(), "");
    assert_false(es_log_enabled(ES_LOG_DEBUG));
    es_log_init("tester", ES_LOG_ERROR, false);
    es_log_warn("no");
    assert_string_equal(text(), "");
    es_log_error("yes");
    assert_non_null(strstr(text(), "level=error"));
}

static void a_thread_has_its_own_name(void **state)
{
    (void)state;
    es_log_actor("edge-2");
    es_log_info("x");
    assert_non_null(strstr(text(), "actor=edge-2"));
}

static void next_second(void)
{
    struct timespec now, then;
    clock_gettime(CLOCK_MONOTONIC, &then);
    do {
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (now.tv_sec == then.tv_sec);
}

static void a_site_is_rate_limited(void **state)
{
    unsigned lines = 0;
    (void)state;
    next_second();
    for (unsigned i = 0; i < ES_LOG_BURST + 30; i++) es_log_info("again", ES_U("i", i));
    for (const char *at = text(); (at = strchr(at, '\n')); at++) lines++;
    assert_int_equal(lines, ES_LOG_BURST);
    assert_null(strstr(text(), "dropped"));
    es_log_info("another site");
    assert_non_null(strstr(text(), "another site"));
}

static void dropped_lines_are_told(void **state)
{
    static es_log_site_t site;
    const es_field_t none[] = {{.key = NULL}};
    (void)state;
    next_second();
    for (unsigned i = 0; i < ES_LOG_BURST + 30; i++) es_log_write(&site, ES_LOG_INFO, "again", none);
    next_second();
    es_log_write(&site, ES_LOG_INFO, "again", none);
    assert_non_null(strstr(text(), "msg=again dropped=30\n"));
}

static void long_lines_stay_whole(void **state)
{
    static char big[3000];
    (void)state;
    memset(big, 'x', sizeof big - 1);
    es_log_init("tester", ES_LOG_INFO, true);
    es_log_info("m", ES_S("a", big), ES_S("b", big), ES_S("c", big), ES_S("d", big), ES_S("e", big), ES_U("z", 1));
    size_t len = strlen(text());
    assert_true(len < 4096);
    assert_non_null(strstr(text(), "xxx...\",\"b\""));
    assert_string_equal(text() + len - 19, ",\"truncated\":true}\n");
    assert_null(strstr(text(), "\"z\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(logfmt, setup, teardown),
        cmocka_unit_test_setup_teardown(logfmt_escapes, setup, teardown),
        cmocka_unit_test_setup_teardown(json, setup, teardown),
        cmocka_unit_test_setup_teardown(time_is_rfc_3339, setup, teardown),
        cmocka_unit_test_setup_teardown(levels, setup, teardown),
        cmocka_unit_test_setup_teardown(a_thread_has_its_own_name, setup, teardown),
        cmocka_unit_test_setup_teardown(a_site_is_rate_limited, setup, teardown),
        cmocka_unit_test_setup_teardown(dropped_lines_are_told, setup, teardown),
        cmocka_unit_test_setup_teardown(long_lines_stay_whole, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
