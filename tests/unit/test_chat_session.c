#include "chat_world.h"

#define ID(n) "0000000000000abc-" #n
#define SAY(text, n) \
    "> {\"type\":\"room.say\",\"payload\":{\"room\":\"lobby\",\"text\":\"" text "\",\"msg_id\":\"" ID(n) "\"}\n"
#define JOIN "> {\"type\":\"room.join\",\"payload\":{\"room\":\"lobby\",\"name\":\"Ann\"}\n"
#define REJOIN(n) \
    "> {\"type\":\"room.join\",\"payload\":{\"room\":\"lobby\",\"name\":\"Ann\",\"since\":" #n ",\"log\":\"L\"}\n"
#define LEAVE "> {\"type\":\"room.leave\",\"payload\":{\"room\":\"lobby\"}\n"
#define RESUME "> {\"type\":\"session.resume\",\"payload\":{\"token\":\"t1\"}\n"

static void entered(chat_world_t *w, const char *log, unsigned rseq, unsigned from, const char *complete)
{
    chat_hear(w, "room.joined",
              "\"room\":\"lobby\",\"log\":\"%s\",\"rseq\":%u,\"member\":\"s1\",\"name\":\"Ann\",\"members\":[],"
              "\"history\":{\"from\":%u,\"complete\":%s}",
              log, rseq, from, complete);
}

static void message(chat_world_t *w, unsigned rseq, const char *text, const char *msg_id)
{
    chat_hear(w, "room.message",
              "\"room\":\"lobby\",\"rseq\":%u,\"member\":\"s2\",\"name\":\"Bob\",\"text\":\"%s\",\"msg_id\":\"%s\"",
              rseq, text, msg_id);
}

static void said(chat_world_t *w, const char *msg_id, unsigned rseq)
{
    chat_hear(w, "room.said", "\"room\":\"lobby\",\"msg_id\":\"%s\",\"rseq\":%u", msg_id, rseq);
}

static void error(chat_world_t *w, const char *code, const char *ref, const char *msg_id)
{
    chat_hear(w, "error", "\"code\":\"%s\",\"message\":\"No.\",\"ref\":\"%s\",\"msg_id\":\"%s\"", code, ref, msg_id);
}

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
        cmocka_unit_test(refused_for_now),
        cmocka_unit_test(refused_for_good),
        cmocka_unit_test(put_out_of_the_room),
        cmocka_unit_test(a_closed_room),
        cmocka_unit_test(a_room_that_is_full_when_one_comes_back),
        cmocka_unit_test(a_room_that_does_not_answer),
        cmocka_unit_test(nobody_there),
        cmocka_unit_test(a_server_that_takes_too_long),
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
