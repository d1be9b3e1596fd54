/* A session whose connection is lost, or whose server or room is gone: it comes back, and tells what was missed. */
#include "chat_session_world.h"

#define REJOIN(n) \
    "> {\"type\":\"room.join\",\"payload\":{\"room\":\"lobby\",\"name\":\"Ann\",\"since\":" #n ",\"log\":\"L\"}\n"
#define RESUME "> {\"type\":\"session.resume\",\"payload\":{\"token\":\"t1\"}\n"

/* The connection is lost and there again, the session taken over. */
static void come_back(chat_world_t *w)
{
    chat_down(w, "closed without a word");
    chat_at(w, 200 * MS);
    chat_open(w);
    chat_hear(w, "welcome", "\"session\":\"s9\",\"token\":\"t9\"");
    chat_hear(w, "session.resumed", "\"ok\":true,\"session\":\"s1\",\"token\":\"t1\"");
    chat_forget(w);
}

static void a_lost_connection(void **state)
{
    chat_world_t w;
    (void)state;
    chat_world_inside(&w);
    message(&w, 1, "hello", "b1");
    chat_say(&w, "one");
    chat_say(&w, "two");
    chat_forget(&w);
    chat_down(&w, "closed without a word");
    chat_check(&w, "warn the connection to ws://a/ws is lost: closed without a word; connecting again\n");
    assert_in_range(w.wake - w.now, 100 * MS, 200 * MS);
    chat_at(&w, w.wake - w.now);
    chat_check(&w, "connect 1\n");
    chat_open(&w);
    chat_check(&w, RESUME);
    chat_hear(&w, "welcome", "\"session\":\"s9\",\"token\":\"t9\"");
    chat_check(&w, "show welcome\n");
    chat_hear(&w, "session.resumed", "\"ok\":true,\"session\":\"s1\",\"token\":\"t2\"");
    chat_check(&w, "show session.resumed\n" REJOIN(1));
    entered(&w, "L", 2, 2, "true");
    chat_check(
        &w,
        "show room.joined 2\nwarn back in lobby; 1 event happened meanwhile:\n"); /* nothing is said before that is here */
    message(&w, 2, "one", ID(1));
    chat_check(&w, "show room.message 2 one\n" SAY("two", 2));
    chat_world_close(&w);
}

static void a_server_that_goes_down_is_left(void **state)
{
    chat_world_t w;
    (void)state;
    chat_world_inside(&w);
    chat_hear(&w, "status", "\"state\":\"draining\"");
    chat_check(&w, "show status\ndrop\nwarn the connection to ws://a/ws is lost: it goes down; connecting again\n");
    chat_at(&w, w.wake - w.now);
    chat_check(&w, "connect 1\n");
    chat_world_close(&w);
}

static void nothing_was_missed(void **state)
{
    chat_world_t w;
    (void)state;
    chat_world_inside(&w);
    chat_say(&w, "one");
    come_back(&w);
    entered(&w, "L", 0, 1, "true");
    chat_check(&w, "show room.joined\nwarn back in lobby; nothing was missed\n" SAY("one", 1));
    chat_world_close(&w);
}

static void a_gap_is_told(void **state)
{
    chat_world_t w;
    (void)state;
    chat_world_inside(&w);
    message(&w, 1, "hello", "b1");
    come_back(&w);
    entered(&w, "L", 21, 21, "false");
    chat_check(&w, "show room.joined 21\n"
                   "warn 19 events will never come (number 2 to 20): the room does not keep them\n"
                   "warn back in lobby; 1 event happened meanwhile:\n");
    chat_hear(&w, "room.history", "\"room\":\"lobby\",\"events\":[],\"from\":21,\"to\":25,\"complete\":false");
    chat_check(&w, "show room.history\nwarn 5 events will never come (number 21 to 25): the room does not keep them\n");
    message(&w, 27, "later", "b2");
    chat_check(
        &w,
        "warn 1 event will never come (number 26 to 26): the room does not keep them\nshow room.message 27 later\n");
    chat_world_close(&w);
}

static void a_session_that_is_not_taken_over(void **state)
{
    chat_world_t w;
    (void)state;
    chat_world_inside(&w);
    chat_say(&w, "one");
    chat_down(&w, "closed without a word");
    chat_at(&w, 200 * MS);
    chat_open(&w);
    chat_hear(&w, "welcome", "\"session\":\"s9\",\"token\":\"t9\"");
    chat_forget(&w);
    chat_hear(&w, "session.resumed", "\"ok\":false,\"reason\":\"too old\"");
    chat_check(&w, "show session.resumed too old\n"
                   "warn the server did not take up the session: too old; this is another member now\n" REJOIN(0));
    entered(&w, "L", 9, 5, "false");
    chat_check(&w, "show room.joined 9\n"
                   "warn 4 events will never come (number 1 to 4): the room does not keep them\n"
                   "warn back in lobby; 5 events happened meanwhile:\n"
                   "warn 1 line without confirmation is said again and may be there twice\n");
    chat_world_close(&w);
}

static void a_server_without_sessions(void **state)
{
    chat_world_t w;
    (void)state;
    chat_world_inside(&w);
    chat_down(&w, "closed without a word");
    chat_at(&w, 200 * MS);
    chat_open(&w);
    chat_hear(&w, "welcome", "\"session\":\"s9\",\"token\":\"t9\"");
    chat_forget(&w);
    error(&w, "unsupported_type", "session.resume", "");
    chat_check(
        &w, "show error No.\nwarn the server did not take up the session: No.; this is another member now\n" REJOIN(0));
    chat_world_close(&w);
}

static void another_log(void **state)
{
    chat_world_t w;
    (void)state;
    chat_world_inside(&w);
    message(&w, 1, "hello", "b1");
    chat_forget(&w);
    entered(&w, "M", 3, 3, "false"); /* unasked */
    chat_check(
        &w, "show room.joined 3\nwarn the room has begun another log: of what was said before, nothing more comes\n");
    message(&w, 3, "new", "b2");
    chat_check(&w, "show room.message 3 new\n");
    chat_world_close(&w);
}

static void each_address_in_turn_and_ever_more_patience(void **state)
{
    chat_world_t w;
    uint64_t waits[14];
    (void)state;
    chat_world_inside(&w);
    for (size_t i = 0; i < 14; i++) {
        chat_forget(&w);
        chat_down(&w, "Connection refused");
        waits[i] = w.wake - w.now;
        chat_forget(&w);
        chat_at(&w, waits[i]);
        chat_check(&w, i % 2 ? "connect 0\n" : "connect 1\n");
    }
    assert_in_range(waits[0], 100 * MS, 200 * MS);
    assert_in_range(waits[3], 200 * MS, 800 * MS);
    assert_in_range(waits[13], 2500 * MS, 5 * S);
    chat_open(&w);
    chat_hear(&w, "welcome", "\"session\":\"s9\",\"token\":\"t9\"");
    chat_hear(&w, "session.resumed", "\"ok\":true,\"session\":\"s1\",\"token\":\"t1\"");
    entered(&w, "L", 0, 1, "true");
    chat_at(&w, 5 * S); /* a good connection */
    chat_down(&w, "closed without a word");
    assert_in_range(w.wake - w.now, 100 * MS, 200 * MS);
    chat_world_close(&w);
}

static void a_silent_server(void **state)
{
    chat_world_t w;
    (void)state;
    chat_world_inside(&w);
    chat_tick(&w);
    chat_at(&w, w.wake - w.now);
    chat_check(&w, "> {\"type\":\"ping\",\"payload\":{}\n");
    chat_hear(&w, "pong", "\"x\":0");
    chat_at(&w, w.wake - w.now);
    chat_check(&w, "> {\"type\":\"ping\",\"payload\":{}\n");
    chat_at(&w, w.wake - w.now);
    chat_check(&w,
               "drop\nwarn the connection to ws://a/ws is lost: it has said nothing for 15.0 s; connecting again\n");
    chat_world_close(&w);
}

static void who_stood_still_asks_first(void **state)
{
    chat_world_t w;
    (void)state;
    chat_world_inside(&w);
    chat_tick(&w);
    chat_at(&w, 3600 * S);
    chat_check(&w, "");
    assert_true(es_chat_session_inside(w.session));
    chat_world_close(&w);
}

static void put_out_of_the_room(void **state)
{
    chat_world_t w;
    (void)state;
    chat_world_inside(&w);
    chat_say(&w, "one");
    chat_forget(&w);
    error(&w, "not_in_room", "room.say", ID(1));
    chat_check(&w, "show error No.\ndrop\nwarn the connection to ws://a/ws is lost: No.; connecting again\n");
    chat_world_close(&w);
}

static void a_room_that_is_full_when_one_comes_back(void **state)
{
    chat_world_t w;
    (void)state;
    chat_world_inside(&w);
    come_back(&w);
    error(&w, "room_full", "room.join", "");
    chat_check(&w, "show error No.\ndrop\n");
    assert_false(es_chat_session_over(w.session));
    chat_world_close(&w);
}

static void a_room_that_does_not_answer(void **state)
{
    chat_world_t w;
    char text[200];
    (void)state;
    chat_world_inside(&w);
    come_back(&w);
    error(&w, "room_unavailable", "", "");
    error(&w, "room_unavailable", "", "");
    chat_check(&w,
               "show error No.\nwarn the room does not answer; what was asked waits until it does\nshow error No.\n");
    for (int i = 0; i < 20; i++) {
        chat_at(&w, 7 * S);
        chat_hear(&w, "pong", "\"x\":0");
    }
    es_chat_session_state(w.session, text, sizeof text);
    assert_string_equal(text, "entering lobby: the room does not answer");
    chat_forget(&w);
    entered(&w, "L", 0, 1, "true");
    chat_check(&w, "show room.joined\nwarn back in lobby; nothing was missed\n");
    chat_world_close(&w);
}

static void a_server_that_takes_too_long(void **state)
{
    chat_world_t w;
    (void)state;
    chat_world_inside(&w);
    chat_down(&w, "closed without a word");
    chat_at(&w, w.wake - w.now);
    chat_forget(&w);
    chat_at(&w, 10 * S);
    chat_check(&w, "drop\n");
    chat_world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lost_connection),
        cmocka_unit_test(a_server_that_goes_down_is_left),
        cmocka_unit_test(nothing_was_missed),
        cmocka_unit_test(a_gap_is_told),
        cmocka_unit_test(a_session_that_is_not_taken_over),
        cmocka_unit_test(a_server_without_sessions),
        cmocka_unit_test(another_log),
        cmocka_unit_test(each_address_in_turn_and_ever_more_patience),
        cmocka_unit_test(a_silent_server),
        cmocka_unit_test(who_stood_still_asks_first),
        cmocka_unit_test(put_out_of_the_room),
        cmocka_unit_test(a_room_that_is_full_when_one_comes_back),
        cmocka_unit_test(a_room_that_does_not_answer),
        cmocka_unit_test(a_server_that_takes_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
