#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "chat_view.h"

#define TODAY UINT64_C(1700000000000) /* 14 November 2023, 22:13 */

typedef struct {
    char *text;
    size_t len;
    FILE *file;
    es_chat_view_t view;
} screen_t;

static void open_screen(screen_t *s, bool colour)
{
    s->text = NULL;
    s->file = open_memstream(&s->text, &s->len);
    es_chat_view_init(&s->view, colour, TODAY);
}

static void show(screen_t *s, const char *text)
{
    es_message_t m;
    es_message_parse(&m, text, strlen(text));
    assert_int_not_equal(m.type, ES_MESSAGE_INVALID);
    es_chat_view_message(&s->view, s->file, &m);
    es_message_fini(&m);
}

static void close_screen(screen_t *s, const char *expected)
{
    fclose(s->file);
    assert_string_equal(s->text, expected);
    free(s->text);
}

#define EVENT(type, more)                                                                                             \
    "{\"type\":\"" type "\",\"payload\":{\"rseq\":1,\"time\":1700000000000,\"name\":\"Bob\"," more "},\"timestamp\":" \
    "1}"

static void what_happens_in_a_room(void **state)
{
    screen_t s;
    (void)state;
    open_screen(&s, false);
    show(&s, EVENT("room.joined", "\"member\":\"m\""));
    show(&s, EVENT("room.message", "\"text\":\"hello\",\"msg_id\":\"1\""));
    show(&s, EVENT("room.caption", "\"text\":\"one two\",\"final\":true"));
    show(&s, EVENT("room.left", "\"member\":\"m\""));
    show(&s,
         "{\"type\":\"room.caption\",\"payload\":{\"name\":\"Bob\",\"text\":\"one\",\"final\":false},\"timestamp\":1}");
    show(&s, "{\"type\":\"room.said\",\"payload\":{\"rseq\":1},\"timestamp\":1}");
    show(&s, "{\"type\":\"pong\",\"payload\":{},\"timestamp\":1}");
    close_screen(&s, "22:13 Bob joined\n22:13 Bob: hello\n22:13 Bob (voice): one two\n22:13 Bob left\n");
}

static void who_is_here(void **state)
{
    static const char entry[] =
        "{\"type\":\"room.joined\",\"payload\":{\"room\":\"lobby\",\"name\":\"Ann\",\"members\":["
        "{\"member\":\"1\",\"name\":\"Ann\"},{\"member\":\"2\",\"name\":\"Bob\"}],\"total\":5},"
        "\"timestamp\":1}";
    screen_t s;
    (void)state;
    open_screen(&s, false);
    show(&s, entry);
    show(&s, entry); /* back again */
    show(&s, "{\"type\":\"room.members\",\"payload\":{\"members\":[{\"member\":\"1\",\"name\":\"Ann\"}],\"total\":1},"
             "\"timestamp\":1}");
    close_screen(&s, "-- in lobby as Ann; here: Ann, Bob and 3 more (5)\n-- here: Ann (1)\n");
}

static void another_day_is_named(void **state)
{
    screen_t s;
    (void)state;
    open_screen(&s, false);
    show(&s,
         "{\"type\":\"room.message\",\"payload\":{\"rseq\":1,\"time\":1699900000000,\"name\":\"Bob\",\"text\":\"a\"},"
         "\"timestamp\":1}");
    show(&s, EVENT("room.message", "\"text\":\"b\""));
    show(&s, EVENT("room.message", "\"text\":\"c\""));
    close_screen(
        &s, "-- Monday, 13 November 2023\n18:26 Bob: a\n-- Tuesday, 14 November 2023\n22:13 Bob: b\n22:13 Bob: c\n");
}

static void history_on_request(void **state)
{
    screen_t s;
    (void)state;
    open_screen(&s, false);
    show(&s, "{\"type\":\"room.history\",\"payload\":{\"events\":[{\"type\":\"room.message\",\"rseq\":1,\"time\":"
             "1700000000000,\"name\":\"Bob\",\"text\":\"a\"}],\"from\":1,\"to\":1},\"timestamp\":1}");
    show(&s, "{\"type\":\"room.history\",\"payload\":{\"events\":[],\"from\":1,\"to\":5},\"timestamp\":1}");
    close_screen(&s, "-- what was before:\n22:13 Bob: a\n");
}

static void nobody_steers_the_terminal_or_makes_lines_of_others(void **state)
{
    screen_t s;
    (void)state;
    open_screen(&s, false);
    show(&s, EVENT("room.message", "\"text\":\"a\\u001b[2J\\u009bb\\n22:13 Ann: not me\\n\\tend\""));
    es_chat_view_name(&s.view, s.file, "A\x1b[1m");
    close_screen(&s, "22:13 Bob: a [2J b\n      22:13 Ann: not me\n       end\nA [1m");
}

static void a_name_keeps_its_colour(void **state)
{
    screen_t s;
    char *first;
    (void)state;
    open_screen(&s, true);
    es_chat_view_name(&s.view, s.file, "Ann");
    fflush(s.file);
    first = strdup(s.text);
    es_chat_view_name(&s.view, s.file, "Ann");
    fflush(s.file);
    assert_memory_equal(first, "\033[", 2);
    assert_string_equal(s.text + strlen(first), first);
    free(first);
    fclose(s.file);
    free(s.text);
}

static void notes(void **state)
{
    screen_t s;
    (void)state;
    open_screen(&s, false);
    es_chat_view_note(&s.view, s.file, true, "lost");
    close_screen(&s, "-- lost\n");
}

int main(void)
{
    setenv("TZ", "UTC", 1);
    tzset();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_happens_in_a_room),
        cmocka_unit_test(who_is_here),
        cmocka_unit_test(another_day_is_named),
        cmocka_unit_test(history_on_request),
        cmocka_unit_test(nobody_steers_the_terminal_or_makes_lines_of_others),
        cmocka_unit_test(a_name_keeps_its_colour),
        cmocka_unit_test(notes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
