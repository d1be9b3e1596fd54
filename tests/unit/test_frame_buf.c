#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "json_out.h"

static void frame(es_frame_buf_t *buf, size_t n, char fill)
{
    size_t place = es_frame_begin(buf);
    memset(es_frame_buf_reserve(buf, n), fill, n);
    buf->len += n;
    es_frame_end(buf, place);
}

static void headers_have_the_right_length(void **state)
{
    (void)state;
    static const struct {
        size_t n, header;
    } cases[] = {{0, 2}, {1, 2}, {125, 2}, {126, 4}, {127, 4}, {65535, 4}, {65536, 10}, {200000, 10}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        es_frame_buf_t buf = {0};
        uint8_t *data;
        frame(&buf, cases[i].n, 'x');
        assert_int_equal(es_frame_buf_size(&buf), cases[i].n + cases[i].header);
        assert_int_equal(es_frame_buf_peek(&buf, SIZE_MAX, &data), cases[i].n + cases[i].header);
        assert_int_equal(data[0], 0x81);
        assert_int_equal(data[1], cases[i].header == 2 ? cases[i].n : cases[i].header == 4 ? 126 : 127);
        size_t n = cases[i].header == 2 ? cases[i].n : 0;
        for (size_t k = 2; k < cases[i].header; k++) n = n << 8 | data[k];
        assert_int_equal(n, cases[i].n);
        for (size_t k = 0; k < n; k++) assert_int_equal(data[cases[i].header + k], 'x');
        es_frame_buf_consume(&buf, es_frame_buf_size(&buf));
        assert_null(buf.data);
    }
}

static void what_is_never_empty_does_not_grow(void **state)
{
    (void)state;
    es_frame_buf_t buf = {0};
    uint8_t *data;
    frame(&buf, 1000, 'a');
    for (int i = 1; i < 100000; i++) {
        frame(&buf, 1000, (char)('a' + i % 20));
        assert_int_equal(es_frame_buf_peek(&buf, 1004, &data), 1004);
        assert_int_equal(data[1003], 'a' + (i - 1) % 20);
        es_frame_buf_consume(&buf, 1004);
    }
    assert_true(buf.cap <= 65536);
    es_frame_buf_clear(&buf);
}

static void only_whole_frames_are_given(void **state)
{
    (void)state;
    es_frame_buf_t buf = {0};
    uint8_t *data;
    static const size_t sizes[] = {10, 200, 70000, 5};
    for (size_t i = 0; i < 4; i++) frame(&buf, sizes[i], (char)('a' + i));
    memset(buf.data + buf.head - ES_FRAME_HEADROOM, 0, ES_FRAME_HEADROOM); /* is ours to write */
    assert_int_equal(es_frame_buf_peek(&buf, 100, &data), 12);
    assert_int_equal(es_frame_buf_peek(&buf, 215, &data), 12);
    assert_int_equal(es_frame_buf_peek(&buf, 216, &data), 216);
    es_frame_buf_consume(&buf, 216);
    assert_int_equal(es_frame_buf_peek(&buf, 100, &data), 70010); /* larger than asked, but a frame */
    es_frame_buf_consume(&buf, 70010);
    frame(&buf, 3, 'z'); /* appended behind what waits */
    assert_int_equal(es_frame_buf_peek(&buf, 7, &data), 7);
    assert_int_equal(data[2], 'd');
    es_frame_buf_consume(&buf, 7);
    assert_int_equal(es_frame_buf_peek(&buf, 100, &data), 5);
    es_frame_buf_clear(&buf);
    assert_int_equal(es_frame_buf_peek(&buf, 100, &data), 0);
}

static void is(es_frame_buf_t *buf, const char *expected)
{
    assert_int_equal(es_frame_buf_size(buf), strlen(expected));
    assert_memory_equal(buf->data + buf->head, expected, strlen(expected));
    es_frame_buf_clear(buf);
}

static void json_values(void **state)
{
    (void)state;
    es_frame_buf_t buf = {0};
    es_json_uint(&buf, 0);
    is(&buf, "0");
    es_json_uint(&buf, UINT64_MAX);
    is(&buf, "18446744073709551615");
    es_json_milli(&buf, 1);
    is(&buf, "0.001");
    es_json_milli(&buf, 12345);
    is(&buf, "12.345");
    es_json_string(&buf, es_span("a\"b\\c\n\t\x01\x1f\x7f/"));
    is(&buf, "\"a\\\"b\\\\c\\n\\t\\u0001\\u001f\\u007f/\"");
    es_json_string(&buf, es_span("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x8e\xa4"));
    is(&buf, "\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x8e\xa4\"");
    es_json_string(&buf, es_span("a\xff\xc3(\xed\xa0\x80\xe2\x82"));
    is(&buf, "\"a\xef\xbf\xbd\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    es_json_string(&buf, (es_span_t){0});
    is(&buf, "\"\"");
    static const char *const coded[] = {"\"\"", "\"Zg==\"", "\"Zm8=\"", "\"Zm9v\"", "\"Zm9vYg==\""};
    for (size_t n = 0; n < 5; n++) {
        es_json_base64(&buf, es_span_of("foob", n));
        is(&buf, coded[n]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(headers_have_the_right_length),
                                       cmocka_unit_test(what_is_never_empty_does_not_grow),
                                       cmocka_unit_test(only_whole_frames_are_given), cmocka_unit_test(json_values)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
