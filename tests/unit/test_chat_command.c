#include "chat_world.h"

#include "chat_command.h"

static void note(void *ctx, const char *text)
{
    chat_note(ctx, ES_CHAT_NOTE, text);
}

static void type(chat_world_t *w, const char *line)
{
    es_chat_command_run(w->session, line, note, w);
    chat_tick(w);
}

#define SAY(text, n)                                                                                                   \
    "> {\"type\":\"room.say\",\"payload\":{\"room\":\"lobby\",\"text\":\"" text "\",\"msg_id\":\"0000000000000abc-" #n \
    "\"}\n"

static void lines_are_said(void **state)
{
    chat_world_t w;
    (void)state;
    chat_world_inside(&w);
    type(&w, "hello there");
    type(&w, "  with blanks around \t");
    type(&w, "");
    type(&w, "   ");
    type(&w, "//who is a command");
    chat_check(&w, SAY("hello there", 1) SAY("  with blanks around", 2) SAY("/who is a command", 3));
    chat_world_close(&w);
}

static void commands(void **state)
{
    chat_world_t w;
    (void)state;
    chat_world_inside(&w);
    type(&w, "/who");
    chat_check(&w, "> {\"type\":\"room.who\",\"payload\":{\"room\":\"lobby\"}\n");
    type(&w, "/history");
    type(&w, "/history 7 ");
    chat_check(&w, "note nothing happened before this\nnote nothing happened before this\n");
    type(&w, "/history 0");
    type(&w, "/history x");
    type(&w, "/history 101");
    chat_check(&w, "note /history takes a number from 1 to 100\nnote /history takes a number from 1 to 100\n"
                   "note /history takes a number from 1 to 100\n");
    type(&w, "/whom");
    chat_check(&w, "note there is no command /whom; /help lists them, and //whom says /whom\n");
    type(&w, "/help");
    assert_non_null(strstr(w.did, "note /history [N]  "));
    chat_forget(&w);
    type(&w, "/quit");
    chat_check(&w, "> {\"type\":\"room.leave\",\"payload\":{\"room\":\"lobby\"}\n");
    chat_world_close(&w);
}

static void outside(void **state)
{
    chat_world_t w;
    (void)state;
    chat_world_open(&w);
    type(&w, "/who");
    chat_forget(&w);
    type(&w, "/history");
    chat_check(&w, "note not in the room at the moment; ask again once back\n");
    for (unsigned i = 0; i < w.options.pending; i++) type(&w, "x");
    chat_forget(&w);
    type(&w, "x");
    chat_check(&w,
               "note too many lines wait for their confirmation: this one was not taken (the key up brings it back)\n");
    chat_world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lines_are_said), cmocka_unit_test(commands),
                                       cmocka_unit_test(outside)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
