#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "jobs/upload_options.h"

#define JOB "01234567-89ab-4cde-8f01-23456789abcd"

static es_span_t written(const es_frame_buf_t *buf)
{
    return buf->data ? es_span_of(buf->data + buf->head, es_frame_buf_size(buf)) : (es_span_t){0};
}

static void assert_written(es_frame_buf_t *buf, const char *expected)
{
    es_span_t got = written(buf);
    if (!es_span_eq(got, es_span(expected))) fail_msg("%.*s, not %s", (int)got.len, got.ptr ? got.ptr : "", expected);
    es_frame_buf_clear(buf);
}

static void the_head_has_what_is_known(void **state)
{
    (void)state;
    es_upload_options_t options = {0};
    es_refusal_t why;
    es_frame_buf_t out = {0};
    assert_int_equal(es_upload_options_session(&options, es_span("desk-1_a.b"), &why), 0);
    assert_int_equal(es_upload_options_key(&options, es_span("\"8e03\""), &why), 0);
    assert_int_equal(es_upload_options_type(&options, es_span("audio/mpeg; rate=8000"), &why), 0);
    assert_int_equal(es_upload_options_query(&options,
                                             es_span("priority=-3&language=en-GB&&webhook=https%3A%2F%2Fa.b%2F%3Fc%3Dd"
                                                     "&delete_after_analysis=true&attempts=&file_name=a+b%22.mp3"),
                                             &why),
                     0);
    es_upload_options_head(&options, JOB, "jwt:\"al\"", 1234, &out);
    assert_written(
        &out, "{\"job\":\"" JOB "\",\"session\":\"desk-1_a.b\",\"principal\":\"jwt:\\\"al\\\"\",\"content_type\":"
              "\"audio/mpeg\",\"key\":\"\\\"8e03\\\"\","
              "\"size\":1234,\"file_name\":\"a b\\\".mp3\",\"language\":\"en-GB\",\"webhook\":\"https://a.b/?c=d\","
              "\"priority\":-3,\"delete_after_analysis\":true}");
    es_upload_options_late(&options, &out);
    assert_written(&out, "");
}

static void what_comes_after_the_head_is_late(void **state)
{
    (void)state;
    es_upload_options_t options = {0};
    es_refusal_t why;
    es_frame_buf_t out = {0};
    assert_int_equal(es_upload_options_session(&options, es_span("s"), &why), 0);
    assert_int_equal(es_upload_options_type(&options, es_span(""), &why), 0);
    assert_int_equal(es_upload_options_part_name(&options, es_span("../talk.wav"), &why), 0);
    assert_int_equal(es_upload_options_field(&options, es_span("priority"), es_span("5"), &why), 0);
    es_upload_options_head(&options, JOB, "", -1, &out);
    assert_written(&out, "{\"job\":\"" JOB "\",\"session\":\"s\",\"content_type\":\"application/octet-stream\","
                         "\"file_name\":\"../talk.wav\",\"priority\":5}");
    assert_int_equal(es_upload_options_field(&options, es_span("attempts"), es_span("1"), &why), 0);
    assert_int_equal(es_upload_options_field(&options, es_span("file_name"), es_span("better.wav"), &why), 0);
    assert_int_equal(es_upload_options_field(&options, es_span("priority"), es_span("6"), &why), -1);
    es_upload_options_late(&options, &out);
    assert_written(&out, "{\"file_name\":\"better.wav\",\"attempts\":1}");
}

static void an_option_for_the_name_goes_first(void **state)
{
    (void)state;
    es_upload_options_t options = {0};
    es_refusal_t why;
    es_frame_buf_t out = {0};
    assert_int_equal(es_upload_options_query(&options, es_span("file_name=mine.wav"), &why), 0);
    assert_int_equal(es_upload_options_part_name(&options, es_span("tmp.wav"), &why), 0);
    es_upload_options_head(&options, JOB, "", -1, &out);
    assert_written(&out, "{\"job\":\"" JOB "\",\"file_name\":\"mine.wav\"}");
}

static void refused(int rc, const es_refusal_t *why, const char *code, const char *what)
{
    if (rc != -1 || strcmp(why->code, code) != 0 || strlen(why->message) < 15 ||
        !es_utf8_valid(why->message, strlen(why->message)))
        fail_msg("%s: %d %s", what, rc, rc ? why->message : "");
}

static void bad_options(void **state)
{
    (void)state;
    static const struct {
        const char *query, *code;
    } cases[] = {
        {"priority=11", "bad_option"},
        {"priority=-11", "bad_option"},
        {"priority=1.5", "bad_option"},
        {"priority=+1", "bad_option"},
        {"priority=%201", "bad_option"},
        {"priority=high", "bad_option"},
        {"priority=00000000001", "bad_option"},
        {"priority=1%00", "bad_option"},
        {"priority=--1", "bad_option"},
        {"attempts=0", "bad_option"},
        {"attempts=11", "bad_option"},
        {"attempts=99999999999999999999", "bad_option"},
        {"language=e", "bad_option"},
        {"language=en_GB", "bad_option"},
        {"language=%ff%fe", "bad_option"},
        {"delete_after_analysis=yes", "bad_option"},
        {"delete_after_analysis=TRUE", "bad_option"},
        {"webhook=ftp://a/b", "bad_option"},
        {"webhook=http://", "bad_option"},
        {"webhook=http:///path", "bad_option"},
        {"webhook=https://?x", "bad_option"},
        {"webhook=http://a%20b/", "bad_option"},
        {"webhook=http://a%0d%0ab/", "bad_option"},
        {"webhook=/relative", "bad_option"},
        {"file_name=a%00b", "bad_option"},
        {"file_name=a%0ab", "bad_option"},
        {"file_name=%ff", "bad_option"},
        {"priority", "bad_option"},
        {"priority=%4", "bad_option"},
        {"pri%=1", "bad_option"},
        {"priority=1&priority=1", "bad_option"},
        {"prio=1", "unknown_option"},
        {"=1", "unknown_option"},
        {"audio=1", "unknown_option"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        es_upload_options_t options = {0};
        es_refusal_t why = {0};
        refused(es_upload_options_query(&options, es_span(cases[i].query), &why), &why, cases[i].code, cases[i].query);
    }
}

static void bounds(void **state)
{
    (void)state;
    char text[9000];
    memset(text, 'a', sizeof text);
    es_upload_options_t options = {0};
    es_refusal_t why = {0};
    es_span_t name = es_span("file_name");
    assert_int_equal(es_upload_options_part_name(&options, es_span_of(text, ES_UPLOAD_FILE_NAME_MAX), &why), 0);
    refused(es_upload_options_part_name(&options, es_span_of(text, ES_UPLOAD_FILE_NAME_MAX + 1), &why), &why,
            "bad_option", "part name");
    refused(es_upload_options_field(&options, name, es_span_of(text, ES_UPLOAD_FILE_NAME_MAX + 1), &why), &why,
            "bad_option", "file name");
    refused(es_upload_options_field(&options, es_span_of(text, 3000), es_span("1"), &why), &why, "unknown_option",
            "long");
    refused(es_upload_options_query(&options, es_span_of(text, sizeof text), &why), &why, "bad_option", "query");
    assert_int_equal(es_upload_options_session(&options, es_span_of(text, ES_SESSION_MAX), &why), 0);
    refused(es_upload_options_session(&options, es_span_of(text, ES_SESSION_MAX + 1), &why), &why, "bad_session",
            "session");
    assert_int_equal(es_upload_options_key(&options, es_span_of(text, ES_UPLOAD_KEY_MAX), &why), 0);
    refused(es_upload_options_key(&options, es_span_of(text, ES_UPLOAD_KEY_MAX + 1), &why), &why, "bad_option", "key");
    memcpy(text, "http://", 7);
    assert_int_equal(
        es_upload_options_field(&options, es_span("webhook"), es_span_of(text, ES_UPLOAD_WEBHOOK_MAX), &why), 0);
    options.given = 0;
    refused(es_upload_options_field(&options, es_span("webhook"), es_span_of(text, ES_UPLOAD_WEBHOOK_MAX + 1), &why),
            &why, "bad_option", "webhook");
}

static void sessions_and_keys(void **state)
{
    (void)state;
    static const char *const sessions[] = {"", "a/b", "a b", "..\xc3\xa9", "a\nb", "a%41"};
    es_upload_options_t options = {0};
    es_refusal_t why = {0};
    for (size_t i = 0; i < sizeof sessions / sizeof *sessions; i++)
        refused(es_upload_options_session(&options, es_span(sessions[i]), &why), &why, "bad_session", sessions[i]);
    refused(es_upload_options_key(&options, es_span("a b"), &why), &why, "bad_option", "key");
    assert_int_equal(es_upload_options_key(&options, es_span(""), &why), 0);
}

static void types(void **state)
{
    (void)state;
    static const struct {
        const char *type, *kept; /* NULL: not taken */
    } cases[] = {
        {"audio/wav", "audio/wav"},
        {"AUDIO/x-flac ; a=b", "AUDIO/x-flac"},
        {"application/ogg", "application/ogg"},
        {"application/octet-stream", "application/octet-stream"},
        {"video/ogg", "video/ogg"},
        {"", "application/octet-stream"},
        {"audio/", NULL},
        {"audio/a b", NULL},
        {"audio", NULL},
        {"text/plain", NULL},
        {"application/x-www-form-urlencoded", NULL},
        {"application/oggy", NULL},
        {";", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        es_upload_options_t options = {0};
        es_refusal_t why = {0};
        int rc = es_upload_options_type(&options, es_span(cases[i].type), &why);
        if (cases[i].kept) {
            assert_int_equal(rc, 0);
            assert_string_equal(options.type, cases[i].kept);
        } else {
            refused(rc, &why, "unsupported_type", cases[i].type);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_head_has_what_is_known),
                                       cmocka_unit_test(what_comes_after_the_head_is_late),
                                       cmocka_unit_test(an_option_for_the_name_goes_first),
                                       cmocka_unit_test(bad_options),
                                       cmocka_unit_test(bounds),
                                       cmocka_unit_test(sessions_and_keys),
                                       cmocka_unit_test(types)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
