#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "token.h"

/* The words of a text, with a bar between them. */
static const char *words(const char *text)
{
    static char out[512];
    char token[ES_TOKEN_MAX + 1];
    es_span_t span = es_span(text);
    size_t len = 0;
    out[0] = '\0';
    for (size_t n; (n = es_token_next(&span, token));) {
        assert_int_equal(strlen(token), n);
        len += (size_t)snprintf(out + len, sizeof out - len, "%s%s", len ? "|" : "", token);
    }
    assert_int_equal(span.len, 0);
    return out;
}

static void test_words(void **state)
{
    (void)state;
    assert_string_equal(words(""), "");
    assert_string_equal(words(" ... -- ' "), "");
    assert_string_equal(words("Go forward, ten metres!"), "go|forward|ten|metres");
    assert_string_equal(words("3.5 GB of RAM"), "3|5|gb|of|ram");
    assert_string_equal(words("it's O'Neill's well-known 'quote'"), "it's|o'neill's|well-known|quote");
    assert_string_equal(words("it\xe2\x80\x99s \xe2\x80\x9cquoted\xe2\x80\x9d \xe2\x80\x94 so\xe2\x80\xa6"),
                        "it's|quoted|so");
}

static void test_letters_beyond_ascii(void **state)
{
    (void)state;
    assert_string_equal(words("Über Ärger ÉTÉ Straße"), "über|ärger|été|straße");
    assert_string_equal(words("ПРИВЕТ Ёлка ΑΘΗΝΑ"), "привет|ёлка|αθηνα");
    assert_string_equal(words("Šárka ŽLUŤOUČKÝ Łódź"), "šárka|žluťoučký|łódź");
    assert_string_equal(words("¿qué? «oui» 3×4"), "qué|oui|3|4");
    assert_string_equal(words("日本語。テスト"), "日本語|テスト");
}

static void test_a_long_word_is_cut(void **state)
{
    char text[400], token[ES_TOKEN_MAX + 1];
    (void)state;
    memset(text, 'x', 200);
    text[200] = '\0';
    es_span_t span = es_span(text);
    assert_int_equal(es_token_next(&span, token), ES_TOKEN_MAX);
    assert_int_equal(es_token_next(&span, token), 0);
    text[0] = '\0';
    for (int i = 0; i < 100; i++) memcpy(text + 3 * i + 1, "語", 4);
    text[0] = 'a';
    span = es_span(text);
    assert_int_equal(es_token_next(&span, token), 1 + 15 * 3); /* at a character */
    assert_true(es_utf8_valid(token, strlen(token)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_letters_beyond_ascii),
        cmocka_unit_test(test_a_long_word_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
