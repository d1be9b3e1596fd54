/* Rooms as clients of an edge see them, with a room actor made up by the test. */
#include "identity_world.h"
#include "room_world.h"

#include <jansson.h>

static void a_gap_is_mended_before_anything_later(void **state)
{
    (void)state;
    room_world_t *w = rw_new();
    rw_connect(w, 0);
    rw_enter(w, 0, 0);
    rw_drain(w, 0);
    rw_news(w, "lobby", 1, 2);
    rw_news(w, "lobby", 5, 6);
    rw_turn(w, 0);
    expect_said(w, 0, "m1");
    expect_said(w, 0, "m2");
    expect_silence(w, 0);
    request_t *fetch = rw_request(w, ES_ROOM_FETCH);
    assert_int_equal(fetch->from, 3);
    rw_fetched(w, -1, "lobby", fetch->seq, 3, 4, 6, 1);
    rw_news(w, "lobby", 2, 6); /* another broker's copy */
    rw_turn(w, 0);
    expect_said(w, 0, "m3");
    expect_said(w, 0, "m4");
    expect_said(w, 0, "m5");
    expect_said(w, 0, "m6");
    expect_silence(w, 0);
    rw_destroy(w);
}

static void what_is_gone_is_said(void **state)
{
    (void)state;
    room_world_t *w = rw_new();
    rw_connect(w, 0);
    rw_enter(w, 0, 0);
    rw_drain(w, 0);
    rw_news(w, "lobby", 9, 9);
    rw_turn(w, 0);
    request_t *fetch = rw_request(w, ES_ROOM_FETCH);
    rw_fetched(w, -1, "lobby", fetch->seq, 7, 9, 9, 7);
    rw_turn(w, 0);
    expect_said(w, 0, "\"events\":[],\"complete\":false,\"from\":1,\"to\":6");
    expect_said(w, 0, "m7");
    expect_said(w, 0, "m8");
    expect_said(w, 0, "m9");
    rw_destroy(w);
}

static void saying_is_tried_until_it_is_done(void **state)
{
    (void)state;
    room_world_t *w = rw_new();
    rw_connect(w, 0);
    rw_enter(w, 0, 0);
    rw_drain(w, 0);
    rw_text(w, 0, "room.say", "{\"room\":\"lobby\",\"text\":\"hi\\nthere\",\"msg_id\":\"a1\"}");
    request_t *say = rw_request(w, ES_ROOM_SAY);
    assert_string_equal(say->text, "hi\nthere");
    assert_string_equal(say->msg_id, "a1");
    assert_string_equal(say->name, "Ann");
    uint64_t seq = say->seq;
    rw_turn(w, 400000);
    say = rw_request(w, ES_ROOM_SAY);
    assert_int_equal(say->seq, seq);
    assert_int_equal(say->base, seq);
    rw_done(w, 0, "lobby", seq, 1, 1);
    expect_said(w, 0, "{\"type\":\"room.said\",\"payload\":{\"room\":\"lobby\",\"msg_id\":\"a1\",\"rseq\":1}");
    rw_done(w, 0, "lobby", seq, 1, 1);
    expect_silence(w, 0);
    rw_text(w, 0, "room.say", "{\"room\":\"lobby\",\"text\":\"hi\"}");
    assert_true(strlen(rw_request(w, ES_ROOM_SAY)->msg_id) > 16);
    rw_destroy(w);
}

static void who_says_too_much_is_told(void **state)
{
    (void)state;
    room_world_t *w = rw_new();
    rw_connect(w, 0);
    rw_enter(w, 0, 0);
    rw_drain(w, 0);
    for (int i = 0; i < 64; i++) rw_text(w, 0, "room.say", "{\"room\":\"lobby\",\"text\":\"hi\"}");
    expect_silence(w, 0);
    rw_text(w, 0, "room.say", "{\"room\":\"lobby\",\"text\":\"hi\",\"msg_id\":\"m\"}");
    expect_said(w, 0, "\"code\":\"too_many_pending\"");
    for (int i = 0; i < 35; i++) rw_text(w, 0, "room.say", "{\"room\":\"lobby\",\"text\":\"hi\"}");
    rw_drain(w, 0);
    rw_text(w, 0, "room.say", "{\"room\":\"lobby\",\"text\":\"hi\",\"msg_id\":\"m\"}");
    expect_said(w, 0, "\"code\":\"rate_limited\"");
    w->env.now_us += 1000000;
    rw_text(w, 0, "room.say", "{\"room\":\"lobby\",\"text\":\"hi\",\"msg_id\":\"m\"}");
    expect_said(w, 0, "\"ref\":\"room.say\",\"room\":\"lobby\",\"msg_id\":\"m\"");
    rw_destroy(w);
}

static void errors_leave_the_connection_usable(void **state)
{
    (void)state;
    static const struct {
        const char *type, *payload, *code;
    } cases[] = {
        {"room.say", "{\"room\":\"x\",\"text\":\"hi\"}", "not_in_room"},
        {"room.leave", "{\"room\":\"x\"}", "not_in_room"},
        {"room.who", "{\"room\":\"x\"}", "not_in_room"},
        {"room.history", "{\"room\":\"x\"}", "not_in_room"},
        {"audio.start", "{\"sample_rate\":16000,\"format\":\"pcm16\",\"room\":\"x\"}", "not_in_room"},
        {"room.join", JOIN_LOBBY, "already_in_room"},
        {"session.resume", "{\"token\":\"x\"}", "not_first"},
    };
    room_world_t *w = rw_new();
    rw_connect(w, 0);
    rw_enter(w, 0, 0);
    rw_drain(w, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rw_text(w, 0, cases[i].type, cases[i].payload);
        expect_said(w, 0, cases[i].code);
        expect_silence(w, 0);
    }
    rw_text(w, 0, "room.join", "{\"room\":\"second\",\"name\":\"Ann\"}");
    rw_text(w, 0, "room.join", "{\"room\":\"third\",\"name\":\"Ann\"}");
    expect_said(w, 0, "too_many_rooms");
    rw_text(w, 0, "ping", "{}");
    expect_said(w, 0, "pong");
    rw_destroy(w);
}

static void members_are_announced(void **state)
{
    (void)state;
    room_world_t *w = rw_new();
    rw_connect(w, 0);
    rw_connect(w, 1);
    rw_enter(w, 0, 0);
    rw_enter(w, 1, 0);
    rw_turn(w, 100000);
    request_t *all = rw_request(w, ES_ROOM_MEMBERS);
    es_decoder_t *decoder = es_decoder_new();
    es_room_member_t members[4];
    assert_int_equal(es_room_members_decode(decoder, all->body, all->body_len, members, 4), 2);
    rw_turn(w, 1000000);
    assert_null(rw_request(w, ES_ROOM_MEMBERS));
    rw_turn(w, 1000000);
    assert_non_null(rw_request(w, ES_ROOM_MEMBERS));
    /* Who vanishes is missed soon, and the last one is told at once. */
    rw_gone(w, 1);
    rw_turn(w, 50000);
    all = rw_request(w, ES_ROOM_MEMBERS);
    assert_int_equal(es_room_members_decode(decoder, all->body, all->body_len, members, 4), 1);
    rw_gone(w, 0);
    all = rw_request(w, ES_ROOM_MEMBERS);
    assert_int_equal(es_room_members_decode(decoder, all->body, all->body_len, members, 4), 0);
    es_decoder_destroy(&decoder);
    rw_destroy(w);
}

static void a_lost_tail_shows_itself(void **state)
{
    (void)state;
    room_world_t *w = rw_new();
    rw_connect(w, 0);
    rw_enter(w, 0, 0);
    rw_drain(w, 0);
    es_msg_t msg = rw_about("lobby", ES_ROOM_STATE, 0, 2, 1);
    es_edge_rooms_answer(w->env.rooms, &msg, NULL, 0);
    rw_turn(w, 0);
    assert_null(rw_request(w, ES_ROOM_FETCH)); /* it may be on its way */
    rw_turn(w, 50000);
    request_t *fetch = rw_request(w, ES_ROOM_FETCH);
    assert_int_equal(fetch->from, 1);
    rw_turn(w, 400000); /* the request was lost */
    request_t *again = rw_request(w, ES_ROOM_FETCH);
    assert_int_equal(again->from, 1);
    rw_fetched(w, -1, "lobby", again->seq, 1, 2, 2, 1);
    rw_turn(w, 0);
    expect_said(w, 0, "m1");
    expect_said(w, 0, "m2");
    rw_destroy(w);
}

static void history_and_who_are_asked_for(void **state)
{
    (void)state;
    room_world_t *w = rw_new();
    rw_connect(w, 0);
    rw_enter(w, 0, 60);
    rw_drain(w, 0);
    rw_text(w, 0, "room.history", "{\"room\":\"lobby\",\"before\":11,\"limit\":5}");
    request_t *fetch = rw_request(w, ES_ROOM_FETCH);
    assert_int_equal(fetch->from, 6);
    assert_int_equal(fetch->count, 5);
    rw_fetched(w, 0, "lobby", fetch->seq, 6, 10, 60, 1);
    const char *said = rw_said(w, 0);
    json_t *root = json_loads(said, 0, NULL), *payload = json_object_get(root, "payload");
    assert_int_equal(json_array_size(json_object_get(payload, "events")), 5);
    assert_int_equal(json_integer_value(json_object_get(payload, "from")), 6);
    assert_int_equal(json_integer_value(json_object_get(payload, "to")), 10);
    assert_true(json_is_false(json_object_get(payload, "complete")));
    json_decref(root);
    rw_text(w, 0, "room.history", "{\"room\":\"lobby\",\"before\":4}");
    fetch = rw_request(w, ES_ROOM_FETCH);
    rw_turn(w, 600000);
    fetch = rw_request(w, ES_ROOM_FETCH); /* asked again */
    rw_fetched(w, 0, "lobby", fetch->seq, 1, 3, 60, 1);
    expect_said(w, 0, "\"from\":1,\"to\":3,\"complete\":true");
    rw_text(w, 0, "room.history", "{\"room\":\"lobby\",\"before\":1}");
    expect_said(w, 0, "\"events\":[],\"from\":1,\"to\":0,\"complete\":true");
    rw_text(w, 0, "room.who", IN_LOBBY);
    rw_text(w, 0, "room.who", IN_LOBBY);
    rw_text(w, 0, "room.who", IN_LOBBY);
    expect_said(w, 0, "too_many_pending");
    es_msg_t msg = rw_about("lobby", ES_ROOM_PRESENT, rw_request(w, ES_ROOM_WHO)->seq, 60, 1);
    ES_SET(&msg, ES_M_COUNT, count, 7);
    es_client_answer(w->clients[0], &msg, NULL, 0);
    expect_said(w, 0,
                "{\"type\":\"room.members\",\"payload\":{\"room\":\"lobby\",\"rseq\":60,\"members\":[],\"total\":7}");
    rw_destroy(w);
}

/* Events from..to come, `later_us` after what was before; member 0 reads them at once. */
static void burst(room_world_t *w, uint64_t from, uint64_t to, uint64_t later_us)
{
    for (uint64_t r = from; r <= to; r += 100) rw_news(w, "lobby", r, r + 99 < to ? r + 99 : to);
    rw_turn(w, later_us);
    for (uint64_t r = from; r <= to; r++) {
        char text[16];
        snprintf(text, sizeof text, "\"m%llu\"", (unsigned long long)r);
        expect_said(w, 0, text);
    }
}

static room_world_t *two_members(void)
{
    room_world_t *w = rw_new(); /* about 1000 events are the backlog */
    for (int i = 0; i < 2; i++) {
        rw_connect(w, i);
        rw_enter(w, i, 0);
    }
    rw_drain(w, 0);
    rw_drain(w, 1);
    return w;
}

static void the_slow_one_is_closed_and_nobody_else(void **state)
{
    (void)state;
    room_world_t *w = two_members();
    uint64_t r = 0;
    for (; r < 6000 && !w->close_code[1]; r += 100) burst(w, r + 1, r + 100, 100000);
    assert_int_equal(w->close_code[1], 1013);
    assert_int_equal(w->close_code[0], 0);
    assert_in_range(r, 2500, 4000); /* the backlog, and two seconds */
    const uint8_t *data;
    assert_int_equal(es_client_next(w->clients[1], 65536, &data), 0);
    rw_destroy(w);
}

static void a_burst_closes_nobody_who_reads(void **state)
{
    (void)state;
    room_world_t *w = two_members();
    burst(w, 1, 4000, 1000);
    burst(w, 4001, 4100, 1500000);
    assert_int_equal(w->close_code[1], 0);
    rw_drain(w, 1);
    burst(w, 4101, 8000, 60000000); /* it was level meanwhile */
    assert_int_equal(w->close_code[1], 0);
    rw_destroy(w);
}

static void a_burst_beyond_all_bounds_closes_at_once(void **state)
{
    (void)state;
    room_world_t *w = two_members();
    uint64_t r = 0;
    for (; r < 20000 && !w->close_code[1]; r += 1000) burst(w, r + 1, r + 1000, 1000);
    assert_int_equal(w->close_code[1], 1013);
    assert_in_range(r, 7000, 12000); /* eight times the backlog */
    rw_destroy(w);
}

static void two_rooms_share_a_socket_fairly(void **state)
{
    (void)state;
    room_world_t *w = rw_new();
    rw_connect(w, 0);
    rw_enter(w, 0, 0);
    rw_text(w, 0, "room.join", "{\"room\":\"other\",\"name\":\"Ann\"}");
    rw_done(w, 0, "other", rw_request(w, ES_ROOM_JOIN)->seq, 0, 1);
    rw_drain(w, 0);
    rw_news(w, "lobby", 1, 2);
    rw_news(w, "other", 1, 1);
    rw_turn(w, 0);
    unsigned lobby = 0, other = 0;
    for (const char *said; *(said = rw_said(w, 0));) {
        lobby += strstr(said, "\"room\":\"lobby\"") != NULL;
        other += strstr(said, "\"room\":\"other\"") != NULL;
    }
    assert_int_equal(lobby, 2);
    assert_int_equal(other, 1);
    rw_destroy(w);
}

static void nobody_answering_is_said(void **state)
{
    (void)state;
    room_world_t *w = rw_new();
    rw_connect(w, 0);
    rw_text(w, 0, "room.join", JOIN_LOBBY);
    for (int i = 0; i < 49; i++) rw_turn(w, 100000);
    expect_silence(w, 0);
    for (int i = 0; i < 10; i++) rw_turn(w, 100000);
    expect_said(w, 0, "room_unavailable");
    for (int i = 0; i < 100; i++) rw_turn(w, 100000);
    expect_silence(w, 0);
    request_t *join = NULL;
    for (request_t *r; (r = rw_request(w, ES_ROOM_JOIN));) join = r;
    rw_done(w, 0, "lobby", join->seq, 0, 1);
    expect_said(w, 0, "\"members\"");
    rw_destroy(w);
}

static void words_become_captions(void **state)
{
    (void)state;
    room_world_t *w = rw_new();
    rw_connect(w, 0);
    rw_enter(w, 0, 0);
    rw_drain(w, 0);
    rw_text(w, 0, "audio.start", "{\"sample_rate\":16000,\"format\":\"pcm16\",\"room\":\"lobby\"}");
    expect_silence(w, 0);
    es_msg_t words = {.version = ES_VERSION, .kind = ES_PARTIAL};
    ES_SET(&words, ES_M_TEXT, text, es_span("hel"));
    ES_SET(&words, ES_M_START, start, 160);
    ES_SET(&words, ES_M_END, end, 320);
    ES_SET(&words, ES_M_FROM, from_seq, 1);
    ES_SET(&words, ES_M_TO, to_seq, 2);
    es_envelope_ws.partial(w->clients[0], &words);
    request_t *partial = rw_request(w, ES_ROOM_PARTIAL);
    assert_string_equal(partial->text, "hel");
    assert_string_equal(partial->stream, "abcdef0000000001-1");
    words.kind = ES_FINAL;
    words.text = es_span("hello");
    es_envelope_ws.final(w->clients[0], &words, NULL, 0);
    request_t *caption = rw_request(w, ES_ROOM_CAPTION);
    assert_string_equal(caption->text, "hello");
    assert_string_equal(caption->name, "Ann");
    expect_said(w, 0, "\"final\":false");
    expect_said(w, 0, "\"final\":true");
    /* Its leaving ends that. */
    rw_text(w, 0, "room.leave", IN_LOBBY);
    es_envelope_ws.final(w->clients[0], &words, NULL, 0);
    assert_null(rw_request(w, ES_ROOM_CAPTION));
    rw_destroy(w);
}

static void a_token_brings_the_session_along(void **state)
{
    (void)state;
    room_world_t *w = rw_new();
    char token[200], payload[300], session[33];
    rw_connect(w, 0);
    memcpy(session, w->clients[0]->session, sizeof session);
    es_session_issue(&w->env.session_key, "", session, w->env.wall_ms, token);
    snprintf(payload, sizeof payload, "{\"token\":\"%s\"}", token);
    rw_connect(w, 1);
    assert_string_not_equal(w->clients[1]->session, session);
    rw_text(w, 1, "session.resume", payload);
    expect_said(w, 1, "\"type\":\"session.resumed\",\"payload\":{\"ok\":true");
    assert_string_equal(w->clients[1]->session, session);
    rw_connect(w, 2);
    payload[12] = payload[12] == '0' ? '1' : '0';
    rw_text(w, 2, "session.resume", payload);
    expect_said(w, 2, "\"ok\":false,\"reason\":");
    assert_string_not_equal(w->clients[2]->session, session);
    rw_destroy(w);
}

static void a_token_that_gives_less_puts_out(void **state)
{
    (void)state;
    room_world_t *w = rw_new();
    const char *keys = world_file("keys", "ci " CI_DIGEST " room.join,room.say rooms=second\n");
    es_identity_t *identity = world_identity((es_identity_config_t){.api_keys = keys});
    es_grant_t all = {.rights = ES_RIGHTS_ALL};
    es_guest_t *guest = es_guest_new(ES_WHO_OK, es_principal_new("key:ci", &all, UINT64_MAX, NULL));
    w->env.identity = identity;
    w->clients[0] = es_client_new(&w->env, "abcdef0000000001", &es_envelope_ws, "", guest, w);
    expect_said(w, 0, "welcome");
    rw_enter(w, 0, 0);
    rw_drain(w, 0);
    rw_text(w, 0, "session.auth", "{\"token\":\"" CI_KEY "\"}");
    expect_said(w, 0, "session.authenticated");
    expect_said(w, 0, "needs the right room.join in the room \\\"lobby\\\"");
    assert_non_null(rw_request(w, ES_ROOM_LEAVE));
    rw_text(w, 0, "room.say", "{\"room\":\"lobby\",\"text\":\"hi\"}");
    expect_said(w, 0, "not_in_room");
    rw_text(w, 0, "room.join", "{\"room\":\"second\",\"name\":\"Ann\"}");
    assert_non_null(rw_request(w, ES_ROOM_JOIN));
    rw_destroy(w);
    es_identity_destroy(&identity);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gap_is_mended_before_anything_later),
        cmocka_unit_test(what_is_gone_is_said),
        cmocka_unit_test(saying_is_tried_until_it_is_done),
        cmocka_unit_test(who_says_too_much_is_told),
        cmocka_unit_test(errors_leave_the_connection_usable),
        cmocka_unit_test(members_are_announced),
        cmocka_unit_test(a_lost_tail_shows_itself),
        cmocka_unit_test(history_and_who_are_asked_for),
        cmocka_unit_test(the_slow_one_is_closed_and_nobody_else),
        cmocka_unit_test(a_burst_closes_nobody_who_reads),
        cmocka_unit_test(a_burst_beyond_all_bounds_closes_at_once),
        cmocka_unit_test(two_rooms_share_a_socket_fairly),
        cmocka_unit_test(nobody_answering_is_said),
        cmocka_unit_test(words_become_captions),
        cmocka_unit_test(a_token_brings_the_session_along),
        cmocka_unit_test(a_token_that_gives_less_puts_out),
    };
    return cmocka_run_group_tests_name("room_ws", tests, world_make, world_remove);
}
