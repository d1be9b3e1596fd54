/* actors/room/room.c and room_members.c: who is there, through which edge, and who has gone. */
#include "room_log_world.h"

static void expect_state(const world_t *w, const char *edge, uint64_t rseq)
{
    const sent_t *sent = last_sent(w);
    assert_int_equal(sent->msg.kind, ES_ROOM_STATE);
    assert_string_equal(sent->key, edge);
    assert_int_equal(sent->msg.rseq, rseq);
    assert_int_equal(sent->msg.log, 7);
    assert_int_equal(sent->msg.floor, 1);
}

/* Time passes; the edges that are named (or NULL) go on saying who is there. */
static void wait_for(world_t *w, uint64_t us, void (*lists)(world_t *w))
{
    for (uint64_t end = w->now.us + us; w->now.us < end;) {
        if (lists) lists(w);
        pass(w, MS(500));
        uint64_t next = es_room_tick(w->room, w->now);
        assert_true(next > w->now.us);
    }
}

static void lists_nobody(world_t *w)
{
    list(w, EDGE_A, NULL);
}
static void lists_ann(world_t *w)
{
    list(w, EDGE_A, ANN, "ann", NULL);
}
static void lists_ann_at_both(world_t *w)
{
    list(w, EDGE_A, ANN, "ann", NULL);
    list(w, EDGE_B, ANN_AGAIN, "ann", NULL);
}
static void lists_ann_at_b(world_t *w)
{
    list(w, EDGE_B, ANN_AGAIN, "ann", NULL);
}

static const char *client_of(world_t *w, const char *session)
{
    const seat_t *seat = seat_of(w, es_span(session));
    return seat ? seat->client : "";
}

static void who_is_listed_stays(void **state)
{
    world_t *w = *state;
    join(w, ANN, "ann", 1);
    wait_for(w, SECONDS(60), lists_ann);
    expect_state(w, EDGE_A, 1);
    assert_string_equal(story(w), "+ann");
}

static void who_is_listed_and_no_member_joins(void **state)
{
    world_t *w = *state;
    list(w, EDGE_A, ANN, "ann", BOB, "bob", NULL);
    expect_state(w, EDGE_A, 2);
    assert_string_equal(story(w), "+ann +bob");
    list(w, EDGE_A, ANN, "ann", BOB, "bob", NULL);
    assert_string_equal(story(w), "+ann +bob");
    say(w, ANN, "ann", 9, "hello"); /* its earlier operations went to another actor */
    expect_done(w, ANN, 9, 3);
}

static void who_is_not_listed_leaves_after_the_grace(void **state)
{
    world_t *w = *state;
    join(w, ANN, "ann", 1);
    join(w, BOB, "bob", 1);
    wait_for(w, MS(9500), lists_ann);
    assert_string_equal(story(w), "+ann +bob");
    wait_for(w, SECONDS(1), lists_ann);
    assert_string_equal(story(w), "+ann +bob -bob");
    assert_int_equal(es_room_members(w->room), 1);
    assert_int_equal(w->n_seats, 1);
}

static void who_comes_back_before_never_left(void **state)
{
    world_t *w = *state;
    join(w, ANN, "ann", 1);
    wait_for(w, SECONDS(9), lists_nobody);
    wait_for(w, SECONDS(9), lists_ann);
    wait_for(w, SECONDS(9), lists_nobody);
    say(w, ANN, "ann", 2, "here");
    wait_for(w, SECONDS(9), lists_nobody);
    assert_string_equal(story(w), "+ann ann:here");
    wait_for(w, SECONDS(2), lists_nobody);
    assert_string_equal(story(w), "+ann ann:here -ann");
}

static void members_of_a_silent_edge_leave(void **state)
{
    world_t *w = *state;
    join(w, ANN, "ann", 1);
    join(w, CAROL, "carol", 1);
    wait_for(w, SECONDS(15), lists_ann);
    assert_string_equal(story(w), "+ann +carol");
    wait_for(w, SECONDS(2), lists_ann);
    assert_string_equal(story(w), "+ann +carol -carol");
}

static void an_edge_that_speaks_is_not_silent(void **state)
{
    world_t *w = *state;
    join(w, ANN, "ann", 1);
    join(w, BOB, "bob", 1);
    for (uint64_t i = 2; i < 22; i++) {
        char id[8];
        snprintf(id, sizeof id, "m%d", (int)i);
        say(w, ANN, "ann", i, id);
        wait_for(w, SECONDS(5), NULL);
    }
    assert_int_equal(es_room_members(w->room), 2);
}

static void a_session_moves_to_another_client_without_an_event(void **state)
{
    world_t *w = *state;
    join(w, ANN, "ann", 1);
    say(w, ANN, "ann", 2, "one");
    join(w, ANN_AGAIN, "ann", 1);
    expect_done(w, ANN_AGAIN, 1, 2);
    assert_string_equal(client_of(w, "ann"), ANN_AGAIN);
    say(w, ANN_AGAIN, "ann", 2, "two");
    expect_done(w, ANN_AGAIN, 2, 3);
    say(w, ANN, "ann", 3, "late"); /* said on the old connection, and under way until now */
    expect_done(w, ANN, 3, 4);
    assert_string_equal(story(w), "+ann ann:one ann:two ann:late");
    leave(w, ANN, "ann", 4); /* the old client is there no more: nothing to leave */
    expect_done(w, ANN, 4, 4);
    assert_int_equal(es_room_members(w->room), 1);
}

static void an_edge_that_has_not_noticed_does_not_take_a_session_back(void **state)
{
    world_t *w = *state;
    join(w, ANN, "ann", 1);
    join(w, ANN_AGAIN, "ann", 1);
    wait_for(w, SECONDS(30), lists_ann_at_both);
    assert_string_equal(client_of(w, "ann"), ANN_AGAIN);
    assert_string_equal(story(w), "+ann");
    wait_for(w, SECONDS(30), lists_ann_at_b);
    assert_string_equal(story(w), "+ann");
}

static void a_list_moves_a_session_that_is_away(void **state)
{
    world_t *w = *state;
    join(w, ANN, "ann", 1);
    wait_for(w, SECONDS(3), lists_nobody);
    wait_for(w, SECONDS(30), lists_ann_at_b); /* its JOIN went to an actor that is gone */
    assert_string_equal(client_of(w, "ann"), ANN_AGAIN);
    assert_string_equal(story(w), "+ann");
}

static void another_name_is_leaving_and_joining(void **state)
{
    world_t *w = *state;
    es_msg_t msg = operation(ES_ROOM_JOIN, ANN, "ann", 2);
    msg.name = es_span("Annie");
    join(w, ANN, "ann", 1);
    ask(w, msg, NULL, 0);
    expect_done(w, ANN, 2, 3);
    say(w, ANN, "ann", 3, "hi");
    assert_string_equal(story(w), "+ann -ann +Annie Annie:hi");
    assert_string_equal(seat_of(w, es_span("ann"))->name, "Annie");
}

static void a_list_that_is_older_than_a_leave_brings_nobody_back(void **state)
{
    world_t *w = *state;
    join(w, ANN, "ann", 1);
    leave(w, ANN, "ann", 2);
    lists_ann(w);
    assert_string_equal(story(w), "+ann -ann");
    join(w, ANN, "ann", 3);
    wait_for(w, SECONDS(20), lists_nobody); /* away, not by LEAVE: a list brings it back */
    lists_ann(w);
    assert_string_equal(story(w), "+ann -ann +ann -ann +ann");
}

static void rows_that_no_edge_should_say_are_left_out(void **state)
{
    world_t *w = *state;
    list(w, EDGE_A, ANN, "ann", CAROL, "carol", "AAAAAA0000000009", "x", BOB, "", NULL);
    assert_string_equal(story(w), "+ann");
    assert_int_equal(w->shared.stats.malformed, 3);
    size_t before = w->n_sent;
    ask(w, request(ES_ROOM_MEMBERS, EDGE_A, 0), "\xc1garbage", 8);
    ask(w, request(ES_ROOM_MEMBERS, EDGE_A, 0), "\x80", 1);
    assert_int_equal(w->n_sent, before);
    assert_int_equal(w->shared.stats.malformed, 5);
    wait_for(w, SECONDS(5), NULL); /* a list that cannot be read says nothing of anybody */
    assert_string_equal(story(w), "+ann");
}

static void the_next_actor_knows_who_was_there(void **state)
{
    world_t *w = *state;
    join(w, ANN, "ann", 1);
    join(w, CAROL, "carol", 1);
    pass(w, SECONDS(3600));
    load(w);
    assert_int_equal(es_room_members(w->room), 2);
    wait_for(w, SECONDS(20), lists_ann);
    assert_string_equal(story(w), "+ann +carol -carol");
}

static void seats_that_are_damaged_are_left_out(void **state)
{
    world_t *w = *state;
    es_room_seat_t seat = {.session = es_span("ann"), .client = es_span("?"), .name = es_span("ann")};
    es_room_restore(w->room, &seat, w->now);
    seat.client = es_span(ANN);
    es_room_restore(w->room, &seat, w->now);
    es_room_restore(w->room, &seat, w->now);
    assert_int_equal(es_room_members(w->room), 1);
}

static void many_leave_in_steps(void **state)
{
    enum { MANY = 1300 };
    world_t *w = *state;
    for (unsigned i = 0; i < MANY; i++) {
        char client[24], session[24];
        snprintf(client, sizeof client, "aaaaaa%010x", i + 1);
        snprintf(session, sizeof session, "s%u", i);
        join(w, client, session, 1);
    }
    pass(w, SECONDS(6));
    es_room_tick(w->room, w->now);
    pass(w, SECONDS(10));
    assert_int_equal(es_room_tick(w->room, w->now), w->now.us);
    assert_int_equal(es_room_members(w->room), MANY - ES_ROOM_LEAVES_A_TURN);
    while (es_room_tick(w->room, w->now) == w->now.us) {
    }
    assert_int_equal(es_room_members(w->room), 0);
    assert_int_equal(w->n_seats, 0);
    assert_int_equal(w->n_stored, 2 * MANY);
    assert_int_equal(w->shared.stats.departed_forgotten, MANY - ES_ROOM_DEPARTED);
}

static void an_empty_room_has_nothing_to_wait_for_but_its_history(void **state)
{
    world_t *w = *state;
    es_room_tick(w->room, w->now);
    assert_int_equal(es_room_tick(w->room, w->now), w->now.us + SECONDS(60));
    join(w, ANN, "ann", 1);
    assert_int_equal(es_room_tick(w->room, w->now), w->now.us + SECONDS(6));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_is_listed_stays),
        TEST(who_is_listed_and_no_member_joins),
        TEST(who_is_not_listed_leaves_after_the_grace),
        TEST(who_comes_back_before_never_left),
        TEST(members_of_a_silent_edge_leave),
        TEST(an_edge_that_speaks_is_not_silent),
        TEST(a_session_moves_to_another_client_without_an_event),
        TEST(an_edge_that_has_not_noticed_does_not_take_a_session_back),
        TEST(a_list_moves_a_session_that_is_away),
        TEST(another_name_is_leaving_and_joining),
        TEST(a_list_that_is_older_than_a_leave_brings_nobody_back),
        TEST(rows_that_no_edge_should_say_are_left_out),
        TEST(the_next_actor_knows_who_was_there),
        TEST(seats_that_are_damaged_are_left_out),
        TEST(many_leave_in_steps),
        TEST(an_empty_room_has_nothing_to_wait_for_but_its_history),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
