/* actors/room/room.c: what can be fetched of a log, and what is given up. */
#include "room_log_world.h"

static void fetch_from(world_t *w, uint64_t from, uint64_t count)
{
    es_msg_t msg = request(ES_ROOM_FETCH, EDGE_A, 77);
    ES_SET(&msg, ES_M_FROM, from_seq, from);
    ES_SET(&msg, ES_M_COUNT, count, count);
    ask(w, msg, NULL, 0);
    assert_int_equal(last_sent(w)->msg.kind, ES_ROOM_EVENTS);
    assert_string_equal(last_sent(w)->key, EDGE_A);
    assert_int_equal(last_sent(w)->msg.seq, 77);
    assert_int_equal(last_sent(w)->msg.rseq, w->n_stored);
}

static void say_many(world_t *w, uint64_t first, uint64_t n, const char *text)
{
    char id[24];
    for (uint64_t i = first; i < first + n; i++) {
        snprintf(id, sizeof id, "m%d", (int)i);
        ask(w, saying(ANN, "ann", i, id, text), NULL, 0);
    }
}

static void fetch_gives_a_page(void **state)
{
    world_t *w = *state;
    static es_room_event_t events[ES_ROOM_ROWS_MAX];
    join(w, ANN, "ann", 1);
    say_many(w, 2, 400, "m");
    fetch_from(w, 3, 4);
    assert_int_equal(events_of(w, last_sent(w), events, 8), 4);
    assert_int_equal(events[0].rseq, 3);
    assert_int_equal(events[3].rseq, 6);
    fetch_from(w, 0, 1000000);
    assert_int_equal(events_of(w, last_sent(w), events, ES_ROOM_ROWS_MAX), ES_ROOM_FETCH_MAX);
    assert_int_equal(events[0].rseq, 1);
    fetch_from(w, 401, 100);
    assert_int_equal(events_of(w, last_sent(w), events, 8), 1);
    fetch_from(w, 402, 100);
    assert_int_equal(events_of(w, last_sent(w), events, 8), 0);
    fetch_from(w, UINT64_MAX, 100);
    fetch_from(w, 1, 0);
    assert_int_equal(last_sent(w)->len, 0);
}

static void a_page_of_long_events_is_bounded_by_bytes(void **state)
{
    world_t *w = *state;
    char text[ES_ROOM_TEXT_MAX + 1];
    static es_room_event_t events[ES_ROOM_ROWS_MAX];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    join(w, ANN, "ann", 1);
    say_many(w, 2, 200, text);
    fetch_from(w, 1, 256);
    int n = events_of(w, last_sent(w), events, ES_ROOM_ROWS_MAX);
    assert_true(n > 100 && n < 130);
    assert_true(last_sent(w)->len <= ES_ROOM_MESSAGE_MAX);
    assert_int_equal(events[n - 1].rseq, n);
}

static void history_is_bounded_by_count(void **state)
{
    world_t *w = *state;
    es_room_event_t events[8];
    w->shared.history = 10;
    join(w, ANN, "ann", 1);
    say_many(w, 2, 9, "m");
    assert_int_equal(w->floor, 1);
    say_many(w, 11, 5, "m");
    assert_int_equal(w->floor, 6);
    assert_int_equal(last_sent(w)->msg.floor, 6);
    fetch_from(w, 1, 2);
    assert_int_equal(events_of(w, last_sent(w), events, 8), 2);
    assert_int_equal(events[0].rseq, 6);
    assert_int_equal(w->shared.stats.given_up, 5);
    w->shared.history = 4; /* a smaller setting at the next start */
    load(w);
    es_room_tick(w->room, w->now);
    assert_int_equal(w->floor, 12);
}

/* Bob comes and goes; his operations are numbered from `first` on. */
static void come_and_go(world_t *w, uint64_t first, uint64_t times)
{
    for (uint64_t i = 0; i < times; i++) {
        join(w, BOB, "bob", first + 2 * i);
        leave(w, BOB, "bob", first + 2 * i + 1);
    }
}

static void expect_page(world_t *w, const char *rseqs)
{
    es_room_event_t events[64];
    char text[512] = "";
    int n = events_of(w, last_sent(w), events, 64);
    for (int i = 0; i < n; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%d", i ? " " : "", (int)events[i].rseq);
    assert_string_equal(text, rseqs);
}

static void who_comes_and_goes_pushes_out_nobodys_words(void **state)
{
    world_t *w = *state;
    w->shared.history = 4;
    join(w, ANN, "ann", 1);
    say_many(w, 2, 2, "m");
    come_and_go(w, 1, 50);
    say_many(w, 4, 1, "m");
    assert_int_equal(w->floor, 2);
    fetch_from(w, 1, 100);
    expect_page(w, "2 3 100 101 102 103 104");
    assert_int_equal(w->shared.stats.given_up, 97);
    load(w);
    come_and_go(w, 101, 1);
    say_many(w, 5, 1, "m");
    assert_int_equal(w->floor, 2);
    fetch_from(w, 1, 100);
    expect_page(w, "2 3 102 103 104 105 106 107");
    say_many(w, 6, 1, "m");
    assert_int_equal(w->floor, 3);
    say_many(w, 7, 2, "m");
    assert_int_equal(w->floor, 105);
    fetch_from(w, 1, 100);
    expect_page(w, "105 106 107 108 109 110");
    w->shared.history = 1;
    load(w);
    es_room_tick(w->room, w->now);
    fetch_from(w, 1, 100);
    expect_page(w, "110");
}

static void a_room_of_comings_and_goings_alone_has_no_holes(void **state)
{
    world_t *w = *state;
    w->shared.history = 4;
    come_and_go(w, 1, 10);
    assert_int_equal(w->floor, 17);
    fetch_from(w, 1, 100);
    expect_page(w, "17 18 19 20");
}

static void back_from(world_t *w, uint64_t to, uint64_t count)
{
    es_msg_t msg = request(ES_ROOM_FETCH, EDGE_A, 78);
    ES_SET(&msg, ES_M_FROM, from_seq, to + 1 - count);
    ES_SET(&msg, ES_M_COUNT, count, count);
    ES_SET(&msg, ES_M_TO, to_seq, to);
    ask(w, msg, NULL, 0);
}

static void pages_backward_reach_over_holes(void **state)
{
    world_t *w = *state;
    w->shared.history = 4;
    join(w, ANN, "ann", 1);
    say_many(w, 2, 2, "m");
    come_and_go(w, 1, 50);
    back_from(w, 103, 3);
    expect_page(w, "101 102 103");
    back_from(w, 101, 3);
    expect_page(w, "3 100 101");
    back_from(w, 99, 3);
    expect_page(w, "2 3");
    back_from(w, 1, 3);
    expect_page(w, "");
    back_from(w, UINT64_MAX, 0);
    expect_page(w, "");
    back_from(w, UINT64_MAX, 1);
    expect_page(w, "103");
}

static void history_is_bounded_by_age(void **state)
{
    world_t *w = *state;
    w->shared.age_ms = 1000 * 600;
    w->shared.history = 100000;
    join(w, ANN, "ann", 1);
    say_many(w, 2, 3000, "m");
    load(w);
    pass(w, SECONDS(300));
    say(w, ANN, "ann", 3002, "young");
    pass(w, SECONDS(301));
    unsigned turns = 0;
    while (es_room_tick(w->room, w->now) == w->now.us) turns++;
    assert_int_equal(turns, 2); /* in steps, so that nobody waits for them */
    assert_int_equal(w->floor, 3002);
    pass(w, SECONDS(301));
    es_room_tick(w->room, w->now); /* and ann, long silent, leaves */
    assert_int_equal(w->floor, 3003);
    assert_int_equal(es_room_log(w->room).floor, 3003);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(fetch_gives_a_page),
        TEST(a_page_of_long_events_is_bounded_by_bytes),
        TEST(history_is_bounded_by_count),
        TEST(who_comes_and_goes_pushes_out_nobodys_words),
        TEST(a_room_of_comings_and_goings_alone_has_no_holes),
        TEST(pages_backward_reach_over_holes),
        TEST(history_is_bounded_by_age),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
