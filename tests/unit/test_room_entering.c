/* Into rooms and out of them, as clients of an edge see it, with a room actor made up by the test. */
#include "room_world.h"

static void joining_brings_members_history_and_then_life(void **state)
{
    (void)state;
    room_world_t *w = rw_new();
    rw_connect(w, 0);
    rw_text(w, 0, "room.join", JOIN_LOBBY);
    assert_int_equal(w->subscribed, 1);
    expect_silence(w, 0);
    request_t *join = rw_request(w, ES_ROOM_JOIN);
    assert_string_equal(join->name, "Ann");
    assert_string_equal(join->client, "abcdef0000000001");
    assert_string_equal(join->session, w->clients[0]->session);
    rw_done(w, 0, "lobby", join->seq, 3, 1);
    expect_said(
        w, 0,
        "\"members\":[{\"member\":\"s1\",\"name\":\"Ann\"}],\"total\":1,\"history\":{\"from\":1,\"complete\":true}");
    expect_silence(w, 0);
    request_t *fetch = rw_request(w, ES_ROOM_FETCH);
    assert_string_equal(fetch->client, OWN_KEY);
    assert_int_equal(fetch->from, 1);
    rw_fetched(w, -1, "lobby", fetch->seq, 1, 3, 3, 1);
    rw_turn(w, 0);
    expect_said(w, 0, "\"rseq\":1,\"time\":5,\"member\":\"s1\",\"name\":\"Ann\",\"text\":\"m1\",\"msg_id\":\"m1\"");
    expect_said(w, 0, "m2");
    expect_said(w, 0, "m3");
    w->woken[0] = false;
    rw_news(w, "lobby", 4, 4);
    assert_false(w->woken[0]);
    rw_turn(w, 0);
    assert_true(w->woken[0]);
    expect_said(w, 0, "{\"type\":\"room.message\",\"payload\":{\"room\":\"lobby\",\"rseq\":4,");
    expect_silence(w, 0);
    rw_destroy(w);
}

static void since_brings_what_was_missed_and_no_more(void **state)
{
    (void)state;
    room_world_t *w = rw_new();
    rw_connect(w, 0);
    rw_connect(w, 1);
    rw_enter(w, 0, 120);
    rw_drain(w, 0);
    rw_text(w, 1, "room.join", "{\"room\":\"lobby\",\"name\":\"Bob\",\"since\":118,\"log\":\"0000000000000abc\"}");
    rw_done(w, 1, "lobby", rw_request(w, ES_ROOM_JOIN)->seq, 121, 1);
    rw_news(w, "lobby", 121, 121);
    rw_turn(w, 0);
    expect_said(w, 1, "\"history\":{\"from\":119,\"complete\":true}");
    expect_said(w, 1, "m119");
    expect_said(w, 1, "m120");
    expect_said(w, 1, "m121");
    expect_silence(w, 1);
    rw_destroy(w);
}

static void who_was_away_for_long_catches_up_in_pages(void **state)
{
    (void)state;
    room_world_t *w = rw_new();
    rw_connect(w, 0);
    rw_connect(w, 1);
    rw_enter(w, 0, 400);
    rw_drain(w, 0);
    rw_text(w, 1, "room.join", "{\"room\":\"lobby\",\"name\":\"Bob\",\"since\":150}");
    rw_done(w, 1, "lobby", rw_request(w, ES_ROOM_JOIN)->seq, 400, 180);
    expect_said(w, 1, "\"history\":{\"from\":180,\"complete\":false}");
    uint64_t next = 180;
    while (next <= 400) {
        rw_turn(w, 0);
        const char *said = rw_said(w, 1);
        if (*said) {
            char text[16];
            snprintf(text, sizeof text, "\"m%llu\"", (unsigned long long)next++);
            if (!strstr(said, text)) fail_msg("expected %s, got %s", text, said);
            continue;
        }
        request_t *page = rw_request(w, ES_ROOM_FETCH);
        assert_non_null(page);
        assert_string_equal(page->client, w->clients[1]->id);
        assert_int_equal(page->from, next);
        rw_fetched(w, 1, "lobby", page->seq, page->from, page->from + page->count - 1, 400, 180);
    }
    expect_silence(w, 1);
    rw_news(w, "lobby", 401, 401);
    rw_turn(w, 0);
    expect_said(w, 1, "m401");
    expect_said(w, 0, "m401");
    rw_destroy(w);
}

static void what_was_left_out_of_the_history_is_told(void **state)
{
    (void)state;
    room_world_t *w = rw_new();
    rw_connect(w, 0);
    rw_connect(w, 1);
    rw_enter(w, 0, 400);
    rw_drain(w, 0);
    rw_text(w, 1, "room.join", "{\"room\":\"lobby\",\"name\":\"Bob\",\"since\":150}");
    rw_done(w, 1, "lobby", rw_request(w, ES_ROOM_JOIN)->seq, 400, 1);
    expect_said(w, 1, "\"history\":{\"from\":151,\"complete\":true}");
    rw_fetched(w, 1, "lobby", rw_request(w, ES_ROOM_FETCH)->seq, 380, 400, 400, 1);
    expect_said(w, 1, "\"events\":[],\"complete\":false,\"from\":151,\"to\":379");
    for (uint64_t rseq = 380; rseq <= 400; rseq++) expect_said(w, 1, "room.message");
    expect_silence(w, 1);
    rw_news(w, "lobby", 401, 401);
    rw_turn(w, 0);
    expect_said(w, 1, "m401");
    rw_destroy(w);
}

static void a_since_of_another_log_is_not_complete(void **state)
{
    (void)state;
    room_world_t *w = rw_new();
    rw_connect(w, 0);
    rw_text(w, 0, "room.join", "{\"room\":\"lobby\",\"name\":\"Ann\",\"since\":1,\"log\":\"00000000000000ff\"}");
    rw_done(w, 0, "lobby", rw_request(w, ES_ROOM_JOIN)->seq, 200, 1);
    expect_said(w, 0, "\"history\":{\"from\":151,\"complete\":false}");
    rw_connect(w, 1);
    rw_text(w, 1, "room.join", "{\"room\":\"lobby\",\"name\":\"Bob\",\"since\":999}");
    rw_done(w, 1, "lobby", rw_request(w, ES_ROOM_JOIN)->seq, 200, 1);
    expect_said(w, 1, "\"history\":{\"from\":151,\"complete\":false}");
    rw_destroy(w);
}

/* In and out of the lobby, as fast as the room answers. */
static void look_in(room_world_t *w, uint64_t last)
{
    rw_enter(w, 0, last);
    rw_text(w, 0, "room.leave", IN_LOBBY);
    rw_done(w, 0, "lobby", rw_request(w, ES_ROOM_LEAVE)->seq, last, 1);
    rw_drain(w, 0);
}

static void who_comes_and_goes_too_often_is_told(void **state)
{
    (void)state;
    room_world_t *w = rw_new();
    w->env.limits.join_rate = 30;
    w->env.limits.join_burst = 3;
    rw_connect(w, 0);
    rw_drain(w, 0);
    for (uint64_t last = 0; last < 3; last++) look_in(w, last);
    rw_text(w, 0, "room.join", JOIN_LOBBY);
    expect_said(w, 0, "\"code\":\"rate_limited\"");
    expect_silence(w, 0);
    w->env.now_us += 1900000;
    rw_text(w, 0, "room.join", "{\"room\":\"elsewhere\",\"name\":\"Ann\"}");
    expect_said(w, 0, "\"ref\":\"room.join\",\"room\":\"elsewhere\"");
    assert_int_equal(w->subscribed, 0);
    w->env.now_us += 100000;
    look_in(w, 3);
    rw_destroy(w);
}

static void the_edge_has_its_limits(void **state)
{
    (void)state;
    room_world_t *w = rw_new();
    for (int i = 0; i < 4; i++) rw_connect(w, i);
    for (int i = 0; i < 3; i++) rw_text(w, i, "room.join", "{\"room\":\"a\",\"name\":\"n\"}");
    rw_text(w, 3, "room.join", "{\"room\":\"a\",\"name\":\"n\"}");
    expect_said(w, 3, "room_full");
    rw_text(w, 0, "room.join", "{\"room\":\"b\",\"name\":\"n\"}");
    rw_text(w, 1, "room.join", "{\"room\":\"c\",\"name\":\"n\"}");
    rw_text(w, 2, "room.join", "{\"room\":\"d\",\"name\":\"n\"}");
    expect_said(w, 2, "too_many_rooms");
    rw_destroy(w);
}

static void a_refused_join_leaves_nothing(void **state)
{
    (void)state;
    room_world_t *w = rw_new();
    rw_connect(w, 0);
    rw_text(w, 0, "room.join", JOIN_LOBBY);
    es_msg_t msg = {.version = ES_VERSION, .kind = ES_ROOM_REFUSED, .seq = rw_request(w, ES_ROOM_JOIN)->seq};
    ES_SET(&msg, ES_M_ROOM, room, es_span("lobby"));
    ES_SET(&msg, ES_M_REASON, reason, es_span("room_full"));
    es_client_answer(w->clients[0], &msg, NULL, 0);
    expect_said(w, 0, "\"code\":\"room_full\"");
    assert_int_equal(w->subscribed, 0);
    rw_text(w, 0, "room.join", JOIN_LOBBY);
    assert_non_null(rw_request(w, ES_ROOM_JOIN));
    rw_destroy(w);
}

static void who_joins_again_counts_on(void **state)
{
    (void)state;
    room_world_t *w = rw_new();
    rw_connect(w, 0);
    rw_enter(w, 0, 0);
    rw_text(w, 0, "room.leave", IN_LOBBY);
    uint64_t leave = rw_request(w, ES_ROOM_LEAVE)->seq;
    rw_done(w, 0, "lobby", leave, 1, 1);
    rw_text(w, 0, "room.join", JOIN_LOBBY);
    for (int i = 0; i < 64; i++) rw_text(w, 0, "room.say", "{\"room\":\"lobby\",\"text\":\"hi\"}");
    request_t *join = rw_request(w, ES_ROOM_JOIN);
    assert_int_equal(join->seq, leave + 1);
    assert_int_equal(join->base, leave + 1);
    /* What waited behind a refused join waits no more. */
    es_msg_t msg = {.version = ES_VERSION, .kind = ES_ROOM_REFUSED, .seq = join->seq};
    ES_SET(&msg, ES_M_ROOM, room, es_span("lobby"));
    ES_SET(&msg, ES_M_REASON, reason, es_span("room_full"));
    es_client_answer(w->clients[0], &msg, NULL, 0);
    assert_int_equal(w->clients[0]->envelope.pending, 0);
    rw_destroy(w);
}

static void leaving_is_said_once(void **state)
{
    (void)state;
    room_world_t *w = rw_new();
    rw_connect(w, 0);
    rw_connect(w, 1);
    rw_enter(w, 0, 0);
    rw_enter(w, 1, 0);
    rw_drain(w, 0);
    rw_drain(w, 1);
    /* The answer comes before the event. */
    rw_text(w, 0, "room.leave", IN_LOBBY);
    rw_news(w, "lobby", 1, 1);
    rw_done(w, 0, "lobby", rw_request(w, ES_ROOM_LEAVE)->seq, 2, 1);
    expect_said(w, 0, "m1");
    expect_said(w, 0, "\"type\":\"room.left\"");
    expect_silence(w, 0);
    assert_int_equal(w->subscribed, 1);
    /* The event comes before the answer. */
    rw_news(w, "lobby", 2, 2);
    rw_text(w, 1, "room.leave", IN_LOBBY);
    rw_done(w, 1, "lobby", rw_request(w, ES_ROOM_LEAVE)->seq, 2, 1);
    expect_said(w, 1, "m1");
    expect_said(w, 1, "m2");
    expect_silence(w, 1);
    assert_int_equal(w->subscribed, 0);
    rw_text(w, 0, "room.say", "{\"room\":\"lobby\",\"text\":\"hi\"}");
    expect_said(w, 0, "not_in_room");
    rw_destroy(w);
}

static void another_log_is_joined_anew(void **state)
{
    (void)state;
    room_world_t *w = rw_new();
    rw_connect(w, 0);
    rw_enter(w, 0, 5);
    rw_drain(w, 0);
    rw_news(w, "lobby", 6, 6); /* on its way when the log changes */
    es_msg_t msg = rw_about("lobby", ES_ROOM_STATE, 0, 2, 1);
    msg.log = 77;
    es_edge_rooms_answer(w->env.rooms, &msg, NULL, 0);
    expect_said(w, 0, "m6");
    request_t *join = rw_request(w, ES_ROOM_JOIN);
    assert_non_null(join);
    es_msg_t done = rw_about("lobby", ES_ROOM_DONE, join->seq, 3, 1);
    done.log = 77;
    es_client_answer(w->clients[0], &done, NULL, 0);
    expect_said(w, 0, "\"log\":\"000000000000004d\"");
    rw_destroy(w);
}

static void who_leaves_hears_nothing_of_another_log(void **state)
{
    (void)state;
    room_world_t *w = rw_new();
    rw_connect(w, 0);
    rw_enter(w, 0, 5);
    rw_drain(w, 0);
    rw_text(w, 0, "room.leave", IN_LOBBY);
    uint64_t seq = rw_request(w, ES_ROOM_LEAVE)->seq;
    es_msg_t msg = rw_about("lobby", ES_ROOM_STATE, 0, 2, 1);
    msg.log = 77;
    es_edge_rooms_answer(w->env.rooms, &msg, NULL, 0);
    request_t *fetch = rw_request(w, ES_ROOM_FETCH);
    rw_fetched_of(w, -1, "lobby", fetch->seq, 1, 2, 2, 1, 77);
    rw_turn(w, 0);
    assert_null(rw_request(w, ES_ROOM_JOIN));
    rw_done(w, 0, "lobby", seq, 2, 1);
    expect_said(w, 0, "room.left");
    rw_destroy(w);
}

static void who_comes_back_at_once_is_let_in_when_it_has_left(void **state)
{
    (void)state;
    room_world_t *w = rw_new();
    rw_connect(w, 0);
    rw_enter(w, 0, 0);
    rw_drain(w, 0);
    rw_text(w, 0, "room.leave", IN_LOBBY);
    uint64_t leave = rw_request(w, ES_ROOM_LEAVE)->seq;
    rw_text(w, 0, "room.join", "{\"room\":\"lobby\",\"name\":\"Anna\",\"since\":1}");
    expect_silence(w, 0);
    assert_null(rw_request(w, ES_ROOM_JOIN));
    rw_text(w, 0, "room.join", JOIN_LOBBY);
    expect_said(w, 0, "\"code\":\"already_in_room\"");
    rw_done(w, 0, "lobby", leave, 1, 1);
    expect_said(w, 0, "\"type\":\"room.left\"");
    request_t *join = rw_request(w, ES_ROOM_JOIN);
    assert_non_null(join);
    assert_string_equal(join->name, "Anna");
    assert_int_equal(join->seq, leave + 1);
    rw_done(w, 0, "lobby", join->seq, 2, 1);
    expect_said(w, 0, "\"history\":{\"from\":2,\"complete\":true}");
    assert_int_equal(w->subscribed, 1);
    rw_destroy(w);
}

static void who_leaves_again_does_not_come_back(void **state)
{
    (void)state;
    room_world_t *w = rw_new();
    rw_connect(w, 0);
    rw_enter(w, 0, 0);
    rw_drain(w, 0);
    rw_text(w, 0, "room.leave", IN_LOBBY);
    uint64_t leave = rw_request(w, ES_ROOM_LEAVE)->seq;
    rw_text(w, 0, "room.join", JOIN_LOBBY);
    rw_text(w, 0, "room.leave", IN_LOBBY);
    expect_said(w, 0, "\"code\":\"not_in_room\"");
    rw_done(w, 0, "lobby", leave, 1, 1);
    assert_null(rw_request(w, ES_ROOM_JOIN));
    assert_int_equal(w->subscribed, 0);
    rw_destroy(w);
}

static void coming_back_is_entering(void **state)
{
    (void)state;
    room_world_t *w = rw_new();
    w->env.limits.join_rate = 30;
    w->env.limits.join_burst = 1;
    rw_connect(w, 0);
    rw_enter(w, 0, 0);
    rw_drain(w, 0);
    rw_text(w, 0, "room.leave", IN_LOBBY);
    rw_text(w, 0, "room.join", JOIN_LOBBY);
    rw_done(w, 0, "lobby", rw_request(w, ES_ROOM_LEAVE)->seq, 1, 1);
    expect_said(w, 0, "\"type\":\"room.left\"");
    expect_said(w, 0, "\"code\":\"rate_limited\"");
    assert_int_equal(w->subscribed, 0);
    rw_destroy(w);
}

static void leave(room_world_t *w, int i, uint64_t last)
{
    rw_text(w, i, "room.leave", IN_LOBBY);
    rw_done(w, i, "lobby", rw_request(w, ES_ROOM_LEAVE)->seq, last, 1);
    rw_drain(w, i);
}

/* The edge and its clients keep their keys: what was asked before the room was left, and comes now, is no answer to what is asked now. */
static void an_answer_from_before_is_none(void **state)
{
    (void)state;
    room_world_t *w = rw_new();
    rw_connect(w, 0);
    rw_text(w, 0, "room.join", JOIN_LOBBY);
    rw_done(w, 0, "lobby", rw_request(w, ES_ROOM_JOIN)->seq, 5, 1);
    uint64_t before = rw_request(w, ES_ROOM_FETCH)->seq;
    leave(w, 0, 5);
    rw_text(w, 0, "room.join", JOIN_LOBBY);
    rw_done(w, 0, "lobby", rw_request(w, ES_ROOM_JOIN)->seq, 5, 1);
    rw_drain(w, 0);
    rw_fetched(w, -1, "lobby", before, 4, 5, 5, 1);
    rw_turn(w, 0);
    expect_silence(w, 0);
    rw_fetched(w, -1, "lobby", rw_request(w, ES_ROOM_FETCH)->seq, 1, 5, 5, 1);
    rw_turn(w, 0);
    expect_said(w, 0, "\"m1\"");
    rw_drain(w, 0);
    rw_destroy(w);
}

static void nor_is_one_to_a_member_from_before(void **state)
{
    (void)state;
    static const char since[] = "{\"room\":\"lobby\",\"name\":\"Bob\",\"since\":150}";
    room_world_t *w = rw_new();
    rw_connect(w, 0);
    rw_connect(w, 1);
    rw_enter(w, 0, 400);
    rw_text(w, 1, "room.join", since);
    rw_done(w, 1, "lobby", rw_request(w, ES_ROOM_JOIN)->seq, 400, 1);
    uint64_t before = rw_request(w, ES_ROOM_FETCH)->seq;
    leave(w, 1, 400);
    rw_text(w, 1, "room.join", since);
    rw_done(w, 1, "lobby", rw_request(w, ES_ROOM_JOIN)->seq, 400, 1);
    rw_drain(w, 1);
    rw_fetched(w, 1, "lobby", before, 251, 260, 400, 1);
    expect_silence(w, 1);
    rw_fetched(w, 1, "lobby", rw_request(w, ES_ROOM_FETCH)->seq, 151, 160, 400, 1);
    expect_said(w, 1, "m151");
    rw_drain(w, 1);
    rw_destroy(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(joining_brings_members_history_and_then_life),
        cmocka_unit_test(since_brings_what_was_missed_and_no_more),
        cmocka_unit_test(who_was_away_for_long_catches_up_in_pages),
        cmocka_unit_test(what_was_left_out_of_the_history_is_told),
        cmocka_unit_test(a_since_of_another_log_is_not_complete),
        cmocka_unit_test(who_comes_and_goes_too_often_is_told),
        cmocka_unit_test(the_edge_has_its_limits),
        cmocka_unit_test(a_refused_join_leaves_nothing),
        cmocka_unit_test(who_joins_again_counts_on),
        cmocka_unit_test(leaving_is_said_once),
        cmocka_unit_test(another_log_is_joined_anew),
        cmocka_unit_test(who_leaves_hears_nothing_of_another_log),
        cmocka_unit_test(who_comes_back_at_once_is_let_in_when_it_has_left),
        cmocka_unit_test(who_leaves_again_does_not_come_back),
        cmocka_unit_test(coming_back_is_entering),
        cmocka_unit_test(an_answer_from_before_is_none),
        cmocka_unit_test(nor_is_one_to_a_member_from_before),
    };
    return cmocka_run_group_tests_name("room_entering", tests, NULL, NULL);
}
