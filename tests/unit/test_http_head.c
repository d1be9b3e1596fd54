#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http/http_refused.h"
#include "http_head.h"

#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define WS "Host: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
#define V13 "Sec-WebSocket-Version: 13\r\n"

enum { GOOD = -1, MORE = -2 };

static char buffer[2 * ES_HTTP_HEAD_MAX];

/* What the parser says, in pieces of `step` bytes: GOOD, MORE, or the reason. */
static int parse_in_steps(es_http_head_t *head, const char *text, size_t len, size_t step)
{
    assert_true(len <= sizeof buffer);
    memcpy(buffer, text, len);
    es_http_head_init(head);
    for (size_t at = 0; at < len; at += step) {
        es_http_parse_t rc = es_http_head_feed(head, buffer, at + step < len ? at + step : len);
        if (rc == ES_HTTP_REFUSED) return (int)head->why;
        if (rc == ES_HTTP_DONE) return GOOD;
    }
    return MORE;
}

static int parse(es_http_head_t *head, const char *text)
{
    int bytewise = parse_in_steps(head, text, strlen(text), 1);
    int whole = parse_in_steps(head, text, strlen(text), strlen(text));
    assert_int_equal(bytewise, whole);
    return whole;
}

static void each_head_has_its_answer(void **state)
{
    static const struct {
        const char *head;
        int want;
    } cases[] = {
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", GOOD},
        {"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", GOOD},
        {"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", ES_HTTP_BAD_REQUEST_LINE},
        {"GET / HTTP/1.0\r\n\r\n", GOOD},
        {"GET / HTTP/1.1\r\nHost: a\r\n", MORE},
        /* the first line */
        {"GET  / HTTP/1.1\r\n", ES_HTTP_BAD_TARGET},
        {"GET / HTTP/1.1 \r\n", ES_HTTP_BAD_REQUEST_LINE},
        {"GET /\r\n", ES_HTTP_BAD_REQUEST_LINE},
        {"GET\r\n", ES_HTTP_BAD_REQUEST_LINE},
        {" GET / HTTP/1.1\r\n", ES_HTTP_BAD_REQUEST_LINE},
        {"G(T / HTTP/1.1\r\n", ES_HTTP_BAD_REQUEST_LINE},
        {"get / HTTP/1.1\r\n", ES_HTTP_METHOD_UNKNOWN},
        {"BREW / HTTP/1.1\r\n", ES_HTTP_METHOD_UNKNOWN},
        {"CONNECT a:80 HTTP/1.1\r\n", ES_HTTP_METHOD_NOT_ALLOWED},
        {"TRACE / HTTP/1.1\r\n", ES_HTTP_METHOD_NOT_ALLOWED},
        {"GET / HTTP/2.0\r\n", ES_HTTP_VERSION_UNKNOWN},
        {"PRI * HTTP/2.0\r\n", ES_HTTP_VERSION_UNKNOWN},
        {"GET / HTTP/1.2\r\n", ES_HTTP_VERSION_UNKNOWN},
        {"GET / HTTP/0.9\r\n", ES_HTTP_VERSION_UNKNOWN},
        {"GET / http/1.1\r\n", ES_HTTP_BAD_REQUEST_LINE},
        {"GET / HTTP/11\r\n", ES_HTTP_BAD_REQUEST_LINE},
        {"GET / HTTP/1.x\r\n", ES_HTTP_BAD_REQUEST_LINE},
        /* the address */
        {"GET http://a/ HTTP/1.1\r\n", ES_HTTP_BAD_TARGET},
        {"OPTIONS * HTTP/1.1\r\n", ES_HTTP_BAD_TARGET},
        {"GET /a#b HTTP/1.1\r\n", ES_HTTP_BAD_TARGET},
        {"GET /a b HTTP/1.1\r\n", ES_HTTP_BAD_TARGET},
        {"GET /\xc3\xa9 HTTP/1.1\r\n", ES_HTTP_BAD_TARGET},
        {"GET /% HTTP/1.1\r\n", ES_HTTP_BAD_TARGET},
        {"GET /%4 HTTP/1.1\r\n", ES_HTTP_BAD_TARGET},
        {"GET /%4g HTTP/1.1\r\n", ES_HTTP_BAD_TARGET},
        {"GET /%00 HTTP/1.1\r\n", ES_HTTP_BAD_TARGET},
        {"GET /a%0d%0aX:b HTTP/1.1\r\n", ES_HTTP_BAD_TARGET},
        {"GET /%ff HTTP/1.1\r\n", ES_HTTP_BAD_TARGET},
        {"GET /.. HTTP/1.1\r\n", ES_HTTP_BAD_TARGET},
        {"GET /a/../b HTTP/1.1\r\n", ES_HTTP_BAD_TARGET},
        {"GET /a/./b HTTP/1.1\r\n", ES_HTTP_BAD_TARGET},
        {"GET /a/%2e%2E/b HTTP/1.1\r\n", ES_HTTP_BAD_TARGET},
        {"GET /a%2f..%2fb HTTP/1.1\r\n", ES_HTTP_BAD_TARGET},
        {"GET /...?../x HTTP/1.1\r\nHost: a\r\n\r\n", GOOD},
        /* bytes and lines */
        {"\x16\x03\x01", ES_HTTP_BAD_BYTE},
        {"GET / HTTP/1.1\nHost: a\n\n", ES_HTTP_BAD_LINE_END},
        {"GET / HTTP/1.1\r\nHost: a\n\r\n", ES_HTTP_BAD_LINE_END},
        {"GET / HTTP/1.1\rHost: a\r\n\r\n", ES_HTTP_BAD_LINE_END},
        {"GET / HTTP/1.1\r\nA: b\rc\r\n", ES_HTTP_BAD_LINE_END},
        {"GET / HTTP/1.1\r\nA: b\r\r\n", ES_HTTP_BAD_LINE_END},
        {"GET / HTTP/1.1\r\nA: b\x01\r\n", ES_HTTP_BAD_BYTE},
        {"GET / HTTP/1.1\r\nA: b\x7f\r\n", ES_HTTP_BAD_BYTE},
        {"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer a\r\nOrigin: b\r\n\r\n", GOOD},
        {"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer a\r\nauthorization: Bearer a\r\n\r\n", ES_HTTP_BAD_FIELD},
        {"GET / HTTP/1.1\r\nHost: a\r\nOrigin: a\r\nOrigin: a\r\n\r\n", ES_HTTP_BAD_FIELD},
        {"GET / HTTP/1.1\r\nHost: a\r\nA: b\tc\xff\r\n\r\n", GOOD},
        /* fields */
        {"GET / HTTP/1.1\r\nHost: a\r\nnothing\r\n", ES_HTTP_BAD_FIELD},
        {"GET / HTTP/1.1\r\nHost : a\r\n", ES_HTTP_BAD_FIELD},
        {"GET / HTTP/1.1\r\n Host: a\r\n", ES_HTTP_BAD_FIELD},
        {"GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n c: d\r\n", ES_HTTP_BAD_FIELD},
        {"GET / HTTP/1.1\r\nHost: a\r\n\tc: d\r\n", ES_HTTP_BAD_FIELD},
        {"GET / HTTP/1.1\r\n: a\r\n", ES_HTTP_BAD_FIELD},
        {"GET / HTTP/1.1\r\nA(: a\r\n", ES_HTTP_BAD_FIELD},
        {"GET / HTTP/1.1\r\nHost: a\r\nA:\r\nB:   \r\n\r\n", GOOD},
        /* Host */
        {"GET / HTTP/1.1\r\n\r\n", ES_HTTP_BAD_HOST},
        {"GET / HTTP/1.1\r\nHost:\r\n", ES_HTTP_BAD_HOST},
        {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n", ES_HTTP_BAD_HOST},
        {"GET / HTTP/1.0\r\nHost: a\r\nhOST: b\r\n", ES_HTTP_BAD_HOST},
        {"GET / HTTP/1.1\r\nHost: a b\r\n", ES_HTTP_BAD_HOST},
        {"GET / HTTP/1.1\r\nHost: a/b\r\n", ES_HTTP_BAD_HOST},
        {"GET / HTTP/1.1\r\nHost: me@a\r\n", ES_HTTP_BAD_HOST},
        {"GET / HTTP/1.1\r\nHost: a:b\r\n", ES_HTTP_BAD_HOST},
        {"GET / HTTP/1.1\r\nHost: a:65536\r\n", ES_HTTP_BAD_HOST},
        {"GET / HTTP/1.1\r\nHost: a, b\r\n", ES_HTTP_BAD_HOST},
        {"GET / HTTP/1.1\r\nHost: [::1\r\n", ES_HTTP_BAD_HOST},
        {"GET / HTTP/1.1\r\nHost: []\r\n", ES_HTTP_BAD_HOST},
        {"GET / HTTP/1.1\r\nHost: [::1]x\r\n", ES_HTTP_BAD_HOST},
        {"GET / HTTP/1.1\r\nHost: [::1]:8000\r\n\r\n", GOOD},
        {"GET / HTTP/1.1\r\nHost: a-1.example:\r\n\r\n", GOOD},
        /* the length of the body */
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", GOOD},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775807\r\n\r\n", GOOD},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775808\r\n", ES_HTTP_BAD_LENGTH},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n", ES_HTTP_BAD_LENGTH},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n", ES_HTTP_BAD_LENGTH},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n", ES_HTTP_BAD_LENGTH},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n", ES_HTTP_BAD_LENGTH},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n", ES_HTTP_BAD_LENGTH},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n", ES_HTTP_BAD_LENGTH},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n", ES_HTTP_BAD_LENGTH},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", GOOD},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n", GOOD},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n", ES_HTTP_CODING_UNKNOWN},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n", ES_HTTP_CODING_UNKNOWN},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n", ES_HTTP_CODING_UNKNOWN},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n", ES_HTTP_CODING_UNKNOWN},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
         ES_HTTP_BAD_FRAMING},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", ES_HTTP_BAD_FRAMING},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n", ES_HTTP_BAD_FRAMING},
        {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", ES_HTTP_BAD_FRAMING},
        {"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n", GOOD},
        {"POST / HTTP/1.1\r\nHost: a\r\nExpect: a miracle\r\n", ES_HTTP_EXPECT_UNKNOWN},
        /* WebSockets */
        {"GET / HTTP/1.1\r\n" WS KEY V13 "\r\n", GOOD},
        {"GET / HTTP/1.1\r\n" WS KEY "Sec-WebSocket-Version: 8\r\n\r\n", ES_HTTP_UPGRADE_VERSION},
        {"GET / HTTP/1.1\r\n" WS KEY "\r\n", ES_HTTP_UPGRADE_VERSION},
        {"GET / HTTP/1.1\r\n" WS KEY V13 V13 "\r\n", ES_HTTP_BAD_UPGRADE},
        {"GET / HTTP/1.1\r\n" WS V13 "\r\n", ES_HTTP_BAD_UPGRADE},
        {"GET / HTTP/1.1\r\n" WS KEY KEY V13 "\r\n", ES_HTTP_BAD_UPGRADE},
        {"GET / HTTP/1.1\r\n" WS "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ\r\n" V13 "\r\n", ES_HTTP_BAD_UPGRADE},
        {"GET / HTTP/1.1\r\n" WS "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZR==\r\n" V13 "\r\n", ES_HTTP_BAD_UPGRADE},
        {"GET / HTTP/1.1\r\n" WS "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=A\r\n" V13 "\r\n", ES_HTTP_BAD_UPGRADE},
        {"POST / HTTP/1.1\r\n" WS KEY V13 "\r\n", ES_HTTP_BAD_UPGRADE},
        {"GET / HTTP/1.0\r\n" WS KEY V13 "\r\n", ES_HTTP_BAD_UPGRADE},
        {"GET / HTTP/1.1\r\n" WS KEY V13 "Content-Length: 5\r\n\r\n", ES_HTTP_BAD_UPGRADE},
        {"GET / HTTP/1.1\r\n" WS KEY V13 "Transfer-Encoding: chunked\r\n\r\n", ES_HTTP_BAD_UPGRADE},
        {"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n" KEY V13 "\r\n", ES_HTTP_BAD_UPGRADE},
        {"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n\r\n", GOOD},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        es_http_head_t head;
        int got = parse(&head, cases[i].head);
        if (got != cases[i].want) fail_msg("%s\n: %d, not %d", cases[i].head, got, cases[i].want);
    }
}

static void what_was_said_is_there(void **state)
{
    es_http_head_t head;
    (void)state;
    assert_int_equal(parse(&head, "POST /a%20b/c+d?x=%20&y HTTP/1.1\r\nHOST: a:1\r\nX-One:  two  \r\nx-one: three\r\n"
                                  "Content-Length: 17\r\nExpect: 100-continue\r\nConnection: a, Close\r\n\r\nrest"),
                     GOOD);
    assert_true(es_span_eq(es_http_head_span(&head, head.method), es_span("POST")));
    assert_true(es_span_eq(es_http_head_span(&head, head.path), es_span("/a b/c+d")));
    assert_true(es_span_eq(es_http_head_span(&head, head.query), es_span("x=%20&y")));
    assert_true(es_span_eq(es_http_head_field(&head, "host"), es_span("a:1")));
    assert_true(es_span_eq(es_http_head_field(&head, "x-one"), es_span("two")));
    assert_int_equal(es_http_head_field(&head, "none").len, 0);
    assert_int_equal(head.length, 17);
    assert_true(head.expects && head.has_length);
    assert_false(es_http_head_keeps(&head));
    assert_memory_equal(buffer + head.at, "rest", 4);
}

static void what_follows_from_it(void **state)
{
    es_http_head_t head;
    (void)state;
    assert_int_equal(parse(&head, "GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n"), GOOD);
    assert_false(head.expects); /* nothing to wait for */
    assert_true(es_http_head_keeps(&head));
    assert_int_equal(parse(&head, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"), GOOD);
    assert_false(es_http_head_keeps(&head));
    assert_int_equal(parse(&head, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"), GOOD);
    assert_int_equal(head.length, ES_HTTP_CHUNKED);
    assert_int_equal(parse(&head, "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: h2c, WebSocket\r\nConnection: x\r\n"
                                  "Connection: keep-alive, UPGRADE\r\n" KEY V13 "\r\n"),
                     GOOD);
    assert_true(head.upgrade);
    assert_int_equal(parse(&head, "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n\r\n"), GOOD);
    assert_false(head.upgrade);
}

/* A head with lines of that length, so many of them. */
static int head_of(size_t target, size_t lines, size_t value)
{
    static char text[4 * ES_HTTP_HEAD_MAX];
    es_http_head_t head;
    FILE *file = fmemopen(text, sizeof text, "w");
    assert_non_null(file);
    fprintf(file, "GET /%0*d HTTP/1.1\r\nHost: a\r\n", (int)target, 0);
    for (size_t i = 0; i < lines; i++) fprintf(file, "x: %0*d\r\n", (int)value, 0);
    fprintf(file, "\r\n");
    long len = ftell(file);
    fclose(file);
    return parse_in_steps(&head, text, (size_t)len < sizeof buffer ? (size_t)len : sizeof buffer, 1000);
}

static void limits_hold_to_the_byte(void **state)
{
    (void)state;
    size_t line = strlen("GET / HTTP/1.1\r\n"), host = strlen("Host: a\r\n"), field = strlen("x: \r\n");
    assert_int_equal(head_of(ES_HTTP_LINE_MAX - line, 0, 1), GOOD);
    assert_int_equal(head_of(ES_HTTP_LINE_MAX - line + 1, 0, 1), ES_HTTP_TARGET_TOO_LONG);
    assert_int_equal(head_of(1, ES_HTTP_FIELDS_MAX - 1, 1), GOOD);
    assert_int_equal(head_of(1, ES_HTTP_FIELDS_MAX, 1), ES_HTTP_HEAD_TOO_LARGE);
    size_t value = ES_HTTP_HEAD_MAX - line - 1 - host - field - 2;
    assert_int_equal(head_of(1, 1, value), GOOD);
    assert_int_equal(head_of(1, 1, value + 1), ES_HTTP_HEAD_TOO_LARGE);
}

static int with_limits(uint32_t line, uint32_t all, uint32_t fields)
{
    char text[] = "GET /abcdefgh HTTP/1.1\r\nHost: a\r\nx: y\r\n\r\n";
    const es_http_head_limits_t limits = {.line = line, .head = all, .fields = fields};
    es_http_head_t head;
    es_http_head_init(&head);
    head.limits = &limits;
    return es_http_head_feed(&head, text, sizeof text - 1) == ES_HTTP_DONE ? GOOD : (int)head.why;
}

static void lower_limits_hold_too(void **state)
{
    (void)state;
    const uint32_t line = sizeof "GET /abcdefgh HTTP/1.1\r\n" - 1, all = line + 9 + 6 + 2;
    assert_int_equal(with_limits(line, all, 2), GOOD);
    assert_int_equal(with_limits(line - 1, all, 2), ES_HTTP_TARGET_TOO_LONG);
    assert_int_equal(with_limits(line, all - 1, 2), ES_HTTP_HEAD_TOO_LARGE);
    assert_int_equal(with_limits(line, all, 1), ES_HTTP_HEAD_TOO_LARGE);
}

static void a_nul_is_no_end(void **state)
{
    static const char text[] = "GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n";
    es_http_head_t head;
    (void)state;
    assert_int_equal(parse_in_steps(&head, text, sizeof text - 1, 7), ES_HTTP_BAD_BYTE);
}

static void each_reason_has_its_words(void **state)
{
    (void)state;
    for (unsigned why = 0; why < ES_HTTP_REFUSALS; why++) {
        const es_http_refusal_t *refusal = es_http_refusal(why);
        assert_true(refusal->status >= 400 && refusal->status < 600);
        assert_true(strlen(refusal->message) > 20 && strlen(refusal->code) > 3);
        assert_null(strpbrk(refusal->message, "\"\\")); /* goes into JSON as it is */
        assert_non_null(es_http_refusal_metrics()[why]);
    }
    assert_null(es_http_refusal_metrics()[ES_HTTP_REFUSALS]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_head_has_its_answer), cmocka_unit_test(what_was_said_is_there),
        cmocka_unit_test(what_follows_from_it),     cmocka_unit_test(limits_hold_to_the_byte),
        cmocka_unit_test(lower_limits_hold_too),    cmocka_unit_test(a_nul_is_no_end),
        cmocka_unit_test(each_reason_has_its_words)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
