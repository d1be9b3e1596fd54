/* actors/jobs/arrival_head.h: what an edge says of an upload, hostile heads among it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "arrival_head.h"
#include "job_id.h"

#define ID "0123abcd-0000-4000-8000-00000000000a"
#define HEAD(more) "{\"job\":\"" ID "\",\"session\":\"s-1\"" more "}"

static void a_whole_head(void **state)
{
    es_job_t job;
    (void)state;
    const char *json = HEAD(",\"file_name\":\"a\\u0000b\"");
    assert_non_null(es_arrival_head_read(es_span(json), &job)); /* NUL in a string */
    es_job_fini(&job);
    json = HEAD(
        ",\"file_name\":\"../../Töne.wav\",\"content_type\":\"audio/wav; x=y\",\"size\":12,\"language\":\"pt-BR\","
        "\"webhook\":\"https://example.org/hook?x=1\",\"priority\":-10,\"attempts\":10,\"delete_after_analysis\":true,"
        "\"key\":\"k\",\"principal\":\"jwt:änne\",\"later\":[1]");
    assert_null(es_arrival_head_read(es_span(json), &job));
    assert_string_equal(job.id, ID);
    assert_string_equal(job.session, "s-1");
    assert_string_equal(job.file_name, "../../Töne.wav");
    assert_string_equal(job.content_type, "audio/wav; x=y");
    assert_string_equal(job.language, "pt-BR");
    assert_string_equal(job.webhook, "https://example.org/hook?x=1");
    assert_string_equal(job.key, "k");
    assert_string_equal(job.principal, "jwt:änne");
    assert_int_equal(job.bytes, 12);
    assert_int_equal(job.priority, -10);
    assert_int_equal(job.attempts, 10);
    assert_true(job.delete_after);
    es_job_fini(&job);
}

static void a_short_head(void **state)
{
    es_job_t job;
    (void)state;
    assert_null(es_arrival_head_read(es_span(HEAD(",\"language\":null")), &job));
    assert_true(job.bytes == ES_ARRIVAL_UNKNOWN);
    assert_int_equal(job.attempts, 3);
    assert_int_equal(job.priority, 0);
    assert_null(job.file_name);
    assert_null(job.language);
    assert_null(job.principal);
    es_job_fini(&job);
}

static void wrong_heads(void **state)
{
    static const char *const heads[] = {
        "",
        "null",
        "[]",
        "{",
        "{}",
        "{\"job\":\"" ID "\"}",
        "{\"session\":\"s\"}",
        HEAD("") "x",
        HEAD(",\"job\":\"" ID "\""),
        "{\"job\":\"../../etc/passwd\",\"session\":\"s\"}",
        "{\"job\":\"0123ABCD-0000-4000-8000-00000000000a\",\"session\":\"s\"}",
        "{\"job\":7,\"session\":\"s\"}",
        "{\"job\":\"" ID "\",\"session\":\"\"}",
        "{\"job\":\"" ID "\",\"session\":\"a/b\"}",
        "{\"job\":\"" ID "\",\"session\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}",
        HEAD(",\"size\":-1"),
        HEAD(",\"size\":1.5"),
        HEAD(",\"size\":\"7\""),
        HEAD(",\"size\":99999999999999999999"),
        HEAD(",\"priority\":11"),
        HEAD(",\"priority\":true"),
        HEAD(",\"attempts\":0"),
        HEAD(",\"attempts\":11"),
        HEAD(",\"delete_after_analysis\":1"),
        HEAD(",\"language\":\"\""),
        HEAD(",\"language\":\"en/..\""),
        HEAD(",\"content_type\":\"a\\nb\""),
        HEAD(",\"key\":\"\""),
        HEAD(",\"principal\":7"),
        HEAD(",\"key\":\"a b\""),
        HEAD(",\"webhook\":\"ftp://x\""),
        HEAD(",\"webhook\":\"http://\""),
        HEAD(",\"webhook\":\"http:///x\""),
        HEAD(",\"webhook\":\"http://a b\""),
        HEAD(",\"webhook\":\"file:///etc/passwd\""),
        HEAD(",\"file_name\":[]"),
        HEAD(",\"file_name\":\"\xff\""),
    };
    (void)state;
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        es_job_t job;
        const char *wrong = es_arrival_head_read(es_span(heads[i]), &job);
        if (!wrong) fail_msg("taken: %s", heads[i]);
        assert_null(strpbrk(wrong, "\"\\")); /* goes into JSON as it is */
        es_job_fini(&job);
    }
}

static void long_values(void **state)
{
    static char json[40000], value[36000];
    (void)state;
    static const struct {
        const char *field;
        size_t max;
    } limits[] = {{"file_name", 255}, {"content_type", 127}, {"key", 128}, {"language", 35}, {"principal", 208}};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        for (size_t more = 0; more < 2; more++) {
            es_job_t job;
            memset(value, 'a', limits[i].max + more);
            value[limits[i].max + more] = 0;
            snprintf(json, sizeof json, HEAD(",\"%s\":\"%s\""), limits[i].field, value);
            assert_int_equal(es_arrival_head_read(es_span(json), &job) != NULL, more);
            es_job_fini(&job);
        }
    }
    es_job_t job;
    memset(value, ' ', ES_ARRIVAL_HEAD_MAX);
    value[ES_ARRIVAL_HEAD_MAX] = 0;
    snprintf(json, sizeof json, "%s%s", value, HEAD(""));
    assert_non_null(es_arrival_head_read(es_span(json), &job));
    es_job_fini(&job);
}

static void late_options(void **state)
{
    es_job_t job;
    (void)state;
    assert_null(es_arrival_head_read(es_span(HEAD(",\"priority\":3")), &job));
    assert_null(es_arrival_late_read(es_span(""), &job));
    assert_int_equal(job.priority, 3);
    const char *late = "{\"priority\":5,\"file_name\":\"x\",\"session\":\"other\",\"job\":\"nonsense\",\"key\":7}";
    assert_null(es_arrival_late_read(es_span(late), &job));
    assert_int_equal(job.priority, 5);
    assert_string_equal(job.file_name, "x");
    assert_string_equal(job.session, "s-1");
    assert_string_equal(job.id, ID);
    assert_non_null(es_arrival_late_read(es_span("{\"priority\":50}"), &job));
    assert_non_null(es_arrival_late_read(es_span("[]"), &job));
    es_job_fini(&job);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_head), cmocka_unit_test(a_short_head), cmocka_unit_test(wrong_heads),
        cmocka_unit_test(long_values),  cmocka_unit_test(late_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
