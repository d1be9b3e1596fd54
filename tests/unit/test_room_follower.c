/* proto/room_follower.c: order, gaps, questions. */
#include "follower_world.h"

static void test_knows_nothing_at_first(void **state)
{
    world_t *w = *state;
    assert_false(es_room_follower_known(w->f));
    assert_false(es_room_follower_level(w->f));
    partial(w);
    answer(w, 0, 3, 1, 1, 3);
    answer(w, 1, 3, 1, 1, 3);
    assert_true(es_room_follower_tick(w->f, w->now) == UINT64_MAX);
    assert_string_equal(out(w), "");
    assert_false(es_room_follower_wants_state(w->f));
}

static void test_news_in_order_come_out_once(void **state)
{
    world_t *w = *state;
    follow(w, 0);
    news(w, 1, 2);
    news(w, 1, 2); /* the other broker */
    news(w, 2, 4);
    partial(w);
    assert_string_equal(out(w), "1 2 3 4 p");
    assert_string_equal(asked(w), "");
    assert_true(es_room_follower_tick(w->f, w->now) == UINT64_MAX);
}

static void test_begins_a_backlog_before_the_last(void **state)
{
    world_t *w = *state;
    state_of(w, 250, 1);
    assert_true(es_room_follower_known(w->f));
    assert_int_equal(es_room_follower_at(w->f), 150);
    assert_string_equal(asked(w), "#1:151+100");
    answer(w, 1, 250, 1, 151, 250);
    assert_true(es_room_follower_level(w->f));
}

static void test_begins_at_the_floor_without_calling_it_missed(void **state)
{
    world_t *w = *state;
    state_of(w, 50, 48);
    assert_string_equal(asked(w), "#1:48+3");
    answer(w, 1, 50, 48, 48, 50);
    assert_string_equal(out(w), "48 49 50");
}

static void test_a_log_of_which_nothing_is_kept(void **state)
{
    world_t *w = *state;
    state_of(w, 50, 51);
    assert_true(es_room_follower_level(w->f));
    assert_string_equal(asked(w), "");
    news(w, 51, 51);
    assert_string_equal(out(w), "51");
}

/* The state was on its way for longer than the news. */
static void test_a_first_state_older_than_news(void **state)
{
    world_t *w = *state;
    news(w, 3, 4);
    state_of(w, 2, 1);
    assert_false(es_room_follower_level(w->f));
    assert_string_equal(asked(w), "#1:1+4");
    answer(w, 1, 4, 1, 1, 4);
    assert_string_equal(out(w), "1 2 3 4");
}

static void test_an_older_state_changes_nothing(void **state)
{
    world_t *w = *state;
    follow(w, 5);
    state_of(w, 3, 1);
    state_of(w, 5, 6);
    assert_true(es_room_follower_level(w->f));
    assert_string_equal(asked(w), "");
    assert_string_equal(out(w), "");
    news(w, 6, 6);
    assert_string_equal(out(w), "6");
}

static void test_a_state_shows_a_lost_tail(void **state)
{
    world_t *w = *state;
    follow(w, 5);
    state_of(w, 8, 1);
    pass(w, MS(50) - 1);
    assert_string_equal(asked(w), "");
    pass(w, 1);
    assert_string_equal(asked(w), "#1:6+3");
    partial(w); /* not before what it follows */
    answer(w, 1, 8, 1, 6, 8);
    partial(w);
    assert_string_equal(out(w), "6 7 8 p");
}

/* An answer to a client overtakes the news of the same turn. */
static void test_a_tail_that_is_on_its_way_is_not_asked_for(void **state)
{
    world_t *w = *state;
    follow(w, 5);
    state_of(w, 8, 1);
    pass(w, MS(40));
    news(w, 6, 6);
    pass(w, MS(10));
    assert_string_equal(asked(w), "#1:7+2");
    news(w, 7, 8);
    assert_true(es_room_follower_tick(w->f, w->now) == UINT64_MAX);
    state_of(w, 10, 1);
    news(w, 11, 11); /* what lies before it is lost */
    assert_string_equal(asked(w), "#2:9+2");
    assert_string_equal(out(w), "6 7 8");
}

static void test_a_gap_holds_and_fetches_only_what_is_missing(void **state)
{
    world_t *w = *state;
    follow(w, 1);
    news(w, 4, 5);
    news(w, 8, 8);
    news(w, 7, 7);
    assert_string_equal(asked(w), "#1:2+2");
    assert_string_equal(out(w), "");
    answer(w, 1, 8, 1, 2, 3);
    assert_string_equal(out(w), "2 3 4 5");
    assert_string_equal(asked(w), "#2:6+1");
    answer(w, 2, 8, 1, 6, 6);
    assert_string_equal(out(w), "6 7 8");
    assert_true(es_room_follower_level(w->f));
}

static void test_held_events_are_copies(void **state)
{
    world_t *w = *state;
    char text[] = "hello", id[] = "m1";
    es_room_event_t e = event(2);
    e.text = es_span(text);
    e.msg_id = es_span(id);
    follow(w, 0);
    es_room_follower_news(w->f, LOG, &e, 1, w->now);
    memset(text, 'x', sizeof text);
    memset(id, 'x', sizeof id);
    news(w, 1, 1);
    assert_string_equal(w->text, "hello/m1");
}

static void test_the_gap_closes_by_itself(void **state)
{
    world_t *w = *state;
    follow(w, 1);
    news(w, 4, 4);
    asked(w);
    news(w, 2, 3);
    assert_string_equal(out(w), "2 3 4");
    assert_true(es_room_follower_tick(w->f, w->now) == UINT64_MAX);
    answer(w, 1, 4, 1, 2, 3); /* too late */
    assert_string_equal(out(w), "");
}

static void test_asks_again_with_the_same_number(void **state)
{
    world_t *w = *state;
    follow(w, 1);
    news(w, 3, 3);
    asked(w);
    static const int waits[] = {200, 400, 800, 1600, 2000, 2000};
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        pass(w, MS(waits[i] - 1));
        assert_string_equal(asked(w), "");
        pass(w, MS(1));
        assert_string_equal(asked(w), "#1:2+1");
    }
    answer(w, 1, 3, 1, 2, 2);
    answer(w, 1, 3, 1, 2, 2);
    assert_string_equal(out(w), "2 3");
}

static void test_an_old_answer_is_none_to_the_new_question(void **state)
{
    world_t *w = *state;
    follow(w, 1);
    news(w, 3, 3);
    answer(w, 1, 3, 1, 2, 2);
    news(w, 6, 6);
    assert_string_equal(asked(w), "#1:2+1 #2:4+2");
    answer(w, 1, 9, 8, 8, 9); /* floor and all */
    assert_string_equal(out(w), "2 3");
    answer(w, 2, 6, 1, 4, 5);
    assert_string_equal(out(w), "4 5 6");
}

static void test_pages(void **state)
{
    world_t *w = *state;
    follow(w, 0);
    state_of(w, 600, 1);
    pass(w, MS(50));
    assert_string_equal(asked(w), "#1:1+256");
    answer(w, 1, 600, 1, 1, 200); /* as many as fitted */
    assert_string_equal(asked(w), "#2:201+256");
    answer(w, 2, 601, 1, 201, 456);
    assert_string_equal(asked(w), "#3:457+145");
    answer(w, 3, 601, 1, 457, 601);
    assert_true(es_room_follower_level(w->f));
    assert_int_equal(es_room_follower_at(w->f), 601);
}

/* From an actor that is behind: asking it faster makes it no wiser. */
static void test_an_empty_answer_is_asked_again_in_its_time(void **state)
{
    world_t *w = *state;
    follow(w, 5);
    news(w, 7, 7);
    asked(w);
    answer(w, 1, 4, 1, 1, 0);
    assert_string_equal(asked(w), "");
    pass(w, MS(200));
    assert_string_equal(asked(w), "#1:6+1");
    answer(w, 1, 7, 1, 6, 6);
    assert_string_equal(out(w), "6 7");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(knows_nothing_at_first),
        TEST(news_in_order_come_out_once),
        TEST(begins_a_backlog_before_the_last),
        TEST(begins_at_the_floor_without_calling_it_missed),
        TEST(a_log_of_which_nothing_is_kept),
        TEST(a_first_state_older_than_news),
        TEST(an_older_state_changes_nothing),
        TEST(a_state_shows_a_lost_tail),
        TEST(a_tail_that_is_on_its_way_is_not_asked_for),
        TEST(a_gap_holds_and_fetches_only_what_is_missing),
        TEST(held_events_are_copies),
        TEST(the_gap_closes_by_itself),
        TEST(asks_again_with_the_same_number),
        TEST(an_old_answer_is_none_to_the_new_question),
        TEST(pages),
        TEST(an_empty_answer_is_asked_again_in_its_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
