#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "jobs/audio_headers.h"

static void ranges(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        uint64_t size;
        es_range_t range;
        uint64_t from, to;
    } cases[] = {
        {"bytes=0-0", 10, ES_RANGE_PART, 0, 0},
        {"bytes=2-5", 10, ES_RANGE_PART, 2, 5},
        {"Bytes=2-5", 10, ES_RANGE_PART, 2, 5},
        {"bytes=2-", 10, ES_RANGE_PART, 2, 9},
        {"bytes=9-99", 10, ES_RANGE_PART, 9, 9},
        {"bytes=-3", 10, ES_RANGE_PART, 7, 9},
        {"bytes=-30", 10, ES_RANGE_PART, 0, 9},
        {"bytes=0-", 1, ES_RANGE_PART, 0, 0},
        {"bytes=10-", 10, ES_RANGE_NONE, 0, 0},
        {"bytes=10-20", 10, ES_RANGE_NONE, 0, 0},
        {"bytes=-0", 10, ES_RANGE_NONE, 0, 0},
        {"bytes=0-", 0, ES_RANGE_NONE, 0, 0},
        {"bytes=-5", 0, ES_RANGE_NONE, 0, 0},
        {"", 10, ES_RANGE_ALL, 0, 0},
        {"bytes=", 10, ES_RANGE_ALL, 0, 0},
        {"bytes=-", 10, ES_RANGE_ALL, 0, 0},
        {"bytes=5", 10, ES_RANGE_ALL, 0, 0},
        {"bytes=5-2", 10, ES_RANGE_ALL, 0, 0},
        {"bytes=0-1,4-5", 10, ES_RANGE_ALL, 0, 0},
        {"bytes= 0-1", 10, ES_RANGE_ALL, 0, 0},
        {"bytes=0x1-2", 10, ES_RANGE_ALL, 0, 0},
        {"bytes=1-2-3", 10, ES_RANGE_ALL, 0, 0},
        {"items=0-1", 10, ES_RANGE_ALL, 0, 0},
        {"bytes=18446744073709551615-", 10, ES_RANGE_ALL, 0, 0},
        {"bytes=0-18446744073709551616", 10, ES_RANGE_ALL, 0, 0},
        {"bytes=-99999999999999999999", 10, ES_RANGE_ALL, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t from = 0, to = 0;
        /* On the heap, so that a byte too many is seen. */
        size_t len = strlen(cases[i].value);
        char *value = malloc(len ? len : 1);
        memcpy(value, cases[i].value, len);
        es_range_t got = es_range_parse(es_span_of(value, len), cases[i].size, &from, &to);
        free(value);
        if (got != cases[i].range) fail_msg("%s: %d", cases[i].value, (int)got);
        if (got != ES_RANGE_PART) continue;
        assert_int_equal(from, cases[i].from);
        assert_int_equal(to, cases[i].to);
    }
}

static void names(void **state)
{
    (void)state;
    static const struct {
        const char *name, *header;
    } cases[] = {
        {"talk.wav", "attachment; filename=\"talk.wav\""},
        {"", "attachment; filename=\"recording\""},
        {"/", "attachment; filename=\"recording\""},
        {"..", "attachment; filename=\"recording\""},
        {"../../etc/passwd", "attachment; filename=\"passwd\""},
        {"C:\\temp\\.hidden.ogg", "attachment; filename=\"hidden.ogg\""},
        {"a b.mp3", "attachment; filename=\"a b.mp3\""},
        {"a\"b;c.mp3", "attachment; filename=\"a_b_c.mp3\"; filename*=UTF-8''a%22b%3Bc.mp3"},
        {"\xc3\xbc.mp3", "attachment; filename=\"_.mp3\"; filename*=UTF-8''%C3%BC.mp3"},
        {"\xf0\x9f\x8e\xa4", "attachment; filename=\"_\"; filename*=UTF-8''%F0%9F%8E%A4"},
        {"a\r\nX: y", "attachment; filename=\"a__X_ y\"; filename*=UTF-8''a__X%3A%20y"},
        {"50%.wav", "attachment; filename=\"50_.wav\"; filename*=UTF-8''50%25.wav"},
        {"a\xff.wav", "attachment; filename=\"a_.wav\""},
    };
    char header[ES_DISPOSITION_MAX];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        es_disposition(cases[i].name, header);
        assert_string_equal(header, cases[i].header);
    }
}

static void long_names_fit(void **state)
{
    (void)state;
    char name[1024], header[ES_DISPOSITION_MAX];
    for (size_t len = 250; len < sizeof name; len++) {
        memset(name, '"', len);
        name[len] = 0;
        es_disposition(name, header);
        assert_true(strlen(header) < ES_DISPOSITION_MAX);
        for (size_t i = 0; i + 1 < len; i += 2) memcpy(name + i, "\xc3\xbc", 2);
        es_disposition(name, header);
        assert_true(strlen(header) < ES_DISPOSITION_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges),
        cmocka_unit_test(names),
        cmocka_unit_test(long_names_fit),
    };
    return cmocka_run_group_tests_name("audio_headers", tests, NULL, NULL);
}
