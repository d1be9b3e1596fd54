/* proto/room_follower.c. What comes out is written down: "5" an event, "p" a partial, "!3-4" missed, "R9" reset to log 9; what is asked as "#1:3+2",
 * id, from, count. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "room_follower.h"

#define MS(n) ((uint64_t)(n)*1000u)
#define LOG 7u

typedef struct {
    es_room_follower_t *f;
    uint64_t now;
    char out[8192], asked[4096];
    char text[64]; /* of the last event */
} world_t;

__attribute__((format(printf, 3, 4))) static void note(char *story, size_t cap, const char *format, ...)
{
    va_list args;
    size_t at = strlen(story);
    if (at > 0) story[at++] = ' ';
    va_start(args, format);
    vsnprintf(story + at, cap - at, format, args);
    va_end(args);
}

static void on_event(void *ctx, const es_room_event_t *event)
{
    world_t *w = ctx;
    if (event->rseq > 0)
        note(w->out, sizeof w->out, "%d", (int)event->rseq);
    else
        note(w->out, sizeof w->out, "p");
    snprintf(w->text, sizeof w->text, "%.*s/%.*s", (int)event->text.len, event->text.len ? event->text.ptr : "",
             (int)event->msg_id.len, event->msg_id.len ? event->msg_id.ptr : "");
    if (event->rseq > 0) assert_int_equal(es_room_follower_at(w->f), event->rseq);
}

static void on_fetch(void *ctx, uint64_t id, uint64_t from, uint64_t count)
{
    world_t *w = ctx;
    note(w->asked, sizeof w->asked, "#%d:%d+%d", (int)id, (int)from, (int)count);
}

static void on_missed(void *ctx, uint64_t from, uint64_t to)
{
    world_t *w = ctx;
    assert_true(from <= to);
    note(w->out, sizeof w->out, "!%d-%d", (int)from, (int)to);
}

static void on_reset(void *ctx, uint64_t log)
{
    world_t *w = ctx;
    assert_int_equal(es_room_follower_log(w->f), log);
    note(w->out, sizeof w->out, "R%d", (int)log);
}

static const es_room_follower_ops_t ops = {
    .event = on_event, .fetch = on_fetch, .missed = on_missed, .reset = on_reset};

static int setup(void **state)
{
    world_t *w = calloc(1, sizeof *w);
    w->now = MS(10000);
    w->f = es_room_follower_new(NULL, &ops, w);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    world_t *w = *state;
    es_room_follower_destroy(&w->f);
    assert_null(w->f);
    es_room_follower_destroy(&w->f);
    free(w);
    return 0;
}

static void remake(world_t *w, size_t held_max, size_t held_bytes)
{
    es_room_follower_config_t config = es_room_follower_defaults();
    config.held_max = held_max;
    config.held_bytes = held_bytes;
    es_room_follower_destroy(&w->f);
    w->f = es_room_follower_new(&config, &ops, w);
}

static es_room_event_t event(uint64_t rseq)
{
    return (es_room_event_t){.rseq = rseq, .type = rseq > 0 ? ES_EVENT_MESSAGE : ES_EVENT_PARTIAL};
}

static size_t range(es_room_event_t *events, uint64_t from, uint64_t to)
{
    size_t n = 0;
    for (uint64_t rseq = from; rseq <= to; rseq++) events[n++] = event(rseq);
    return n;
}

static void news(world_t *w, uint64_t from, uint64_t to)
{
    es_room_event_t events[600];
    es_room_follower_news(w->f, LOG, events, range(events, from, to), w->now);
}

#define partial(w) news(w, 0, 0)

static void state_of(world_t *w, uint64_t last, uint64_t floor)
{
    es_room_follower_state(w->f, LOG, last, floor, w->now);
}

/* Events from..to; none where to < from. */
static void answer(world_t *w, uint64_t id, uint64_t last, uint64_t floor, uint64_t from, uint64_t to)
{
    es_room_event_t events[600];
    es_room_follower_fetched(w->f, LOG, id, last, floor, events, range(events, from, to), w->now);
}

static const char *out(world_t *w)
{
    static char text[sizeof w->out];
    memcpy(text, w->out, sizeof text);
    w->out[0] = '\0';
    return text;
}

static const char *asked(world_t *w)
{
    static char text[sizeof w->asked];
    memcpy(text, w->asked, sizeof text);
    w->asked[0] = '\0';
    return text;
}

static void pass(world_t *w, uint64_t us)
{
    uint64_t end = w->now + us, at;
    while ((at = es_room_follower_tick(w->f, w->now)) <= end) w->now = at;
    w->now = end;
}

/* Level after 1..at of a log that began empty. */
static void follow(world_t *w, uint64_t at)
{
    state_of(w, 0, 1);
    if (at > 0) news(w, 1, at);
    assert_true(es_room_follower_level(w->f));
    assert_int_equal(es_room_follower_at(w->f), at);
    out(w);
    assert_string_equal(asked(w), "");
}

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
    assert_string_equal(asked(w), "#1:6+3");
    partial(w); /* not before what it follows */
    answer(w, 1, 8, 1, 6, 8);
    partial(w);
    assert_string_equal(out(w), "6 7 8 p");
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

static void test_below_the_floor_is_missed(void **state)
{
    world_t *w = *state;
    follow(w, 1);
    news(w, 9, 9);
    asked(w);
    answer(w, 1, 9, 6, 6, 8);
    assert_string_equal(out(w), "!2-5 6 7 8 9");
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
    assert_string_equal(out(w), "1 2");
    assert_string_equal(asked(w), "#1:1+1 #2:3+1");
    answer(w, 2, 3, 1, 3, 3);
    es_room_follower_news(w->f, LOG, (es_room_event_t[]){event(5)}, 1, w->now); /* its bytes were given back */
    news(w, 4, 4);
    assert_string_equal(out(w), "3 4 5");
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

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

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
        TEST(a_gap_holds_and_fetches_only_what_is_missing),
        TEST(held_events_are_copies),
        TEST(the_gap_closes_by_itself),
        TEST(asks_again_with_the_same_number),
        TEST(an_old_answer_is_none_to_the_new_question),
        TEST(pages),
        TEST(an_empty_answer_is_asked_again_in_its_time),
        TEST(below_the_floor_is_missed),
        TEST(what_is_held_is_not_missed),
        TEST(a_floor_beyond_the_end_is_the_end),
        TEST(what_cannot_be_held_is_fetched),
        TEST(held_bytes_are_bounded),
        TEST(news_of_another_log_want_a_state),
        TEST(a_reset_ends_what_was_asked_and_held),
        TEST(forgets_what_it_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
