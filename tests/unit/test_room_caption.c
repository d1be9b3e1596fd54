/* actors/room/room_operations.c and room_caption.c: what is spoken comes once, although it may be transcribed twice. */
#include "room_caption.h"
#include "room_log_world.h"

/* Words of a second each: the body lists them. */
static es_msg_t captioning(const char *client, const char *session, uint64_t seq, uint64_t start, uint64_t end,
                           const char *text)
{
    es_msg_t msg = operation(ES_ROOM_CAPTION, client, session, seq);
    ES_SET(&msg, ES_M_STREAM, stream, es_span("s1"));
    ES_SET(&msg, ES_M_START, start, start);
    ES_SET(&msg, ES_M_END, end, end);
    ES_SET(&msg, ES_M_TEXT, text, es_span(text));
    return msg;
}

static void spoken(world_t *w, uint64_t seq, uint64_t start, uint64_t end, const char *text)
{
    ask(w, captioning(ANN, "ann", seq, start, end, text), NULL, 0);
}

static const es_room_event_t *last_event(const world_t *w)
{
    return &w->stored[w->n_stored - 1].event;
}

static void a_caption_is_an_event(void **state)
{
    world_t *w = *state;
    join(w, ANN, "ann", 1);
    spoken(w, 2, 0, 3000, "one two three");
    expect_done(w, ANN, 2, 2);
    assert_int_equal(last_event(w)->type, ES_EVENT_CAPTION);
    assert_int_equal(last_event(w)->end, 3000);
    assert_string_equal(last_event(w)->stream.ptr, "s1");
    assert_string_equal(story(w), "+ann ann~one two three");
    spoken(w, 2, 0, 3000, "one two three");
    expect_done(w, ANN, 2, 2);
    assert_int_equal(w->n_stored, 2);
}

static void what_was_spoken_before_is_not_repeated(void **state)
{
    world_t *w = *state;
    join(w, ANN, "ann", 1);
    spoken(w, 2, 0, 3000, "one two three");
    join(w, ANN_AGAIN, "ann", 1); /* resumed: another client, the same stream */
    ask(w, captioning(ANN_AGAIN, "ann", 2, 0, 3000, "one two three"), NULL, 0);
    expect_done(w, ANN_AGAIN, 2, 2);
    ask(w, captioning(ANN_AGAIN, "ann", 3, 1000, 2500, "two thr"), NULL, 0);
    expect_done(w, ANN_AGAIN, 3, 2);
    ask(w, captioning(ANN_AGAIN, "ann", 4, 3000, 4000, "four"), NULL, 0);
    expect_done(w, ANN_AGAIN, 4, 3);
    assert_string_equal(story(w), "+ann ann~one two three ann~four");
    assert_int_equal(w->shared.stats.cut, 2);
    load(w);
    ask(w, captioning(ANN_AGAIN, "ann", 4, 3000, 4000, "four"), NULL, 0);
    expect_done(w, ANN_AGAIN, 4, 3);
}

static void an_overlap_is_cut_by_the_words(void **state)
{
    world_t *w = *state;
    char body[256];
    const es_word_t words[] = {{es_span("two"), 1000, 2000, 900},
                               {es_span("three"), 2000, 3100, 900},
                               {es_span("four"), 3200, 4000, 900},
                               {es_span("five"), 4000, 5000, 900}};
    join(w, ANN, "ann", 1);
    spoken(w, 2, 0, 3000, "one two three");
    size_t len = es_words_encode(words, 4, body, sizeof body);
    ask(w, captioning(ANN, "ann", 3, 1000, 5000, "two three four five"), body, len);
    expect_done(w, ANN, 3, 3);
    assert_string_equal(story(w), "+ann ann~one two three ann~four five");
    assert_int_equal(last_event(w)->start, 3200);
    assert_int_equal(last_event(w)->end, 5000);
    len = es_words_encode(words, 2, body, sizeof body); /* nothing is left, but the end moves on */
    ask(w, captioning(ANN, "ann", 4, 1000, 5100, "two three"), body, len);
    expect_done(w, ANN, 4, 3);
    spoken(w, 5, 5000, 5100, "again");
    expect_done(w, ANN, 5, 3);
}

static void without_words_an_overlap_is_cut_by_time(void **state)
{
    world_t *w = *state;
    join(w, ANN, "ann", 1);
    spoken(w, 2, 0, 3000, "one two three");
    spoken(w, 3, 0, 5000, " one two\nthree  four five");
    assert_string_equal(story(w), "+ann ann~one two three ann~four five");
    assert_int_equal(last_event(w)->start, 3000);
}

static void streams_and_sessions_have_positions_of_their_own(void **state)
{
    world_t *w = *state;
    join(w, ANN, "ann", 1);
    join(w, BOB, "bob", 1);
    spoken(w, 2, 0, 3000, "one");
    es_msg_t other = captioning(ANN, "ann", 3, 0, 3000, "other");
    other.stream = es_span("s2");
    ask(w, other, NULL, 0);
    ask(w, captioning(BOB, "bob", 2, 0, 3000, "mine"), NULL, 0);
    assert_string_equal(story(w), "+ann +bob ann~one ann~other bob~mine");
}

/* It left before it heard the answer, and this actor does not know what another one took of this client. */
static void what_is_stored_is_acknowledged_to_who_has_left(void **state)
{
    world_t *w = *state;
    join(w, ANN, "ann", 1);
    say(w, ANN, "ann", 2, "m");
    spoken(w, 3, 0, 1000, "c");
    leave(w, ANN, "ann", 4);
    say(w, ANN_AGAIN, "ann", 2, "m");
    expect_done(w, ANN_AGAIN, 2, 2);
    ask(w, captioning(ANN_AGAIN, "ann", 3, 0, 1000, "c"), NULL, 0);
    expect_done(w, ANN_AGAIN, 3, 4);
    assert_string_equal(story(w), "+ann ann:m ann~c -ann");
}

static void refused(world_t *w, es_msg_t msg, const void *body, size_t len)
{
    size_t stored = w->n_stored;
    ask(w, msg, body, len);
    expect_refused(w, ANN, msg.seq, "bad_request");
    assert_int_equal(w->n_stored, stored);
}

static void what_is_no_caption_is_refused(void **state)
{
    world_t *w = *state;
    char body[64];
    join(w, ANN, "ann", 1);
    leave(w, ANN, "ann", 2);
    spoken(w, 3, 0, 10, "late");
    expect_refused(w, ANN, 3, "not_member");
    join(w, ANN, "ann", 4);
    spoken(w, 3, 0, 10, "late");
    expect_refused(w, ANN, 3, "not_member");
    refused(w, captioning(ANN, "ann", 5, 20, 10, "backwards"), NULL, 0);
    refused(w, captioning(ANN, "ann", 6, 0, 10, "bell \a"), NULL, 0);
    es_msg_t msg = captioning(ANN, "ann", 7, 0, 10, "m");
    msg.stream = es_span("");
    refused(w, msg, NULL, 0);
    spoken(w, 8, 0, 1000, "one");
    refused(w, captioning(ANN, "ann", 9, 500, 2000, "two"), "\xc1", 1);
    const es_word_t bell = {es_span("bell\a"), 1000, 2000, 0};
    size_t len = es_words_encode(&bell, 1, body, sizeof body);
    refused(w, captioning(ANN, "ann", 10, 500, 2000, "bell"), body, len);
    spoken(w, 11, 1000, 2000, "two");
    spoken(w, 12, 2000, 2000, ""); /* silence */
    expect_done(w, ANN, 12, 5);
    assert_string_equal(story(w), "+ann -ann +ann ann~one ann~two");
}

static void partials_are_said_and_not_stored(void **state)
{
    world_t *w = *state;
    es_room_event_t events[4];
    es_msg_t msg = captioning(ANN, "ann", 0, 0, 1000, "on");
    msg.kind = ES_ROOM_PARTIAL;
    ask(w, msg, NULL, 0);
    join(w, ANN, "ann", 1);
    ask(w, msg, NULL, 0);
    spoken(w, 2, 0, 2000, "one");
    ask(w, msg, NULL, 0); /* its words are final already */
    msg.end = 3000;
    msg.text = es_span("");
    ask(w, msg, NULL, 0);
    es_room_flush(w->room);
    const sent_t *sent = last_sent(w);
    assert_int_equal(es_room_events_decode(w->shared.decoder, sent->body, sent->len, events, 4), 3);
    assert_int_equal(events[1].type, ES_EVENT_PARTIAL);
    assert_int_equal(events[1].rseq, 0);
    assert_memory_equal(events[1].name.ptr, "ann", 3);
    assert_int_equal(events[2].rseq, 2);
    assert_string_equal(story(w), "+ann ann~one");
    assert_int_equal(w->shared.stats.events[ES_EVENT_PARTIAL], 1);
}

static void a_cut_text_is_never_too_long(void **state)
{
    (void)state;
    static es_word_t words[ES_ROOM_WORDS_MAX];
    char out[ES_TEXT_MAX];
    for (size_t i = 0; i < ES_ROOM_WORDS_MAX; i++) words[i] = (es_word_t){es_span("word"), 100, 200, 0};
    es_room_caption_t caption = {.text = es_span("x"), .start = 0, .end = 200};
    es_room_caption_cut(&caption, words, ES_ROOM_WORDS_MAX, 50, out);
    assert_true(caption.text.len <= ES_TEXT_MAX);
    assert_true(caption.text.len > ES_TEXT_MAX - 5);
    words[0] = (es_word_t){es_span("end"), UINT64_MAX - 1, UINT64_MAX, 0};
    es_room_caption_cut(&caption, words, 1, UINT64_MAX - 2, out);
    assert_true(es_span_eq(caption.text, es_span("end")));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_caption_is_an_event),
        TEST(what_was_spoken_before_is_not_repeated),
        TEST(an_overlap_is_cut_by_the_words),
        TEST(without_words_an_overlap_is_cut_by_time),
        TEST(streams_and_sessions_have_positions_of_their_own),
        TEST(what_is_stored_is_acknowledged_to_who_has_left),
        TEST(what_is_no_caption_is_refused),
        TEST(partials_are_said_and_not_stored),
        TEST(a_cut_text_is_never_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
