#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
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
                 {"{\"type\":\"room.message\",\"payload\":{}}", ES_MESSAGE_SPOKEN},
                 {"{\"type\":\"room.joined\",\"payload\":{}}", ES_MESSAGE_JOINED},
                 {"{\"type\":\"room.joined\",\"payload\":{\"members\":[]}}", ES_MESSAGE_ENTERED},
                 {"{\"type\":\"job.done\",\"payload\":{}}", ES_MESSAGE_OTHER}};
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
    assert_string_equal(text, "{\"type\":\"audio.start\",\"payload\":{\"sample_rate\":48000,\"format\":\"pcm16\","
                              "\"partials\":true,\"resumable\":true},"
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

static void limits(void **state)
{
    (void)state;
    es_message_t m =
        parse("{\"type\":\"welcome\",\"payload\":{\"session\":\"s\",\"token\":\"t\",\"limits\":{\"say_rate\":50,"
              "\"say_burst\":10,\"max_pending\":64}}}");
    assert_string_equal(m.session, "s");
    assert_string_equal(m.token, "t");
    assert_int_equal(m.say_rate, 50);
    assert_int_equal(m.say_burst, 10);
    assert_int_equal(m.max_pending, 64);
    es_message_fini(&m);
    m = parse("{\"type\":\"welcome\",\"payload\":{\"limits\":{\"say_rate\":0}}}");
    assert_int_equal(m.say_rate, UINT64_MAX); /* 0 is no limit, */
    es_message_fini(&m);
    m = parse("{\"type\":\"welcome\",\"payload\":{\"limits\":{}}}");
    assert_int_equal(m.say_rate, 0); /* not there is not known */
    es_message_fini(&m);
}

static void an_entry(void **state)
{
    const char *member, *name;
    (void)state;
    es_message_t m =
        parse("{\"type\":\"room.joined\",\"payload\":{\"room\":\"r\",\"log\":\"9f\",\"rseq\":57,\"members\":[{"
              "\"member\":\"s1\",\"name\":\"Ann\"},7],\"total\":9,\"history\":{\"from\":8,\"complete\":true}}}");
    assert_string_equal(m.log, "9f");
    assert_int_equal(m.rseq, 57);
    assert_int_equal(m.total, 9);
    assert_int_equal(m.from, 8);
    assert_true(m.complete);
    assert_true(es_message_member(&m, 0, &member, &name));
    assert_string_equal(member, "s1");
    assert_string_equal(name, "Ann");
    assert_true(es_message_member(&m, 1, &member, &name));
    assert_string_equal(name, "");
    assert_false(es_message_member(&m, 2, &member, &name));
    es_message_fini(&m);
}

static void a_history(void **state)
{
    es_message_t event, inner;
    (void)state;
    es_message_t m = parse(
        "{\"type\":\"room.history\",\"payload\":{\"events\":[{\"type\":\"room.message\",\"rseq\":3,\"time\":7,"
        "\"name\":\"Bob\",\"text\":\"hi\"},{\"type\":\"room.history\",\"events\":[{}]},null],\"from\":3,\"to\":5}}");
    assert_int_equal(m.from, 3);
    assert_int_equal(m.to, 5);
    assert_false(m.complete);
    assert_true(es_message_event(&m, 0, &event));
    assert_int_equal(event.type, ES_MESSAGE_SPOKEN);
    assert_int_equal(event.rseq, 3);
    assert_int_equal(event.time_ms, 7);
    assert_string_equal(event.text, "hi");
    assert_true(es_message_event(&m, 1, &event));
    assert_false(es_message_event(&event, 0, &inner)); /* no deeper */
    assert_true(es_message_event(&m, 2, &event));
    assert_int_equal(event.type, ES_MESSAGE_OTHER);
    assert_false(es_message_event(&m, 3, &event));
    es_message_fini(&m);
}

static void check_says(char *text, const char *type, const char *payload)
{
    char expected[300];
    snprintf(expected, sizeof expected, "{\"type\":\"%s\",\"payload\":%s,\"timestamp\":5}", type, payload);
    assert_string_equal(text, expected);
    free(text);
}

static void what_a_member_says(void **state)
{
    (void)state;
    check_says(es_message_ping(5), "ping", "{}");
    check_says(es_message_resume("t", NULL, 5), "session.resume", "{\"token\":\"t\"}");
    es_message_resume_t stream = {.stream = "c-1", .checkpoint = "AA==", .committed = 4, .position = 9};
    check_says(es_message_resume("t", &stream, 5), "session.resume",
               "{\"token\":\"t\",\"committed\":4,\"position\":9,\"stream\":\"c-1\",\"checkpoint\":\"AA==\"}");
    check_says(es_message_join("r", "n", NULL, 0, 5), "room.join", "{\"room\":\"r\",\"name\":\"n\"}");
    check_says(es_message_join("r", "n", "9f", 0, 5), "room.join",
               "{\"room\":\"r\",\"name\":\"n\",\"since\":0,\"log\":\"9f\"}");
    check_says(es_message_leave("r", 5), "room.leave", "{\"room\":\"r\"}");
    check_says(es_message_say("r", "a\n\"", "1", 5), "room.say",
               "{\"room\":\"r\",\"text\":\"a\\n\\\"\",\"msg_id\":\"1\"}");
    check_says(es_message_who("r", 5), "room.who", "{\"room\":\"r\"}");
    check_says(es_message_history("r", 9, 7, 5), "room.history", "{\"room\":\"r\",\"before\":9,\"limit\":7}");
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
        cmocka_unit_test(limits),
        cmocka_unit_test(an_entry),
        cmocka_unit_test(a_history),
        cmocka_unit_test(what_a_member_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
