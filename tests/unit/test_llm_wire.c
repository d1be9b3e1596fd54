#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alloc.h"
#include "envelope.h"
#include "llm_wire.h"

static void test_addresses(void **state)
{
    static const struct {
        const char *base, *address;
    } good[] = {{"http://h", "http://h/v1/chat/completions"},
                {"http://h:8080/", "http://h:8080/v1/chat/completions"},
                {"https://h/v1", "https://h/v1/chat/completions"},
                {"https://h/api/v1/", "https://h/api/v1/chat/completions"},
                {"http://[::1]:9/v1/chat/completions", "http://[::1]:9/v1/chat/completions"}};
    static const char *const bad[] = {
        "", "h:8080", "ftp://h", "http://", "http://h?x=1", "http://h/a b", "http://h/\r\nX: y"};
    char out[ES_LLM_URL_MAX], err[300], longest[4000];
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(es_llm_address(out, good[i].base, err, sizeof err), 0);
        assert_string_equal(out, good[i].address);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(es_llm_address(out, bad[i], err, sizeof err), -1);
    snprintf(longest, sizeof longest, "http://%03000d", 1);
    assert_int_equal(es_llm_address(out, longest, err, sizeof err), -1);
}

static void test_question(void **state)
{
    es_llm_question_t question = {
        .model = "m", .language = "de", .transcript = "say \"hello\"\n", .sent = 12, .all = 500};
    char *text = es_llm_question(&question);
    json_t *root = json_loads(text, 0, NULL);
    (void)state;
    const json_t *messages = json_object_get(root, "messages");
    const char *said = json_string_value(json_object_get(json_array_get(messages, 1), "content"));
    assert_string_equal(json_string_value(json_object_get(root, "model")), "m");
    assert_true(json_is_false(json_object_get(root, "stream")));
    assert_int_equal(json_array_size(messages), 2);
    assert_string_equal(said, "Language: de\nTranscript:\nsay \"hello\"\n\n"
                              "[The transcript was cut here: these are its first 12 of 500 bytes.]");
    json_decref(root);
    free(text);
    question.sent = question.all = 12;
    question.language = "";
    text = es_llm_question(&question);
    assert_null(strstr(text, "was cut here"));
    assert_null(strstr(text, "Language:"));
    free(text);
}

static const char *answer(const char *body, char err[128])
{
    static char out[ES_LLM_SUMMARY_MAX + 1];
    char *text = es_llm_answer(body, strlen(body), err, 128);
    if (!text) return NULL;
    snprintf(out, sizeof out, "%s", text);
    free(text);
    return out;
}

static void test_answers(void **state)
{
    char err[128];
    (void)state;
    assert_string_equal(answer("{\"choices\":[{\"message\":{\"content\":\" They\\tmet.\\nTwice.\\u001b \\n\"}}]}", err),
                        "They met.\nTwice. ");
    static const char *const bad[] = {"",
                                      "<html>",
                                      "[]",
                                      "{}",
                                      "{\"choices\":[]}",
                                      "{\"choices\":[{\"message\":{\"content\":7}}]}",
                                      "{\"choices\":{\"message\":1}}",
                                      "{\"choices\":[{\"message\":{\"content\":\" \\n\"}}]}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_null(answer(bad[i], err));
        assert_non_null(strstr(err, "answer"));
    }
}

static void test_a_long_answer_is_cut(void **state)
{
    size_t cap = 100000;
    char *body = es_alloc(cap), err[128];
    int n = snprintf(body, cap, "{\"choices\":[{\"message\":{\"content\":\"x");
    (void)state;
    for (int i = 0; i < 10000; i++) n += snprintf(body + n, cap - (size_t)n, "語");
    snprintf(body + n, cap - (size_t)n, "\"}}]}");
    const char *text = answer(body, err);
    assert_int_equal(strlen(text), 1 + (ES_LLM_SUMMARY_MAX - 1) / 3 * 3);
    assert_true(es_utf8_valid(text, strlen(text)));
    free(body);
}

static void test_complaints(void **state)
{
    char out[80];
    const char *openai = "{\"error\":{\"message\":\"quota\\u0007 exceeded\"}}", *other = "{\"error\":\"no model\"}";
    (void)state;
    es_llm_complaint(429, openai, strlen(openai), out, sizeof out);
    assert_string_equal(out, "it answered with status 429: quota  exceeded");
    es_llm_complaint(404, other, strlen(other), out, sizeof out);
    assert_string_equal(out, "it answered with status 404: no model");
    es_llm_complaint(500, "oops", 4, out, sizeof out);
    assert_string_equal(out, "it answered with status 500");
    const char *wide = "{\"error\":\"語語語語語語語語語語語語語語語語語語語語語語語語語語語語\"}";
    es_llm_complaint(500, wide, strlen(wide), out, sizeof out);
    assert_true(strlen(out) < sizeof out && es_utf8_valid(out, strlen(out)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),  cmocka_unit_test(test_question),
        cmocka_unit_test(test_answers),    cmocka_unit_test(test_a_long_answer_is_cut),
        cmocka_unit_test(test_complaints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
