#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base64url.h"

static void known_texts(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *text;
    } cases[] = {{"", ""},           {"f", "Zg"},          {"fo", "Zm8"},           {"foo", "Zm9v"},
                 {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"\xfb\xff\xfe", "-__-"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[16];
        uint8_t bytes[16];
        size_t len = strlen(cases[i].bytes);
        es_base64url_encode((const uint8_t *)cases[i].bytes, len, text);
        assert_string_equal(text, cases[i].text);
        assert_int_equal(strlen(text), ES_BASE64URL_LEN(len));
        assert_int_equal(es_base64url_decode(es_span(text), bytes), len);
        assert_memory_equal(bytes, cases[i].bytes, len);
    }
}

static void only_one_text_has_a_value(void **state)
{
    (void)state;
    static const char *const bad[] = {"Z",    "Zg==", "Zh", "Zm9",     "Zm9vY", "Z g",
                                      "Zg\n", "+_8A", "/w", "Zm9vYg=", "Zm\xc3"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(es_base64url_decode(es_span(bad[i]), NULL), -1);
    assert_int_equal(es_base64url_decode(es_span_of("Zg\0", 3), NULL), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(known_texts), cmocka_unit_test(only_one_text_has_a_value)};
    return cmocka_run_group_tests_name("base64url", tests, NULL, NULL);
}
