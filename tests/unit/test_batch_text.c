#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "batch_options.h"
#include "batch_text.h"
#include "batch_upload.h"

static void test_sizes(void **state)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } cases[] = {{0, "0 B"},           {999, "999 B"},     {1000, "1.0 kB"},       {12345678, "12.3 MB"},
                 {999949, "999.9 kB"}, {999950, "1.0 MB"}, {UINT64_MAX, "18.4 EB"}};
    char out[ES_BATCH_TEXT];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(es_batch_size(out, cases[i].bytes), cases[i].text);
}

static void test_times(void **state)
{
    char out[ES_BATCH_TEXT];
    (void)state;
    assert_string_equal(es_batch_length(out, 0), "0:00");
    assert_string_equal(es_batch_length(out, 67999), "1:07");
    assert_string_equal(es_batch_length(out, 3600000), "1:00:00");
    assert_string_equal(es_batch_length(out, 219609000), "61:00:09");
    assert_string_equal(es_batch_age(out, 0), "0 s");
    assert_string_equal(es_batch_age(out, 119000), "119 s");
    assert_string_equal(es_batch_age(out, 120000), "2 min");
    assert_string_equal(es_batch_age(out, 7200000), "2 h");
    assert_string_equal(es_batch_age(out, 864000000), "10 d");
    setenv("TZ", "UTC", 1);
    tzset();
    assert_string_equal(es_batch_time(out, 1700000000000), "2023-11-14 22:13:20");
    assert_string_equal(es_batch_time(out, 0), "-");
}

static void test_bars(void **state)
{
    char out[ES_BATCH_TEXT];
    (void)state;
    assert_string_equal(es_batch_bar(out, 0, 100), "[                        ]");
    assert_string_equal(es_batch_bar(out, 50, 100), "[############            ]");
    assert_string_equal(es_batch_bar(out, 99.9, 100), "[####################### ]");
    assert_string_equal(es_batch_bar(out, 200, 100), "[########################]");
    assert_string_equal(es_batch_bar(out, 1, 0), "[                        ]");
}

static void test_names_and_types(void **state)
{
    (void)state;
    assert_string_equal(es_batch_type("a.b/c.WAV"), "audio/wav");
    assert_string_equal(es_batch_type("c.opus"), "audio/ogg");
    assert_string_equal(es_batch_type("c"), "application/octet-stream");
    assert_string_equal(es_batch_type("c.txt"), "application/octet-stream");
    assert_string_equal(es_batch_base_name("/a/b c.wav"), "b c.wav");
    assert_string_equal(es_batch_base_name("b"), "b");
    assert_string_equal(es_batch_tail("größer", 4), "ößer");
    assert_string_equal(es_batch_tail("ab", 4), "ab");
    assert_string_equal(es_batch_tail("ab", 0), "");
}

static void test_paths(void **state)
{
    char out[ES_BATCH_PATH_MAX], longest[3000];
    es_batch_wish_t wish = {.session = "s", .priority = "-1"};
    (void)state;
    assert_int_equal(es_batch_upload_path(out, &wish, "/x/ä&?.wav"), 0);
    assert_string_equal(out, "/session/s/upload?file_name=%C3%A4%26%3F.wav&priority=-1");
    memset(longest, '&', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(es_batch_upload_path(out, &wish, longest), -1);
    longest[1250] = '\0';
    assert_int_equal(es_batch_upload_path(out, &wish, longest), 0);
    wish.webhook = longest;
    assert_int_equal(es_batch_upload_path(out, &wish, "a"), 0);
    assert_int_equal(es_batch_upload_path(out, &wish, longest), -1);
    assert_true(strlen(out) < ES_BATCH_PATH_MAX);
}

static void test_ids(void **state)
{
    (void)state;
    assert_true(es_batch_is_job("01234567-89ab-cdef-0123-456789abcdef"));
    assert_false(es_batch_is_job("01234567-89ab-cdef-0123-456789abcde"));
    assert_false(es_batch_is_job("01234567-89ab-cdef-0123-456789abcde/"));
    assert_false(es_batch_is_job("01234567-89AB-CDEF-0123-456789ABCDEF"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),           cmocka_unit_test(test_times), cmocka_unit_test(test_bars),
        cmocka_unit_test(test_names_and_types), cmocka_unit_test(test_paths), cmocka_unit_test(test_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
