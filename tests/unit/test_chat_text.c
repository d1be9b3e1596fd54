#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "chat_text.h"

static void check_clean(const char *line, size_t len, const char *expected)
{
    char *clean = es_chat_text_clean(line, len);
    assert_string_equal(clean, expected);
    free(clean);
}

static void what_cannot_be_said_is_replaced(void **state)
{
    (void)state;
    check_clean("plain \xc3\xa4\t!", 10, "plain \xc3\xa4\t!");
    check_clean("two\nlines\r", 10, "two\nlines");
    check_clean("\r\n", 1, "");
    check_clean("", 0, "");
    check_clean("a\x1b[1m\0\x7f", 7, "a\xef\xbf\xbd[1m\xef\xbf\xbd\xef\xbf\xbd");
    check_clean("\xc2\x9b", 2, "\xef\xbf\xbd"); /* a C1 character */
    check_clean("\xff\xc3", 2, "\xef\xbf\xbd\xef\xbf\xbd");
}

static void long_lines_are_cut_at_a_space(void **state)
{
    char text[5000];
    (void)state;
    memset(text, 'x', sizeof text);
    text[4999] = '\0';
    assert_int_equal(es_chat_text_piece(text), 2048);
    text[2000] = ' ';
    assert_int_equal(es_chat_text_piece(text), 2001);
    text[2000] = 'x';
    text[100] = ' '; /* too early to be worth it */
    assert_int_equal(es_chat_text_piece(text), 2048);
    memcpy(text + 2047, "\xe2\x82\xac", 3); /* not through a character */
    assert_int_equal(es_chat_text_piece(text), 2047);
    assert_int_equal(es_chat_text_piece(text + 4000), 999);
    assert_int_equal(es_chat_text_piece(""), 0);
}

static void the_longest_line_has_no_more_pieces_than_said(void **state)
{
    char *line = malloc(ES_CHAT_LINE_MAX);
    size_t pieces = 0;
    (void)state;
    memset(line, 0xff, ES_CHAT_LINE_MAX); /* each byte becomes three */
    char *clean = es_chat_text_clean(line, ES_CHAT_LINE_MAX);
    for (const char *p = clean; *p; p += es_chat_text_piece(p)) pieces++;
    assert_in_range(pieces, 90, ES_CHAT_PIECES_MAX);
    free(clean);
    free(line);
}

static void ids(void **state)
{
    char longest[66] = {0};
    (void)state;
    memset(longest, 'a', 64);
    assert_true(es_chat_text_is_id("lobby"));
    assert_true(es_chat_text_is_id("Zo\xc3\xa9 B."));
    assert_true(es_chat_text_is_id(longest));
    longest[64] = 'a';
    assert_false(es_chat_text_is_id(longest));
    assert_false(es_chat_text_is_id(""));
    assert_false(es_chat_text_is_id("a\nb"));
    assert_false(es_chat_text_is_id("a\xff"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_be_said_is_replaced),
        cmocka_unit_test(long_lines_are_cut_at_a_space),
        cmocka_unit_test(the_longest_line_has_no_more_pieces_than_said),
        cmocka_unit_test(ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
