#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "message.h"

static es_message_t parse(const char *text)
{
    es_message_t m;
    es_message_parse(&m, text, strlen(text));
    return m;
}

static void a_final(void **state)
{
    (void)state;
    es_message_t m =
        parse("{\"type\":\"transcript\",\"payload\":{\"client_id\":\"c\",\"seq\":31,\"text\":\"go\",\"final\":true,"
              "\"from_seq\":1,\"to_seq\":31,\"start_ms\":420,\"end_ms\":2460},\"timestamp\":17}");
    assert_int_equal(m.type, ES_MESSAGE_TRANSCRIPT);
    assert_true(m.final);
    assert_string_equal(m.text, "go");
    assert_int_equal(m.from_seq, 1);
    assert_int_equal(m.to_seq, 31);
    assert_int_equal(m.start_ms, 420);
    assert_int_equal(m.end_ms, 2460);
    assert_string_equal(
        m.line, "{\"type\":\"transcript\",\"client_id\":\"c\",\"seq\":31,\"text\":\"go\",\"final\":true,\"from_seq\":1,"
                "\"to_seq\":31,\"start_ms\":420,\"end_ms\":2460,\"timestamp\":17}");
    es_message_fini(&m);
}

static void a_confidence_stays_short(void **state)
{
    (void)state;
    es_message_t m = parse("{\"type\":\"transcript\",\"payload\":{\"confidence\":0.787,\"words\":[{\"text\":\"go\","
                           "\"start_ms\":3600000,\"confidence\":0.1}]},\"timestamp\":1760000000000}");
    assert_string_equal(m.line,
                        "{\"type\":\"transcript\",\"confidence\":0.787,\"words\":[{\"text\":\"go\",\"start_ms\":"
                        "3600000,\"confidence\":0.1}],\"timestamp\":1760000000000}");
    es_message_fini(&m);
}

static void the_other_types(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        es_message_type_t type;
    } cases[] = {{"{\"type\":\"welcome\",\"payload\":{}}", ES_MESSAGE_WELCOME},
                 {"{\"type\":\"ack\",\"payload\":{\"seq\":2}}", ES_MESSAGE_ACK},
                 {"{\"type\":\"status\",\"payload\":{\"state\":\"waiting\",\"queue\":3}}", ES_MESSAGE_STATUS},
                 {"{\"type\":\"audio.done\",\"payload\":{}}", ES_MESSAGE_DONE},
                 {"{\"type\":\"error\",\"payload\":{\"code\":\"x\",\"message\":\"y\"}}", ES_MESSAGE_ERROR},
                 {"{\"type\":\"room.message\",\"payload\":{}}", ES_MESSAGE_OTHER}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        es_message_t m = parse(cases[i].text);
        assert_int_equal(m.type, cases[i].type);
        assert_non_null(m.line);
        es_message_fini(&m);
    }
    es_message_t m = parse(cases[4].text);
    assert_string_equal(m.code, "x");
    assert_string_equal(m.text, "y");
    es_message_fini(&m);
    m = parse(cases[2].text);
    assert_string_equal(m.code, "waiting");
    assert_int_equal(m.queue, 3);
    es_message_fini(&m);
}

static void what_is_no_message(void **state)
{
    (void)state;
    static const char *const cases[] = {"",
                                        "nonsense",
                                        "[]",
                                        "{\"payload\":{}}",
                                        "{\"type\":1,\"payload\":{}}",
                                        "{\"type\":\"ack\"}",
                                        "{\"type\":\"ack\",\"payload\":[]}"};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        es_message_t m = parse(cases[i]);
        assert_int_equal(m.type, ES_MESSAGE_INVALID);
        assert_true(strlen(m.text) > 0);
        es_message_fini(&m);
    }
}

static void wrong_types_of_fields_are_absent(void **state)
{
    (void)state;
    es_message_t m = parse("{\"type\":\"transcript\",\"payload\":{\"seq\":-4,\"text\":[],\"final\":\"yes\",\"end_ms\":"
                           "12.7,\"type\":\"x\"}}");
    assert_int_equal(m.seq, 0);
    assert_string_equal(m.text, "");
    assert_false(m.final);
    assert_int_equal(m.end_ms, 12);
    assert_ptr_equal(strstr(m.line, "\"type\":\"x\""), NULL); /* the payload cannot change the type */
    es_message_fini(&m);
}

static void what_a_client_says(void **state)
{
    (void)state;
    char *text = es_message_start(48000, NULL, true, 5);
    assert_string_equal(
        text, "{\"type\":\"audio.start\",\"payload\":{\"sample_rate\":48000,\"format\":\"pcm16\",\"partials\":true},"
              "\"timestamp\":5}");
    free(text);
    text = es_message_start(8000, "en", false, 5);
    assert_non_null(strstr(text, "\"language\":\"en\""));
    assert_non_null(strstr(text, "\"partials\":false"));
    free(text);
    text = es_message_stop(6);
    assert_string_equal(text, "{\"type\":\"audio.stop\",\"payload\":{},\"timestamp\":6}");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_final),
        cmocka_unit_test(a_confidence_stays_short),
        cmocka_unit_test(the_other_types),
        cmocka_unit_test(what_is_no_message),
        cmocka_unit_test(wrong_types_of_fields_are_absent),
        cmocka_unit_test(what_a_client_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
