/* actors/room/room.c: operations in their order and once. Members are test_room_members.c, captions test_room_caption.c, history test_room_history.c. */
#include "room_log_world.h"

static void a_join_is_an_event_and_lists_who_is_there(void **state)
{
    world_t *w = *state;
    es_room_member_t rows[4];
    join(w, ANN, "ann", 1);
    join(w, BOB, "bob", 1);
    expect_done(w, BOB, 1, 2);
    const sent_t *sent = last_sent(w);
    assert_int_equal(sent->msg.count, 2);
    assert_int_equal(sent->msg.floor, 1);
    assert_int_equal(es_room_members_decode(w->shared.decoder, sent->body, sent->len, rows, 4), 2);
    assert_memory_equal(rows[0].client.ptr, ANN, 16);
    assert_memory_equal(rows[1].session.ptr, "bob", 3);
    assert_string_equal(story(w), "+ann +bob");
    assert_int_equal(es_room_members(w->room), 2);
}

static void news_carry_the_events_of_a_turn_in_order(void **state)
{
    world_t *w = *state;
    es_room_event_t events[8];
    join(w, ANN, "ann", 1);
    say(w, ANN, "ann", 2, "m1");
    say(w, ANN, "ann", 3, "m2");
    es_room_flush(w->room);
    const sent_t *sent = last_sent(w);
    assert_int_equal(sent->msg.kind, ES_ROOM_NEWS);
    assert_int_equal(sent->key_len, 11);
    assert_memory_equal(sent->key, "room/lobby\0", 11);
    assert_int_equal(sent->msg.log, 7);
    assert_int_equal(events_of(w, sent, events, 8), 3);
    for (uint64_t i = 0; i < 3; i++) assert_int_equal(events[i].rseq, i + 1);
    assert_memory_equal(events[2].msg_id.ptr, "m2", 2);
    assert_int_equal(events[2].at_ms, w->now.ms);
    size_t before = w->n_sent;
    es_room_flush(w->room);
    assert_int_equal(w->n_sent, before);
}

static void news_are_split_before_they_grow_too_large(void **state)
{
    world_t *w = *state;
    char text[ES_ROOM_TEXT_MAX + 1];
    size_t news = 0, said = 0;
    static es_room_event_t events[ES_ROOM_ROWS_MAX];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    join(w, ANN, "ann", 1);
    for (uint64_t i = 2; i < 302; i++) {
        char id[16];
        snprintf(id, sizeof id, "m%d", (int)i);
        ask(w, saying(ANN, "ann", i, id, text), NULL, 0);
    }
    es_room_flush(w->room);
    for (size_t i = 0; i < w->n_sent; i++) {
        if (w->sent[i].msg.kind != ES_ROOM_NEWS) continue;
        assert_true(w->sent[i].len <= ES_ROOM_MESSAGE_MAX);
        int n = events_of(w, &w->sent[i], events, ES_ROOM_ROWS_MAX);
        for (int k = 0; k < n; k++) assert_int_equal(events[k].rseq, ++said);
        news++;
    }
    assert_int_equal(said, 301);
    assert_int_equal(news, 3);
}

static void a_message_is_said_once_and_answered_again(void **state)
{
    world_t *w = *state;
    join(w, ANN, "ann", 1);
    say(w, ANN, "ann", 2, "hello");
    expect_done(w, ANN, 2, 2);
    say(w, ANN, "ann", 3, "more");
    say(w, ANN, "ann", 2, "hello"); /* its answer was lost */
    expect_done(w, ANN, 2, 2);
    say(w, ANN, "ann", 4, "hello"); /* under another number, as after a reconnect */
    expect_done(w, ANN, 4, 2);
    assert_string_equal(story(w), "+ann ann:hello ann:more");
    assert_int_equal(w->shared.stats.again, 2);
}

static void the_same_msg_id_of_another_is_another_message(void **state)
{
    world_t *w = *state;
    join(w, ANN, "ann", 1);
    join(w, BOB, "bob", 1);
    say(w, ANN, "ann", 2, "m");
    say(w, BOB, "bob", 2, "m");
    assert_string_equal(story(w), "+ann +bob ann:m bob:m");
}

static void what_comes_too_early_is_dropped(void **state)
{
    world_t *w = *state;
    join(w, ANN, "ann", 1);
    size_t before = w->n_sent;
    es_msg_t third = saying(ANN, "ann", 3, "b", "b");
    third.base = 2;
    ask(w, third, NULL, 0);
    assert_int_equal(w->n_sent, before);
    assert_int_equal(w->shared.stats.early, 1);
    say(w, ANN, "ann", 2, "a");
    ask(w, third, NULL, 0);
    expect_done(w, ANN, 3, 3);
    assert_string_equal(story(w), "+ann ann:a ann:b");
}

static void base_tells_a_new_actor_where_to_go_on(void **state)
{
    world_t *w = *state;
    join(w, ANN, "ann", 1);
    for (uint64_t i = 2; i <= 6; i++) {
        char id[8];
        snprintf(id, sizeof id, "m%d", (int)i);
        say(w, ANN, "ann", i, id);
    }
    load(w);
    es_msg_t next = saying(ANN, "ann", 8, "m8", "m8");
    next.base = 6; /* 6 was done, its answer lost; 7 is lost */
    ask(w, next, NULL, 0);
    assert_int_equal(w->shared.stats.early, 1);
    say(w, ANN, "ann", 6, "m6");
    expect_done(w, ANN, 6, 6);
    next.seq = 7;
    next.msg_id = next.text = es_span("m7");
    ask(w, next, NULL, 0);
    expect_done(w, ANN, 7, 7);
    assert_string_equal(story(w), "+ann ann:m2 ann:m3 ann:m4 ann:m5 ann:m6 ann:m7");
}

static void an_old_leave_does_not_end_a_newer_membership(void **state)
{
    world_t *w = *state;
    join(w, ANN, "ann", 1);
    leave(w, ANN, "ann", 2);
    join(w, ANN, "ann", 3);
    leave(w, ANN, "ann", 2);
    load(w);
    leave(w, ANN, "ann", 2);
    expect_done(w, ANN, 2, 3);
    assert_string_equal(story(w), "+ann -ann +ann");
}

static void an_old_join_does_not_bring_anybody_back(void **state)
{
    world_t *w = *state;
    join(w, ANN, "ann", 1);
    say(w, ANN, "ann", 2, "one");
    leave(w, ANN, "ann", 3);
    leave(w, ANN, "ann", 3);
    expect_done(w, ANN, 3, 3);
    join(w, ANN, "ann", 1);
    expect_refused(w, ANN, 1, "bad_request");
    join(w, ANN, "ann", 4);
    join(w, ANN, "ann", 4);
    expect_done(w, ANN, 4, 4);
    say(w, ANN, "ann", 5, "two");
    expect_done(w, ANN, 5, 5);
    assert_string_equal(story(w), "+ann ann:one -ann +ann ann:two");
}

static void who_was_taken_for_gone_may_count_anew(void **state)
{
    world_t *w = *state;
    join(w, ANN, "ann", 1);
    say(w, ANN, "ann", 2, "one");
    pass(w, SECONDS(10));
    es_room_tick(w->room, w->now);
    pass(w, SECONDS(10));
    es_room_tick(w->room, w->now);
    join(w, ANN, "ann", 1);
    expect_done(w, ANN, 1, 4);
    say(w, ANN, "ann", 2, "two");
    expect_done(w, ANN, 2, 5);
    assert_string_equal(story(w), "+ann ann:one -ann +ann ann:two");
}

static void a_refused_join_is_done_when_it_is_mended(void **state)
{
    world_t *w = *state;
    es_msg_t msg = operation(ES_ROOM_JOIN, ANN, "ann", 1);
    msg.name = es_span("");
    ask(w, msg, NULL, 0);
    expect_refused(w, ANN, 1, "bad_request");
    join(w, ANN, "ann", 1);
    expect_done(w, ANN, 1, 1);
    assert_int_equal(es_room_members(w->room), 1);
}

static void an_old_join_does_not_take_a_session_back(void **state)
{
    world_t *w = *state;
    join(w, ANN, "ann", 1);
    join(w, ANN_AGAIN, "ann", 1);
    join(w, ANN, "ann", 1);
    expect_done(w, ANN, 1, 1);
    assert_string_equal(seat_of(w, es_span("ann"))->client, ANN_AGAIN);
}

static void who_has_said_leave_is_not_heard(void **state)
{
    world_t *w = *state;
    join(w, ANN, "ann", 1);
    leave(w, ANN, "ann", 2);
    say(w, ANN, "ann", 3, "m");
    expect_refused(w, ANN, 3, "not_member");
    join(w, ANN, "ann", 4);
    say(w, ANN, "ann", 3, "m"); /* it was refused: so it stays */
    expect_refused(w, ANN, 3, "not_member");
    say(w, ANN, "ann", 5, "m");
    expect_done(w, ANN, 5, 4);
    assert_string_equal(story(w), "+ann -ann +ann ann:m");
    assert_int_equal(w->shared.stats.refused[ES_ROOM_NOT_MEMBER], 2);
}

/* Its edge was not heard for too long, and what it says arrives before the list that has it. */
static void who_says_something_is_there(void **state)
{
    world_t *w = *state;
    say(w, ANN, "ann", 5, "m");
    expect_done(w, ANN, 5, 2);
    say(w, ANN, "ann", 6, "n");
    expect_done(w, ANN, 6, 3);
    assert_string_equal(story(w), "+ann ann:m ann:n");
    assert_string_equal(seat_of(w, es_span("ann"))->client, ANN);
    w->shared.members_max = 1;
    say(w, BOB, "bob", 1, "x");
    expect_refused(w, BOB, 1, "not_member");
}

static void bad(world_t *w, es_msg_t msg)
{
    size_t stored = w->n_stored;
    ask(w, msg, NULL, 0);
    expect_refused(w, ANN, msg.seq, "bad_request");
    ask(w, msg, NULL, 0);
    expect_refused(w, ANN, msg.seq, "bad_request");
    assert_int_equal(w->n_stored, stored);
}

static void what_is_not_valid_is_refused_and_the_next_is_taken(void **state)
{
    world_t *w = *state;
    char text[ES_TEXT_MAX];
    memset(text, 'x', sizeof text);
    es_msg_t msg = operation(ES_ROOM_JOIN, ANN, "ann", 1);
    msg.name = es_span("An\nn");
    bad(w, msg);
    msg.name = es_span("");
    bad(w, msg);
    join(w, ANN, "ann", 2);
    bad(w, saying(ANN, "ann", 3, "m", ""));
    bad(w, saying(ANN, "ann", 4, "", "m"));
    bad(w, saying(ANN, "ann", 5, "m", "bell \a"));
    msg = saying(ANN, "ann", 6, "m", "m");
    msg.name = es_span("\x7f");
    bad(w, msg);
    msg = saying(ANN, "ann", 7, "m", "m");
    msg.text = es_span_of(text, ES_ROOM_TEXT_MAX + 1);
    bad(w, msg);
    assert_int_equal(w->shared.stats.too_long, 2);
    msg.seq = msg.base = 8;
    msg.text = es_span_of(text, ES_ROOM_TEXT_MAX);
    ask(w, msg, NULL, 0);
    expect_done(w, ANN, 8, 2);
    es_msg_t lines = saying(ANN, "ann", 9, "n", "two\nlines\tand a tab");
    ask(w, lines, NULL, 0);
    expect_done(w, ANN, 9, 3);
}

static void what_has_no_address_is_dropped(void **state)
{
    world_t *w = *state;
    static const char *const clients[] = {"", "aaaa", "AAAAAA0000000001", "aaaaaa000000000g", "sys/000000000000"};
    for (size_t i = 0; i < sizeof clients / sizeof *clients; i++) {
        join(w, clients[i], "ann", 1);
        ask(w, request(ES_ROOM_WHO, clients[i], 1), NULL, 0);
        ask(w, request(ES_ROOM_MEMBERS, clients[i], 1), NULL, 0);
    }
    join(w, ANN, "", 1);
    join(w, ANN, "a\x01", 1);
    join(w, ANN, "ann", 0);
    es_msg_t ahead = operation(ES_ROOM_JOIN, ANN, "ann", 1);
    ahead.base = 2;
    ask(w, ahead, NULL, 0);
    ask(w, request(ES_ROOM_DONE, ANN, 1), NULL, 0);
    ask(w, request(ES_FRAME, ANN, 1), NULL, 0);
    assert_int_equal(w->n_sent, 0);
    assert_int_equal(w->n_stored, 0);
    assert_int_equal(w->shared.stats.malformed, 5 * 3 + 6);
}

static void a_full_room_refuses_and_takes_who_comes_when_there_is_a_place(void **state)
{
    world_t *w = *state;
    w->shared.members_max = 2;
    join(w, ANN, "ann", 1);
    join(w, BOB, "bob", 1);
    join(w, CAROL, "carol", 1);
    expect_refused(w, CAROL, 1, "room_full");
    join(w, ANN_AGAIN, "ann", 1); /* she has a place */
    expect_done(w, ANN_AGAIN, 1, 2);
    list(w, EDGE_B, ANN_AGAIN, "ann", CAROL, "carol", NULL);
    assert_int_equal(w->shared.stats.not_seated, 1);
    leave(w, BOB, "bob", 2);
    join(w, CAROL, "carol", 2);
    expect_done(w, CAROL, 2, 4);
    assert_int_equal(w->shared.stats.refused[ES_ROOM_FULL], 1);
}

static void who_lists_at_most_a_thousand_and_counts_all(void **state)
{
    world_t *w = *state;
    static es_room_member_t rows[2000];
    for (unsigned i = 0; i < 1200; i++) {
        char client[24], session[24];
        snprintf(client, sizeof client, "aaaaaa%010x", i + 1);
        snprintf(session, sizeof session, "s%u", i);
        join(w, client, session, 1);
    }
    ask(w, request(ES_ROOM_WHO, CAROL, 9), NULL, 0);
    const sent_t *sent = last_sent(w);
    assert_int_equal(sent->msg.kind, ES_ROOM_PRESENT);
    assert_string_equal(sent->key, CAROL);
    assert_int_equal(sent->msg.seq, 9);
    assert_int_equal(sent->msg.count, 1200);
    assert_int_equal(es_room_members_decode(w->shared.decoder, sent->body, sent->len, rows, 2000), ES_ROOM_LISTED);
}

static void a_refusal_without_a_room(void **state)
{
    (void)state;
    es_msg_t out, msg = operation(ES_ROOM_JOIN, ANN, "ann", 4);
    assert_true(es_room_refusal(&msg, es_span("lobby"), ES_ROOM_TOO_MANY, &out));
    assert_int_equal(out.seq, 4);
    assert_true(es_span_eq(out.reason, es_span("too_many_rooms")));
    assert_int_equal(es_catalogue_check(&out, 0), ES_CHECK_OK);
    msg.kind = ES_ROOM_WHO;
    assert_false(es_room_refusal(&msg, es_span("lobby"), ES_ROOM_TOO_MANY, &out));
    msg = operation(ES_ROOM_JOIN, "?", "ann", 4);
    assert_false(es_room_refusal(&msg, es_span("lobby"), ES_ROOM_TOO_MANY, &out));
}

/* Any mix of operations, doubled, lost, out of order, with an actor that dies now and then: what each said is in the log once and in its order. */
static void whatever_comes_is_once_and_in_order(void **state)
{
    enum { SAYS = 40, CLIENTS = 3 };
    static const char *const clients[CLIENTS] = {ANN, BOB, CAROL}, *const sessions[CLIENTS] = {"ann", "bob", "carol"};
    world_t *w = *state;
    uint32_t seed = 12345;
    uint64_t base[CLIENTS] = {1, 1, 1};
    for (int i = 0; i < CLIENTS; i++) {
        join(w, clients[i], sessions[i], 1);
        base[i] = 2;
    }
    for (unsigned turn = 0; turn < 20000 && base[0] + base[1] + base[2] < 3 * (SAYS + 2); turn++) {
        seed = seed * 1103515245u + 12345u;
        unsigned who = (seed >> 16) % CLIENTS, ahead = (seed >> 20) % 8;
        uint64_t seq = base[who] + ahead;
        if ((seed >> 8) % 97 == 0) load(w);
        if (seq > SAYS + 1) continue;
        char id[16];
        snprintf(id, sizeof id, "%d", (int)seq);
        es_msg_t msg = saying(clients[who], sessions[who], seq, id, id);
        msg.base = base[who];
        size_t before = w->n_sent;
        ask(w, msg, NULL, 0);
        if (w->n_sent > before && (seed >> 24) % 3 > 0) { /* or the answer is lost */
            assert_int_equal(last_sent(w)->msg.kind, ES_ROOM_DONE);
            if (last_sent(w)->msg.seq == base[who]) base[who]++;
        }
    }
    uint64_t seen[CLIENTS] = {1, 1, 1};
    for (size_t i = CLIENTS; i < w->n_stored; i++) {
        const es_room_event_t *e = &w->stored[i].event;
        int who = e->member.ptr[0] == 'a' ? 0 : e->member.ptr[0] == 'b' ? 1 : 2;
        assert_int_equal(strtoul(e->text.ptr, NULL, 10), ++seen[who]);
    }
    for (int i = 0; i < CLIENTS; i++) assert_int_equal(seen[i], SAYS + 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_join_is_an_event_and_lists_who_is_there),
        TEST(news_carry_the_events_of_a_turn_in_order),
        TEST(news_are_split_before_they_grow_too_large),
        TEST(a_message_is_said_once_and_answered_again),
        TEST(the_same_msg_id_of_another_is_another_message),
        TEST(what_comes_too_early_is_dropped),
        TEST(base_tells_a_new_actor_where_to_go_on),
        TEST(an_old_leave_does_not_end_a_newer_membership),
        TEST(an_old_join_does_not_bring_anybody_back),
        TEST(who_was_taken_for_gone_may_count_anew),
        TEST(a_refused_join_is_done_when_it_is_mended),
        TEST(an_old_join_does_not_take_a_session_back),
        TEST(who_has_said_leave_is_not_heard),
        TEST(who_says_something_is_there),
        TEST(what_is_not_valid_is_refused_and_the_next_is_taken),
        TEST(what_has_no_address_is_dropped),
        TEST(a_full_room_refuses_and_takes_who_comes_when_there_is_a_place),
        TEST(who_lists_at_most_a_thousand_and_counts_all),
        TEST(a_refusal_without_a_room),
        TEST(whatever_comes_is_once_and_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
