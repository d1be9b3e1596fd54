#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stream_place.h"

static bool take(es_stream_place_t *place, es_message_t *out, const char *text)
{
    es_message_parse(out, text, strlen(text));
    return es_stream_place_take(place, out);
}

static bool takes(es_stream_place_t *place, const char *text)
{
    es_message_t message;
    bool taken = take(place, &message, text);
    es_message_fini(&message);
    return taken;
}

static void check_resume(const es_stream_place_t *place, const char *payload)
{
    char *text = es_stream_place_resume(place, 5), expected[400];
    snprintf(expected, sizeof expected, "{\"type\":\"session.resume\",\"payload\":%s,\"timestamp\":5}", payload);
    assert_string_equal(text, expected);
    free(text);
}

#define FINAL(from, to, position, checkpoint)                                                                   \
    "{\"type\":\"transcript\",\"payload\":{\"final\":true,\"text\":\"go\",\"from_seq\":" from ",\"to_seq\":" to \
    ",\"position\":" position ",\"checkpoint\":\"" checkpoint "\"}}"

static es_stream_place_t begun(void)
{
    es_stream_place_t place = {.token = NULL};
    es_stream_place_welcome(&place, "t1");
    es_stream_place_started(&place, "c-1");
    return place;
}

static void nothing_to_go_on_with(void **state)
{
    (void)state;
    es_stream_place_t place = {.token = NULL};
    assert_null(es_stream_place_resume(&place, 5));
    es_stream_place_welcome(&place, "t1");
    assert_null(es_stream_place_resume(&place, 5));
    es_stream_place_welcome(&place, "t2"); /* the connection was lost before the stream had begun */
    es_stream_place_started(&place, "c-1");
    check_resume(&place, "{\"token\":\"t2\",\"committed\":0,\"position\":0,\"stream\":\"c-1\"}");
    es_stream_place_fini(&place);
}

static void words_and_silence_move_it(void **state)
{
    (void)state;
    es_stream_place_t place = begun();
    assert_true(takes(&place, FINAL("1", "4", "6400", "AAEC")));
    check_resume(&place,
                 "{\"token\":\"t1\",\"committed\":4,\"position\":6400,\"stream\":\"c-1\",\"checkpoint\":\"AAEC\"}");
    assert_true(takes(&place, "{\"type\":\"audio.committed\",\"payload\":{\"to_seq\":9,\"position\":14400}}"));
    check_resume(&place, "{\"token\":\"t1\",\"committed\":9,\"position\":14400,\"stream\":\"c-1\"}");
    assert_true(takes(&place, "{\"type\":\"transcript\",\"payload\":{\"final\":false,\"to_seq\":12}}"));
    assert_int_equal(place.committed, 9);
    es_stream_place_fini(&place);
}

static void each_final_once(void **state)
{
    (void)state;
    es_stream_place_t place = begun();
    assert_true(takes(&place, FINAL("1", "4", "6400", "AAEC")));
    assert_false(takes(&place, FINAL("1", "4", "6400", "AAEC")));
    assert_false(takes(&place, FINAL("1", "2", "3200", "AAEC")));
    assert_int_equal(place.position, 6400);
    es_stream_place_fini(&place);
}

static void the_session_goes_over(void **state)
{
    (void)state;
    es_stream_place_t place = begun();
    takes(&place, FINAL("1", "4", "6400", "AAEC"));
    es_stream_place_welcome(&place,
                            "another session"); /* lost before session.resumed: the old one is asked for again */
    check_resume(&place,
                 "{\"token\":\"t1\",\"committed\":4,\"position\":6400,\"stream\":\"c-1\",\"checkpoint\":\"AAEC\"}");
    es_stream_place_resumed(&place, true, "t2");
    check_resume(&place,
                 "{\"token\":\"t2\",\"committed\":4,\"position\":6400,\"stream\":\"c-1\",\"checkpoint\":\"AAEC\"}");
    es_stream_place_fini(&place);
}

static void a_stream_that_begins_anew_keeps_the_clock(void **state)
{
    es_message_t message;
    (void)state;
    es_stream_place_t place = begun();
    takes(&place, FINAL("1", "4", "6400", "AAEC"));
    es_stream_place_welcome(&place, "t2");
    es_stream_place_resumed(&place, false, "");
    assert_null(es_stream_place_resume(&place, 5));
    es_stream_place_started(&place, "d-1");
    assert_true(
        take(&place, &message,
             "{\"type\":\"transcript\",\"payload\":{\"seq\":2,\"text\":\"on\",\"final\":true,\"from_seq\":1,"
             "\"to_seq\":2,\"start_ms\":10,\"end_ms\":150,\"position\":3200,\"checkpoint\":\"BBBB\",\"words\":[{"
             "\"text\":\"on\",\"start_ms\":10,\"end_ms\":150}]}}"));
    assert_int_equal(message.from_seq, 5);
    assert_int_equal(message.to_seq, 6);
    assert_int_equal(message.start_ms, 410);
    assert_string_equal(message.text, "on");
    assert_string_equal(
        message.line, "{\"type\":\"transcript\",\"seq\":6,\"text\":\"on\",\"final\":true,\"from_seq\":5,\"to_seq\":6,"
                      "\"start_ms\":410,\"end_ms\":550,\"position\":9600,\"checkpoint\":\"BBBB\",\"words\":[{\"text\":"
                      "\"on\",\"start_ms\":410,\"end_ms\":550}]}");
    es_message_fini(&message);
    assert_int_equal(place.committed, 6);
    check_resume(&place,
                 "{\"token\":\"t2\",\"committed\":2,\"position\":3200,\"stream\":\"d-1\",\"checkpoint\":\"BBBB\"}");
    es_stream_place_fini(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_to_go_on_with),
                                       cmocka_unit_test(words_and_silence_move_it), cmocka_unit_test(each_final_once),
                                       cmocka_unit_test(the_session_goes_over),
                                       cmocka_unit_test(a_stream_that_begins_anew_keeps_the_clock)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
