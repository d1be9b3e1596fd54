#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "view.h"

#define ERASE "\r\033[2K"

typedef struct {
    char *text;
    size_t len;
    FILE *file;
    es_view_t view;
} screen_t;

static void open_screen(screen_t *s, es_view_mode_t mode, unsigned width)
{
    s->text = NULL;
    s->file = open_memstream(&s->text, &s->len);
    es_view_init(&s->view, s->file, NULL, mode, width, false);
}

static void say(screen_t *s, const char *text, bool final)
{
    char line[] = "{}";
    es_message_t m = {.type = ES_MESSAGE_TRANSCRIPT, .text = text, .code = "", .final = final, .line = line};
    es_view_message(&s->view, &m);
}

static void close_screen(screen_t *s, const char *expected)
{
    fclose(s->file);
    assert_string_equal(s->text, expected);
    free(s->text);
}

static void a_pipe_gets_finals_only(void **state)
{
    (void)state;
    screen_t s;
    open_screen(&s, ES_VIEW_PIPE, 80);
    say(&s, "go for", false);
    say(&s, "go forward", true);
    say(&s, "", true);
    say(&s, "turn left", true);
    close_screen(&s, "go forward\nturn left\n");
}

static void partials_change_in_place(void **state)
{
    (void)state;
    screen_t s;
    open_screen(&s, ES_VIEW_TERMINAL, 80);
    say(&s, "go", false);
    say(&s, "go for", false);
    say(&s, "go forward", true);
    close_screen(&s, ERASE "go" ERASE "go for" ERASE "go forward\n");
}

static void a_long_partial_shows_its_end(void **state)
{
    (void)state;
    screen_t s;
    open_screen(&s, ES_VIEW_TERMINAL, 10);
    say(&s,
        "12345678\xc3\xa4"
        "bcdef",
        false);
    close_screen(&s, ERASE "… 8\xc3\xa4"
                           "bcdef");
}

static void control_characters_stay_out(void **state)
{
    (void)state;
    screen_t s;
    open_screen(&s, ES_VIEW_PIPE, 80);
    say(&s, "a\033[2Jb\nc\x7f\xc2\x9bz\xc3\xa4", true);
    close_screen(&s, "a [2Jb c  z\xc3\xa4\n");
}

static void json_prints_every_line(void **state)
{
    (void)state;
    screen_t s;
    open_screen(&s, ES_VIEW_JSON, 80);
    say(&s, "x", false);
    say(&s, "y", true);
    close_screen(&s, "{}\n{}\n");
}

static void finals_are_saved_in_any_mode(void **state)
{
    (void)state;
    screen_t s;
    char *saved = NULL;
    size_t len;
    open_screen(&s, ES_VIEW_JSON, 80);
    s.view.save = open_memstream(&saved, &len);
    say(&s, "part", false);
    say(&s, "whole", true);
    say(&s, "", true);
    fclose(s.view.save);
    assert_string_equal(saved, "whole\n");
    free(saved);
    close_screen(&s, "{}\n{}\n{}\n");
}

static void waiting_is_shown(void **state)
{
    (void)state;
    screen_t s;
    open_screen(&s, ES_VIEW_TERMINAL, 80);
    es_message_t m = {.type = ES_MESSAGE_STATUS, .text = "", .code = "waiting", .queue = 2};
    es_view_message(&s.view, &m);
    close_screen(&s, ERASE "(waiting for a transcriber, place 2 in the queue)");
}

static void the_bar_moves_and_makes_way(void **state)
{
    (void)state;
    screen_t s;
    char *bar = NULL;
    size_t len;
    open_screen(&s, ES_VIEW_TERMINAL, 80);
    s.view.bar = open_memstream(&bar, &len);
    es_view_progress(&s.view, 1, 2, 10, 2);
    es_view_progress(&s.view, 1, 2, 10, 2.1); /* nothing new */
    say(&s, "hidden", false);
    say(&s, "final", true);
    es_view_progress(&s.view, 5, 2, 20, 4); /* never over 100 */
    es_view_clear(&s.view);
    fclose(s.view.bar);
    assert_string_equal(bar, ERASE "[############            ]  50 %  10.0 s  5.0 x real time" ERASE ERASE
                                   "[########################] 100 %  20.0 s  5.0 x real time" ERASE);
    free(bar);
    close_screen(&s, "final\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pipe_gets_finals_only),
        cmocka_unit_test(partials_change_in_place),
        cmocka_unit_test(a_long_partial_shows_its_end),
        cmocka_unit_test(control_characters_stay_out),
        cmocka_unit_test(json_prints_every_line),
        cmocka_unit_test(finals_are_saved_in_any_mode),
        cmocka_unit_test(waiting_is_shown),
        cmocka_unit_test(the_bar_moves_and_makes_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
