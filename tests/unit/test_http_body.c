#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http/http_body.h"

typedef struct {
    es_http_parse_t rc;
    char text[8192];
    size_t len, used;
} result_t;

/* What comes out of `data`, given in pieces of `step` bytes. */
static result_t decode_in_steps(int64_t length, const char *data, size_t len, size_t step)
{
    es_http_body_t body;
    result_t out = {.rc = ES_HTTP_MORE};
    es_http_body_init(&body, length);
    while (out.rc == ES_HTTP_MORE) {
        size_t n = len - out.used < step ? len - out.used : step, used;
        es_span_t piece;
        out.rc = es_http_body_feed(&body, data + out.used, n, &used, &piece);
        assert_true(used <= n);
        if (piece.len) memcpy(out.text + out.len, piece.ptr, piece.len);
        out.len += piece.len;
        out.used += used;
        if (out.used == len && !used) break;
        if (out.used == len && out.rc == ES_HTTP_MORE && n == used) break;
    }
    out.text[out.len] = 0;
    return out;
}

static result_t decode(int64_t length, const char *data)
{
    size_t len = strlen(data);
    result_t whole = decode_in_steps(length, data, len, len ? len : 1),
             bytewise = decode_in_steps(length, data, len, 1);
    assert_int_equal(whole.rc, bytewise.rc);
    assert_int_equal(whole.used, bytewise.used);
    assert_string_equal(whole.text, bytewise.text);
    return whole;
}

static void so_many_bytes(void **state)
{
    (void)state;
    assert_int_equal(decode(0, "next").rc, ES_HTTP_DONE);
    assert_int_equal(decode(0, "next").used, 0);
    result_t five = decode(5, "hellonext");
    assert_int_equal(five.rc, ES_HTTP_DONE);
    assert_string_equal(five.text, "hello");
    assert_int_equal(five.used, 5);
    assert_int_equal(decode(5, "hell").rc, ES_HTTP_MORE);
}

static void chunks(void **state)
{
    static const struct {
        const char *data;
        es_http_parse_t rc;
        const char *text;
    } cases[] = {{"5\r\nhello\r\n0\r\n\r\nnext", ES_HTTP_DONE, "hello"},
                 {"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", ES_HTTP_DONE, "hello"},
                 {"00005\r\nhello\r\n000\r\n\r\n", ES_HTTP_DONE, "hello"},
                 {"a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n", ES_HTTP_DONE, "01234567890123456789"},
                 {"5;name=\"va;lue\"\r\nhello\r\n0;x\r\n\r\n", ES_HTTP_DONE, "hello"},
                 {"0\r\nTrailer: x\r\nOther: y\r\n\r\n", ES_HTTP_DONE, ""},
                 {"0\r\n\r\n", ES_HTTP_DONE, ""},
                 {"5\r\nhel", ES_HTTP_MORE, "hel"},
                 {"5\r\nhello\r\n0\r\n", ES_HTTP_MORE, "hello"},
                 {"\r\n", ES_HTTP_REFUSED, ""},
                 {"x\r\n", ES_HTTP_REFUSED, ""},
                 {"-1\r\n", ES_HTTP_REFUSED, ""},
                 {"0x5\r\nhello", ES_HTTP_REFUSED, ""},
                 {" 5\r\nhello", ES_HTTP_REFUSED, ""},
                 {"5 \r\nhello", ES_HTTP_REFUSED, ""},
                 {";x\r\n", ES_HTTP_REFUSED, ""},
                 {"5\nhello", ES_HTTP_REFUSED, ""},
                 {"5\rhello", ES_HTTP_REFUSED, ""},
                 {"5;a\nhello", ES_HTTP_REFUSED, ""},
                 {"5;\x01\r\nhello", ES_HTTP_REFUSED, ""},
                 {"5\r\nhelloX\r\n", ES_HTTP_REFUSED, "hello"},
                 {"5\r\nhello\n", ES_HTTP_REFUSED, "hello"},
                 {"5\r\nhello\rX", ES_HTTP_REFUSED, "hello"},
                 {"0\r\nA: b\n\r\n", ES_HTTP_REFUSED, ""},
                 {"0\r\nA: b\rc\r\n", ES_HTTP_REFUSED, ""},
                 {"0\r\n\n", ES_HTTP_REFUSED, ""},
                 {"fffffffffffff\r\n", ES_HTTP_REFUSED, ""},
                 {"10000000000000000\r\n", ES_HTTP_REFUSED, ""}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        result_t got = decode(ES_HTTP_CHUNKED, cases[i].data);
        if (got.rc != cases[i].rc || strcmp(got.text, cases[i].text) != 0)
            fail_msg("%s\n: %d \"%s\"", cases[i].data, (int)got.rc, got.text);
    }
    assert_int_equal(decode(ES_HTTP_CHUNKED, cases[0].data).used, strlen(cases[0].data) - strlen("next"));
}

static void what_means_nothing_is_bounded(void **state)
{
    char data[2 * ES_HTTP_TRAILER_MAX];
    (void)state;
    memset(data, 'x', sizeof data);
    memcpy(data, "5;", 2);
    result_t got = decode_in_steps(ES_HTTP_CHUNKED, data, sizeof data, sizeof data);
    assert_int_equal(got.rc, ES_HTTP_REFUSED);
    assert_in_range(got.used, ES_HTTP_CHUNK_LINE_MAX, ES_HTTP_CHUNK_LINE_MAX + 4);
    memcpy(data, "0\r\n", 3);
    got = decode_in_steps(ES_HTTP_CHUNKED, data, sizeof data, sizeof data);
    assert_int_equal(got.rc, ES_HTTP_REFUSED);
    assert_in_range(got.used, ES_HTTP_TRAILER_MAX, ES_HTTP_TRAILER_MAX + 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(so_many_bytes), cmocka_unit_test(chunks),
                                       cmocka_unit_test(what_means_nothing_is_bounded)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
