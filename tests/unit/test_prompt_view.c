#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "prompt_view.h"

#define CLEAR "\033[C\033[J\r\033[K"

typedef struct {
    char *text;
    size_t len, seen;
    FILE *file;
    es_prompt_view_t view;
} screen_t;

static void open_screen(screen_t *s, unsigned columns)
{
    s->text = NULL;
    s->seen = 0;
    s->file = open_memstream(&s->text, &s->len);
    es_prompt_view_init(&s->view, s->file, columns, false, "Ann> ");
}

static void close_screen(screen_t *s)
{
    fclose(s->file);
    free(s->text);
    es_prompt_view_fini(&s->view);
}

/* What was written since the last time. */
static void check(screen_t *s, const char *expected)
{
    fflush(s->file);
    assert_string_equal(s->text + s->seen, expected);
    s->seen = s->len;
}

static void draw(screen_t *s, const wchar_t *text, size_t cursor)
{
    es_prompt_view_line(&s->view, text, wcslen(text), cursor);
    es_prompt_view_draw(&s->view);
}

static void typing(void **state)
{
    screen_t s;
    (void)state;
    open_screen(&s, 20);
    draw(&s, L"", 0);
    check(&s, "Ann> ");
    draw(&s, L"h\u00e4", 2);
    check(&s, "h\xc3\xa4"); /* only what is new */
    draw(&s, L"h\u00e4", 2);
    check(&s, "");
    draw(&s, L"h\u00e4", 1);
    check(&s, "\r" CLEAR "Ann> h\xc3\xa4\r\033[6C");
    draw(&s, L"hx\u00e4", 2);
    check(&s, "\r" CLEAR "Ann> hx\xc3\xa4\r\033[7C");
    es_prompt_view_erase(&s.view);
    es_prompt_view_erase(&s.view);
    check(&s, "\r" CLEAR);
    close_screen(&s);
}

static void several_rows(void **state)
{
    screen_t s;
    (void)state;
    open_screen(&s, 10);
    draw(&s, L"12345", 5);
    check(&s, "Ann> 12345 \r"); /* the terminal wraps when the next character comes */
    draw(&s, L"123456", 6);
    check(&s, "6");
    draw(&s, L"123456789012345678", 1);
    check(&s, "\r\033[1A" CLEAR "Ann> 123456789012345678\033[2A\r\033[6C");
    es_prompt_view_erase(&s.view);
    check(&s, "\r" CLEAR);
    draw(&s, L"123456789012345678", 18);
    es_prompt_view_erase(&s.view);
    check(&s, "Ann> 123456789012345678\r\033[2A" CLEAR);
    close_screen(&s);
}

static void wide_characters(void **state)
{
    screen_t s;
    (void)state;
    open_screen(&s, 10);
    draw(&s, L"1234\u6f22!", 6);
    check(&s, "Ann> 1234 \xe6\xbc\xa2!"); /* does not fit into the last column */
    es_prompt_view_erase(&s.view);
    check(&s, "\r\033[1A" CLEAR);
    draw(&s, L"e\u0301", 2);
    check(&s, "Ann> e\xcc\x81");
    close_screen(&s);
}

static void what_has_no_picture(void **state)
{
    screen_t s;
    (void)state;
    open_screen(&s, 40);
    draw(&s, L"a\tb\001\x9b\n.", 7);
    check(&s, "Ann> a  b^A\xef\xbf\xbd\n.");
    es_prompt_view_erase(&s.view);
    check(&s, "\r\033[1A" CLEAR);
    close_screen(&s);
}

static void a_status(void **state)
{
    screen_t s;
    (void)state;
    open_screen(&s, 20);
    draw(&s, L"hi", 2);
    es_prompt_view_status(&s.view, "Bob: ", "one two");
    check(&s, "Ann> hi\r" CLEAR);
    es_prompt_view_draw(&s.view);
    check(&s, "Bob: one two\nAnn> hi");
    es_prompt_view_status(&s.view, "Bob: ", "one two");
    check(&s, "");
    es_prompt_view_status(&s.view, "Bob: ", "one two three four five");
    es_prompt_view_draw(&s.view);
    check(&s, "\r\033[1A" CLEAR "Bob: \xe2\x80\xa6ree four five\nAnn> hi"); /* its end */
    es_prompt_view_status(&s.view, "connecting again in 1 s", "");
    es_prompt_view_draw(&s.view);
    check(&s, "\r\033[1A" CLEAR "connecting again in\nAnn> hi");
    es_prompt_view_status(&s.view, "", "");
    es_prompt_view_draw(&s.view);
    check(&s, "\r\033[1A" CLEAR "Ann> hi");
    close_screen(&s);
}

static void a_terminal_that_is_made_narrower(void **state)
{
    screen_t s;
    (void)state;
    open_screen(&s, 40);
    es_prompt_view_status(&s.view, "Bob: one two", "");
    draw(&s, L"0123456789", 10);
    check(&s, "Bob: one two\nAnn> 0123456789");
    es_prompt_view_resize(&s.view, 8); /* two rows each */
    check(&s, "\r\033[3A" CLEAR);
    es_prompt_view_draw(&s.view);
    check(&s, "Bob: one two\nAnn> 0123456789");
    close_screen(&s);
}

int main(void)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(typing),          cmocka_unit_test(several_rows),
        cmocka_unit_test(wide_characters), cmocka_unit_test(what_has_no_picture),
        cmocka_unit_test(a_status),        cmocka_unit_test(a_terminal_that_is_made_narrower),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
