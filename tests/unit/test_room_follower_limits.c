/* proto/room_follower.c: what is gone, what cannot be held, other logs. */
#include "follower_world.h"

static void test_below_the_floor_is_missed(void **state)
{
    world_t *w = *state;
    follow(w, 1);
    news(w, 9, 9);
    asked(w);
    answer(w, 1, 9, 6, 6, 8);
    assert_string_equal(out(w), "!2-5 6 7 8 9");
}

static void test_what_an_answer_leaves_out_is_missed(void **state)
{
    world_t *w = *state;
    follow(w, 1);
    news(w, 9, 9);
    answer(w, 1, 9, 1, 5, 6);
    assert_string_equal(out(w), "!2-4 5 6");
    assert_string_equal(asked(w), "#1:2+7 #2:7+2");
    answer(w, 2, 9, 1, 9, 9);
    assert_string_equal(out(w), "!7-8 9");
    assert_true(es_room_follower_level(w->f));
}

static void test_what_is_held_is_not_missed(void **state)
{
    world_t *w = *state;
    follow(w, 1);
    news(w, 4, 5);
    news(w, 8, 8);
    asked(w);
    answer(w, 1, 9, 10, 1, 0); /* nothing is kept */
    assert_string_equal(out(w), "!2-3 4 5 !6-7 8 !9-9");
    assert_true(es_room_follower_level(w->f));
    assert_string_equal(asked(w), "");
    news(w, 10, 10);
    assert_string_equal(out(w), "10");
}

static void test_a_floor_beyond_the_end_is_the_end(void **state)
{
    world_t *w = *state;
    follow(w, 1);
    state_of(w, 3, UINT64_MAX);
    pass(w, MS(50));
    answer(w, 1, 3, UINT64_MAX, 1, 0);
    assert_string_equal(out(w), "!2-3");
}

static void test_what_cannot_be_held_is_fetched(void **state)
{
    world_t *w = *state;
    remake(w, 2, 1u << 20);
    follow(w, 0);
    news(w, 3, 7);
    answer(w, 1, 7, 1, 1, 2);
    assert_string_equal(out(w), "1 2 3 4");
    assert_string_equal(asked(w), "#1:1+2 #2:5+3");
    answer(w, 2, 7, 1, 5, 7);
    assert_true(es_room_follower_level(w->f));
}

static void test_held_bytes_are_bounded(void **state)
{
    world_t *w = *state;
    remake(w, 1024, 3000);
    follow(w, 0);
    static char text[2000];
    memset(text, 'a', sizeof text);
    es_room_event_t e[] = {event(2), event(3)};
    e[0].text = e[1].text = es_span_of(text, sizeof text);
    es_room_follower_news(w->f, LOG, e, 2, w->now);
    news(w, 1, 1);
    pass(w, MS(50));
    assert_string_equal(out(w), "1 2");
    assert_string_equal(asked(w), "#1:1+1 #2:3+1");
    answer(w, 2, 3, 1, 3, 3);
    es_room_follower_news(w->f, LOG, (es_room_event_t[]){event(5)}, 1, w->now); /* its bytes were given back */
    news(w, 4, 4);
    assert_string_equal(out(w), "3 4 5");
}

/* From two brokers each comes twice, and one may come after what replaces it. */
static void test_a_partial_comes_out_once_and_not_late(void **state)
{
    world_t *w = *state;
    follow(w, 0);
    speak(w, 0, "s1", 10, 100);
    speak(w, 0, "s1", 10, 100);
    speak(w, 0, "s1", 10, 200); /* in the same millisecond */
    speak(w, 0, "s2", 10, 100); /* another stream */
    speak(w, 0, "s1", 20, 150); /* after a resume */
    assert_string_equal(out(w), "p p p p");
    speak(w, 1, "s1", 30, 300);
    speak(w, 0, "s1", 30, 300);
    speak(w, 0, "s1", 25, 250);
    speak(w, 0, "s3", 29, 100); /* overtaken by what another said */
    speak(w, 0, "s1", 31, 310);
    assert_string_equal(out(w), "1 p");
    speak(w, 2, "s1", 5, 400); /* by another actor, whose clock is late */
    speak(w, 0, "s1", 6, 410);
    assert_string_equal(out(w), "2 p");
}

static void test_more_speakers_than_are_remembered(void **state)
{
    world_t *w = *state;
    char stream[16];
    follow(w, 0);
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 40; i++) {
            snprintf(stream, sizeof stream, "s%d", i);
            speak(w, 0, stream, 10 + (uint64_t)round, 100);
        }
    assert_int_equal(strlen(out(w)), 2 * 80 - 1);
}

static void test_news_of_another_log_want_a_state(void **state)
{
    world_t *w = *state;
    follow(w, 5);
    es_room_event_t e = event(6);
    es_room_follower_news(w->f, LOG + 1, &e, 1, w->now);
    assert_string_equal(out(w), "");
    assert_int_equal(es_room_follower_log(w->f), LOG);
    assert_true(es_room_follower_wants_state(w->f));
    state_of(w, 5, 1); /* the old one lives */
    assert_false(es_room_follower_wants_state(w->f));
    assert_string_equal(out(w), "");
    es_room_follower_state(w->f, LOG + 1, 2, 1, w->now);
    assert_string_equal(out(w), "R8");
    assert_string_equal(asked(w), "#1:1+6"); /* and its news were heard */
}

static void test_a_reset_ends_what_was_asked_and_held(void **state)
{
    world_t *w = *state;
    follow(w, 2);
    news(w, 5, 6);
    asked(w);
    es_room_follower_state(w->f, LOG + 1, 3, 1, w->now);
    assert_string_equal(out(w), "R8");
    assert_string_equal(asked(w), "#2:1+3");
    answer(w, 1, 6, 1, 3, 4);
    answer(w, 2, 6, 1, 1, 3); /* the right number, of the wrong log */
    assert_string_equal(out(w), "");
    assert_true(es_room_follower_wants_state(w->f));
    es_room_event_t e[3];
    es_room_follower_fetched(w->f, LOG + 1, 2, 3, 1, e, range(e, 1, 3), w->now);
    assert_string_equal(out(w), "1 2 3");
    assert_true(es_room_follower_level(w->f));
}

static void test_forgets_what_it_holds(void **state)
{
    world_t *w = *state;
    follow(w, 0);
    news(w, 5, 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(below_the_floor_is_missed),
        TEST(what_an_answer_leaves_out_is_missed),
        TEST(what_is_held_is_not_missed),
        TEST(a_floor_beyond_the_end_is_the_end),
        TEST(what_cannot_be_held_is_fetched),
        TEST(held_bytes_are_bounded),
        TEST(a_partial_comes_out_once_and_not_late),
        TEST(more_speakers_than_are_remembered),
        TEST(news_of_another_log_want_a_state),
        TEST(a_reset_ends_what_was_asked_and_held),
        TEST(forgets_what_it_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
