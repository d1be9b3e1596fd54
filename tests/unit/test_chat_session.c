/* Entering, saying, leaving. What becomes of it where the connection is lost is test_chat_session_recovery.c. */
#include "chat_session_world.h"

#define JOIN "> {\"type\":\"room.join\",\"payload\":{\"room\":\"lobby\",\"name\":\"Ann\"}\n"
#define LEAVE "> {\"type\":\"room.leave\",\"payload\":{\"room\":\"lobby\"}\n"

static void said(chat_world_t *w, const char *msg_id, unsigned rseq)
{
    chat_hear(w, "room.said", "\"room\":\"lobby\",\"msg_id\":\"%s\",\"rseq\":%u", msg_id, rseq);
}

static void check_over(chat_world_t *w, int status)
{
    assert_true(es_chat_session_over(w->session));
    assert_int_equal(es_chat_session_status(w->session), status);
    chat_world_close(w);
}

static void the_first_entry(void **state)
{
    chat_world_t w;
    (void)state;
    chat_world_open(&w);
    chat_tick(&w);
    chat_check(&w, "connect 0\n");
    chat_open(&w);
    chat_check(&w, "");
    chat_hear(&w, "welcome", "\"session\":\"s1\",\"token\":\"t1\"");
    chat_check(&w, "show welcome\n" JOIN);
    entered(&w, "L", 60, 11, "true");
    chat_check(&w, "show room.joined 60\nnote events before number 11 are not shown; /history asks for them\n");
    message(&w, 11, "hello", "b1");
    message(&w, 11, "hello", "b1");
    chat_check(&w, "show room.message 11 hello\n");
    chat_world_close(&w);
}

static void less_history_than_comes(void **state)
{
    chat_world_t w;
    (void)state;
    chat_world_open(&w);
    w.options.history = 2;
    chat_tick(&w);
    chat_open(&w);
    chat_hear(&w, "welcome", "\"session\":\"s1\",\"token\":\"t1\"");
    chat_forget(&w);
    entered(&w, "L", 7, 5, "false");
    chat_check(&w,
               "show room.joined 7\nnote events before number 6 are not shown and the first ones are no longer kept; "
               "/history asks for them\n");
    message(&w, 5, "five", "b1");
    message(&w, 6, "six", "b2");
    chat_check(&w, "show room.message 6 six\n");
    assert_true(es_chat_session_history(w.session, 500));
    chat_check(&w, "> {\"type\":\"room.history\",\"payload\":{\"room\":\"lobby\",\"before\":6,\"limit\":100}\n");
    chat_world_close(&w);
}

static void saying_and_leaving(void **state)
{
    chat_world_t w;
    (void)state;
    chat_world_inside(&w);
    chat_say(&w, "one");
    chat_say(&w, "");
    chat_say(&w, "two");
    chat_check(&w, SAY("one", 1) SAY("two", 2));
    es_chat_session_end(w.session, true);
    message(&w, 1, "one", ID(1));
    said(&w, ID(1), 1);
    said(&w, ID(2), 2);
    chat_check(&w, "show room.message 1 one\nshow room.said 1\nshow room.said 2\n"); /* the event 2 is still to come */
    message(&w, 2, "two", ID(2));
    chat_check(&w, "show room.message 2 two\n" LEAVE);
    chat_hear(&w, "room.left", "\"room\":\"lobby\",\"rseq\":3,\"member\":\"s2\",\"name\":\"Bob\"");
    chat_check(&w, "show room.left 3\n");
    chat_hear(&w, "room.left", "\"room\":\"lobby\",\"rseq\":9,\"member\":\"s1\",\"name\":\"Ann\"");
    chat_check(&w, "show room.left 9\nclose\n");
    chat_down(&w, "closed");
    check_over(&w, ES_CHAT_OK);
}

static void who_leaves_is_not_kept_by_a_dead_server(void **state)
{
    chat_world_t w;
    (void)state;
    chat_world_inside(&w);
    es_chat_session_end(w.session, false);
    chat_tick(&w);
    chat_check(&w, LEAVE);
    chat_at(&w, w.wake - w.now);
    chat_check(&w, "close\n");
    chat_at(&w, w.wake - w.now);
    check_over(&w, ES_CHAT_OK);
}

static void refused_for_now(void **state)
{
    chat_world_t w;
    (void)state;
    chat_world_inside(&w);
    chat_say(&w, "one");
    chat_forget(&w);
    error(&w, "rate_limited", "room.say", ID(1));
    chat_check(&w, "show error No.\n");
    chat_at(&w, w.wake - w.now);
    chat_check(&w, SAY("one", 1));
    error(&w, "too_many_pending", "room.say", ID(1));
    chat_forget(&w);
    chat_at(&w, w.wake - w.now);
    chat_check(&w, SAY("one", 1));
    chat_world_close(&w);
}

static void refused_for_good(void **state)
{
    chat_world_t w;
    (void)state;
    chat_world_inside(&w);
    chat_say(&w, "one");
    chat_say(&w, "two");
    chat_forget(&w);
    error(&w, "bad_field", "room.say", ID(1));
    chat_check(&w, "show error No.\nwarn not taken: \"one\": No. (bad_field)\n");
    said(&w, ID(2), 1);
    message(&w, 1, "two", ID(2));
    es_chat_session_end(w.session, true);
    chat_tick(&w);
    chat_hear(&w, "room.left", "\"room\":\"lobby\",\"member\":\"s1\"");
    chat_down(&w, "closed");
    check_over(&w, ES_CHAT_REFUSED);
}

static void a_closed_room(void **state)
{
    chat_world_t w;
    (void)state;
    chat_world_open(&w);
    chat_tick(&w);
    chat_open(&w);
    chat_hear(&w, "welcome", "\"session\":\"s1\",\"token\":\"t1\"");
    chat_forget(&w);
    error(&w, "room_full", "room.join", "");
    chat_check(&w, "show error No.\nwarn lobby is closed to you: No. (room_full)\nclose\n");
    chat_down(&w, "closed");
    check_over(&w, ES_CHAT_REFUSED);
}

static void nobody_there(void **state)
{
    chat_world_t w;
    (void)state;
    chat_world_open(&w);
    chat_tick(&w);
    chat_forget(&w);
    chat_down(&w, "Connection refused");
    chat_check(&w, "warn cannot enter lobby at ws://a/ws: Connection refused; trying on for 10.0 s\n");
    while (!es_chat_session_over(w.session)) {
        chat_forget(&w);
        chat_at(&w, w.wake - w.now);
        if (!es_chat_session_over(w.session)) chat_down(&w, "Connection refused");
    }
    assert_non_null(strstr(w.did, "Connection refused. Is the system up? Start it with: earshot up"));
    assert_int_equal(w.now, 11 * S);
    check_over(&w, ES_CHAT_NO_ENTRY);
}

static void the_end_does_not_wait_for_ever(void **state)
{
    chat_world_t w;
    (void)state;
    chat_world_inside(&w);
    chat_say(&w, "one");
    es_chat_session_end(w.session, true);
    for (int i = 0; i < 10 && !es_chat_session_over(w.session); i++) {
        chat_forget(&w);
        chat_at(&w, 7 * S);
        chat_hear(&w, "pong", "\"x\":0");
    }
    chat_check(&w, "warn nothing has been confirmed for 60.0 s; leaving\n");
    assert_string_equal(es_chat_session_unsaid(w.session, 0), "one");
    check_over(&w, ES_CHAT_UNSAID);
}

static void the_end_without_a_connection(void **state)
{
    chat_world_t w;
    (void)state;
    chat_world_inside(&w);
    chat_down(&w, "closed without a word");
    es_chat_session_end(w.session, false);
    chat_tick(&w);
    check_over(&w, ES_CHAT_OK);
    chat_world_open(&w);
    chat_tick(&w);
    es_chat_session_end(w.session, false);
    chat_tick(&w);
    check_over(&w, ES_CHAT_INTERRUPTED);
}

static void the_end_of_input_before_the_entry(void **state)
{
    chat_world_t w;
    (void)state;
    chat_world_open(&w);
    es_chat_session_end(w.session, true);
    chat_tick(&w);
    chat_open(&w);
    chat_hear(&w, "welcome", "\"session\":\"s1\",\"token\":\"t1\"");
    entered(&w, "L", 1, 1, "true");
    chat_forget(&w);
    chat_hear(&w, "room.left", "\"room\":\"lobby\",\"rseq\":1,\"member\":\"s1\",\"name\":\"Ann\""); /* long ago */
    chat_check(&w, "show room.left 1\n" LEAVE);
    chat_world_close(&w);
}

static void leaving_at_once(void **state)
{
    chat_world_t w;
    (void)state;
    chat_world_inside(&w);
    chat_say(&w, "one");
    es_chat_session_abort(w.session);
    es_chat_session_abort(w.session);
    check_over(&w, ES_CHAT_INTERRUPTED);
}

static void a_connection_that_is_full(void **state)
{
    chat_world_t w;
    (void)state;
    chat_world_inside(&w);
    w.full = true;
    chat_say(&w, "one");
    chat_check(&w, "");
    assert_true(w.wake - w.now < 100 * MS);
    w.full = false;
    chat_at(&w, w.wake - w.now);
    chat_check(&w, SAY("one", 1));
    chat_world_close(&w);
}

static void too_much_at_once(void **state)
{
    static char line[65536];
    chat_world_t w;
    (void)state;
    memset(line, 'x', sizeof line);
    chat_world_inside(&w);
    w.full = true;
    while (!es_chat_session_full(w.session)) chat_say(&w, "x");
    assert_int_equal(es_chat_session_say(w.session, line, sizeof line), 0);
    while (es_chat_session_say(w.session, "x", 1) == 0) continue;
    assert_int_equal(es_chat_session_say(w.session, "x", 1), -1);
    chat_world_close(&w);
}

static void history_on_request(void **state)
{
    chat_world_t w;
    (void)state;
    chat_world_inside(&w);
    assert_true(es_chat_session_history(w.session, 10));
    chat_check(&w, "note nothing happened before this\n");
    entered(&w, "M", 60, 11, "true");
    chat_forget(&w);
    assert_true(es_chat_session_history(w.session, 5));
    chat_check(&w, "> {\"type\":\"room.history\",\"payload\":{\"room\":\"lobby\",\"before\":11,\"limit\":5}\n");
    chat_hear(&w, "room.history",
              "\"room\":\"lobby\",\"events\":[{\"type\":\"room.message\",\"rseq\":6}],\"from\":6,\"to\":10,"
              "\"complete\":false");
    chat_check(&w, "show room.history\nnote there was more before that\n");
    assert_true(es_chat_session_history(w.session, 5));
    chat_check(&w, "> {\"type\":\"room.history\",\"payload\":{\"room\":\"lobby\",\"before\":6,\"limit\":5}\n");
    chat_hear(&w, "room.history", "\"room\":\"lobby\",\"events\":[],\"from\":6,\"to\":5,\"complete\":false");
    chat_check(&w, "show room.history\nnote nothing older is kept\n");
    assert_true(es_chat_session_who(w.session));
    chat_check(&w, "> {\"type\":\"room.who\",\"payload\":{\"room\":\"lobby\"}\n");
    chat_down(&w, "closed");
    assert_false(es_chat_session_who(w.session));
    assert_false(es_chat_session_history(w.session, 5));
    chat_world_close(&w);
}

static void check_state(chat_world_t *w, const char *expected)
{
    char text[200];
    chat_tick(w);
    es_chat_session_state(w->session, text, sizeof text);
    assert_string_equal(text, expected);
}

static void what_one_who_waits_should_know(void **state)
{
    chat_world_t w;
    (void)state;
    chat_world_open(&w);
    check_state(&w, "connecting to ws://a/ws");
    chat_world_close(&w);
    chat_world_inside(&w);
    check_state(&w, "");
    chat_say(&w, "one");
    check_state(&w, "");
    w.now += S;
    check_state(&w, "1 line not confirmed yet");
    es_chat_session_end(w.session, false);
    check_state(&w, "1 line not confirmed yet; Ctrl-C leaves without");
    chat_down(&w, "closed without a word");
    check_state(&w, "connecting again in 0 s (closed without a word)");
    chat_world_close(&w);
}

static void foreign_messages(void **state)
{
    chat_world_t w;
    es_message_t m;
    (void)state;
    chat_world_inside(&w);
    es_message_parse(&m, "{", 1);
    es_chat_session_hear(w.session, &m, w.now);
    es_message_fini(&m);
    chat_hear(&w, "job.progress", "\"x\":1");
    error(&w, "overrun", "", "");
    chat_check(&w, "warn a message of the server is ignored: it is not JSON\nshow job.progress\nshow error No.\n"
                   "warn the server reports: No. (overrun)\n");
    chat_world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_entry),
        cmocka_unit_test(less_history_than_comes),
        cmocka_unit_test(saying_and_leaving),
        cmocka_unit_test(who_leaves_is_not_kept_by_a_dead_server),
        cmocka_unit_test(refused_for_now),
        cmocka_unit_test(refused_for_good),
        cmocka_unit_test(a_closed_room),
        cmocka_unit_test(nobody_there),
        cmocka_unit_test(the_end_does_not_wait_for_ever),
        cmocka_unit_test(the_end_without_a_connection),
        cmocka_unit_test(the_end_of_input_before_the_entry),
        cmocka_unit_test(leaving_at_once),
        cmocka_unit_test(a_connection_that_is_full),
        cmocka_unit_test(too_much_at_once),
        cmocka_unit_test(history_on_request),
        cmocka_unit_test(what_one_who_waits_should_know),
        cmocka_unit_test(foreign_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
