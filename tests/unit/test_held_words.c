/* When a speaker is told what its room is to have: with a room actor made up by the test. */
#include "room_world.h"

#include "edge_metrics.h"

enum { SECOND = 1000000 };

static void begin(room_world_t *w, int i, bool resumable)
{
    rw_connect(w, i);
    rw_enter(w, i, 0);
    rw_drain(w, i);
    rw_text(w, i, "audio.start",
            resumable ? "{\"sample_rate\":16000,\"format\":\"pcm16\",\"room\":\"lobby\",\"resumable\":true}"
                      : "{\"sample_rate\":16000,\"format\":\"pcm16\",\"room\":\"lobby\"}");
    rw_drain(w, i);
}

static room_world_t *speaker(bool resumable)
{
    room_world_t *w = rw_new();
    begin(w, 0, resumable);
    return w;
}

static es_msg_t result(uint32_t kind, const char *text, uint64_t seq)
{
    es_msg_t msg = {.version = ES_VERSION, .kind = kind};
    if (text) ES_SET(&msg, ES_M_TEXT, text, es_span(text));
    ES_SET(&msg, ES_M_FROM, from_seq, seq);
    ES_SET(&msg, ES_M_TO, to_seq, seq);
    ES_SET(&msg, ES_M_START, start, (seq - 1) * 1600);
    ES_SET(&msg, ES_M_END, end, seq * 1600);
    ES_SET(&msg, ES_M_POS, pos, seq * 1600);
    return msg;
}

static void hear(room_world_t *w, const char *text, uint64_t seq)
{
    es_msg_t msg = result(ES_FINAL, text, seq);
    es_envelope_ws.final(w->clients[0], &msg, NULL, 0);
}

/* Words become a caption; returns its operation. */
static uint64_t speak(room_world_t *w, const char *text, uint64_t seq)
{
    char last[16] = "";
    hear(w, text, seq);
    uint64_t op = 0;
    for (request_t *r; (r = rw_request(w, ES_ROOM_CAPTION));) { /* behind those that are said again */
        op = r->seq;
        snprintf(last, sizeof last, "%.15s", r->text);
    }
    assert_string_equal(last, text);
    return op;
}

static void answer(room_world_t *w, uint64_t op)
{
    rw_done(w, 0, "lobby", op, 0, 1);
}

static void refuse(room_world_t *w, uint64_t op, const char *reason)
{
    es_msg_t msg = rw_about("lobby", ES_ROOM_REFUSED, op, 0, 1);
    ES_SET(&msg, ES_M_REASON, reason, es_span(reason));
    es_client_answer(w->clients[0], &msg, NULL, 0);
}

static void wait(room_world_t *w, unsigned tenths)
{
    while (tenths-- > 0) rw_turn(w, SECOND / 10);
}

/* Nothing but the word that no room actor answers. */
static void expect_outage_alone(room_world_t *w)
{
    expect_said(w, 0, "room_unavailable");
    expect_silence(w, 0);
}

static void words_are_final_when_the_room_has_them(void **state)
{
    (void)state;
    room_world_t *w = speaker(true);
    uint64_t one = speak(w, "one", 1);
    expect_silence(w, 0);
    answer(w, one);
    expect_said(w, 0, "\"text\":\"one\",\"final\":true");
    expect_silence(w, 0);
    rw_destroy(w);
}

static void what_follows_waits_behind_them(void **state)
{
    (void)state;
    room_world_t *w = speaker(true);
    uint64_t one = speak(w, "one", 1);
    es_msg_t partial = result(ES_PARTIAL, "tw", 2);
    es_envelope_ws.partial(w->clients[0], &partial); /* may be lost, and is */
    hear(w, NULL, 2);
    uint64_t three = speak(w, "three", 3);
    es_envelope_ws.done(w->clients[0]);
    expect_silence(w, 0);
    answer(w, one);
    expect_said(w, 0, "\"text\":\"one\"");
    expect_said(w, 0, "audio.committed");
    expect_silence(w, 0);
    answer(w, three);
    expect_said(w, 0, "\"text\":\"three\"");
    expect_said(w, 0, "audio.done");
    es_envelope_ws.partial(w->clients[0], &partial);
    expect_said(w, 0, "\"final\":false");
    expect_silence(w, 0);
    rw_destroy(w);
}

static void their_order_is_kept(void **state)
{
    (void)state;
    room_world_t *w = speaker(true);
    uint64_t one = speak(w, "one", 1), two = speak(w, "two", 2);
    answer(w, two); /* that of the first is late */
    expect_silence(w, 0);
    answer(w, one);
    expect_said(w, 0, "\"text\":\"one\"");
    expect_said(w, 0, "\"text\":\"two\"");
    rw_destroy(w);
}

static void the_next_stream_waits_for_the_word_of_the_end(void **state)
{
    (void)state;
    room_world_t *w = speaker(true);
    uint64_t one = speak(w, "one", 1);
    es_client_stream_drop(w->clients[0]);
    es_envelope_ws.done(w->clients[0]);
    rw_text(w, 0, "audio.start", "{\"sample_rate\":16000,\"format\":\"pcm16\",\"resumable\":true}");
    expect_said(w, 0, "already_streaming");
    answer(w, one);
    expect_said(w, 0, "\"text\":\"one\"");
    expect_said(w, 0, "audio.done");
    rw_text(w, 0, "audio.start", "{\"sample_rate\":16000,\"format\":\"pcm16\",\"resumable\":true}");
    expect_said(w, 0, "audio.started");
    rw_destroy(w);
}

/* Its audio goes with its connection: it is better to have the words than not. */
static void who_cannot_say_them_again_has_them_at_once(void **state)
{
    (void)state;
    uint64_t lost = es_metric_get(&es_edge_room_captions_lost);
    room_world_t *w = speaker(false);
    answer(w, speak(w, "one", 1));
    expect_said(w, 0, "\"text\":\"one\"");
    speak(w, "two", 2);
    expect_said(w, 0, "\"text\":\"two\"");
    rw_gone(w, 0);
    assert_int_equal(es_metric_get(&es_edge_room_captions_lost) - lost, 1);
    rw_destroy(w);
}

static void who_was_not_told_says_them_again(void **state)
{
    (void)state;
    uint64_t lost = es_metric_get(&es_edge_room_captions_lost);
    room_world_t *w = speaker(true);
    answer(w, speak(w, "one", 1));
    expect_said(w, 0, "\"text\":\"one\"");
    speak(w, "two", 2);
    speak(w, "three", 3);
    expect_silence(w, 0);
    rw_gone(w, 0);
    assert_int_equal(es_metric_get(&es_edge_room_captions_lost), lost);
    rw_destroy(w);
}

static void a_room_that_is_away_for_long_holds_nobody_up(void **state)
{
    (void)state;
    uint64_t late = es_metric_get(&es_edge_room_captions_late), lost = es_metric_get(&es_edge_room_captions_lost);
    room_world_t *w = speaker(true);
    uint64_t one = speak(w, "one", 1);
    wait(w, 100);
    uint64_t two = speak(w, "two", 2);
    wait(w, 195);
    expect_outage_alone(w);
    wait(w, 10);
    expect_said(w, 0, "\"text\":\"one\"");
    expect_said(w, 0, "\"text\":\"two\"");
    uint64_t three = speak(w, "three", 3);
    expect_said(w, 0, "\"text\":\"three\"");
    assert_int_equal(es_metric_get(&es_edge_room_captions_late) - late, 3);
    /* It is back: all is as before. */
    answer(w, one);
    answer(w, two);
    answer(w, three);
    uint64_t four = speak(w, "four", 4);
    expect_silence(w, 0);
    answer(w, four);
    expect_said(w, 0, "\"text\":\"four\"");
    rw_gone(w, 0);
    assert_int_equal(es_metric_get(&es_edge_room_captions_lost), lost);
    rw_destroy(w);
}

static void what_was_told_and_is_not_there_is_counted(void **state)
{
    (void)state;
    uint64_t lost = es_metric_get(&es_edge_room_captions_lost);
    room_world_t *w = speaker(true);
    speak(w, "one", 1);
    speak(w, "two", 2);
    wait(w, 310);
    rw_drain(w, 0);
    rw_gone(w, 0);
    assert_int_equal(es_metric_get(&es_edge_room_captions_lost) - lost, 2);
    rw_destroy(w);
}

static void without_a_hold_nothing_waits(void **state)
{
    (void)state;
    room_world_t *w = speaker(true);
    w->env.limits.caption_us = 0;
    speak(w, "one", 1);
    expect_said(w, 0, "\"text\":\"one\"");
    rw_destroy(w);
}

static void what_the_room_refuses_is_told(void **state)
{
    (void)state;
    uint64_t lost = es_metric_get(&es_edge_room_captions_lost);
    room_world_t *w = speaker(true);
    uint64_t one = speak(w, "one", 1);
    speak(w, "two", 2);
    refuse(w, one, "not_member");
    expect_said(w, 0, "not_in_room");
    expect_said(w, 0, "\"text\":\"one\"");
    expect_silence(w, 0);
    assert_int_equal(es_metric_get(&es_edge_room_captions_lost) - lost, 1);
    rw_destroy(w);
}

static void who_has_left_the_room_is_told(void **state)
{
    (void)state;
    uint64_t lost = es_metric_get(&es_edge_room_captions_lost);
    room_world_t *w = speaker(true);
    speak(w, "one", 1);
    rw_text(w, 0, "room.leave", IN_LOBBY);
    hear(w, "two", 2); /* no caption any more, but behind the one that is */
    assert_null(rw_request(w, ES_ROOM_CAPTION));
    expect_silence(w, 0);
    /* The room takes them in order: who has left has said it. */
    w->taken = 0;
    rw_done(w, 0, "lobby", rw_request(w, ES_ROOM_LEAVE)->seq, 1, 1);
    expect_said(w, 0, "room.left");
    expect_said(w, 0, "\"text\":\"one\"");
    expect_said(w, 0, "\"text\":\"two\"");
    assert_int_equal(es_metric_get(&es_edge_room_captions_lost), lost);
    rw_destroy(w);
}

static void more_than_the_room_may_be_asked_is_told(void **state)
{
    (void)state;
    uint64_t lost = es_metric_get(&es_edge_room_captions_lost);
    room_world_t *w = speaker(true);
    char text[16];
    for (uint64_t n = 1; n <= 256; n++) {
        snprintf(text, sizeof text, "w%u", (unsigned)n);
        hear(w, text, n);
    }
    expect_silence(w, 0);
    hear(w, "w257", 257);
    for (unsigned n = 1; n <= 256; n++) {
        snprintf(text, sizeof text, "\"w%u\"", n);
        expect_said(w, 0, text);
    }
    expect_said(w, 0, "too_many_pending");
    expect_said(w, 0, "\"w257\"");
    assert_int_equal(es_metric_get(&es_edge_room_captions_lost) - lost, 1);
    rw_gone(w, 0);
    assert_int_equal(es_metric_get(&es_edge_room_captions_lost) - lost, 257);
    rw_destroy(w);
}

static void what_waits_has_a_bound(void **state)
{
    (void)state;
    room_world_t *w = speaker(true);
    w->env.limits.max_queue = 8192;
    uint64_t n = 1;
    speak(w, "one", n);
    while (!*rw_said(w, 0) && n < 100) hear(w, NULL, ++n); /* silence, without end */
    assert_in_range(n, 20, 60);
    assert_int_equal(w->close_code[0], 0);
    rw_destroy(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_final_when_the_room_has_them),
        cmocka_unit_test(what_follows_waits_behind_them),
        cmocka_unit_test(their_order_is_kept),
        cmocka_unit_test(the_next_stream_waits_for_the_word_of_the_end),
        cmocka_unit_test(who_cannot_say_them_again_has_them_at_once),
        cmocka_unit_test(who_was_not_told_says_them_again),
        cmocka_unit_test(a_room_that_is_away_for_long_holds_nobody_up),
        cmocka_unit_test(what_was_told_and_is_not_there_is_counted),
        cmocka_unit_test(without_a_hold_nothing_waits),
        cmocka_unit_test(what_the_room_refuses_is_told),
        cmocka_unit_test(who_has_left_the_room_is_told),
        cmocka_unit_test(more_than_the_room_may_be_asked_is_told),
        cmocka_unit_test(what_waits_has_a_bound),
    };
    return cmocka_run_group_tests_name("held_words", tests, NULL, NULL);
}
