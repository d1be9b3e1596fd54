/* actors/room/room_store_trim.c: what nobody needs any more goes, in steps. */
#include "room_store_world.h"

static uint64_t trimmed(es_room_store_t *store, uint64_t now_ms, uint64_t max)
{
    uint64_t n = es_room_store_trim(store, now_ms, max);
    committed(store);
    return n;
}

static es_room_hold_t filled(world_t *w, const char *id, int n)
{
    char msg_id[16];
    es_room_hold_t hold = claimed(w->a, id, 1);
    for (int i = 0; i < n; i++) {
        snprintf(msg_id, sizeof msg_id, "m%d", i);
        append(w->a, &hold, msg_id);
    }
    es_room_store_caption(w->a, &hold, es_span("ann"), es_span("s1"), 100, NOW);
    es_room_seat_t seat = {es_span("ann"), es_span("aaaaaa0000000001"), es_span("Ann"), 1};
    es_room_store_seat(w->a, &hold, &seat);
    es_room_store_settle(w->a, &hold, &hold.log);
    committed(w->a);
    return hold;
}

static void nothing_to_do_is_no_turn(void **state)
{
    world_t *w = *state;
    es_room_store_stats_t before, after;
    filled(w, "lobby", 3);
    es_room_store_stats(w->a, &before);
    assert_int_equal(trimmed(w->a, NOW + 1000, 100), 0);
    es_room_store_stats(w->a, &after);
    assert_int_equal(after.commits, before.commits);
}

static void events_below_the_floor_go_in_steps(void **state)
{
    world_t *w = *state;
    es_room_hold_t hold = filled(w, "lobby", 100), other = filled(w, "attic", 100);
    assert_int_equal(es_room_store_enter(w->a, &hold), ES_STORE_OK);
    hold.log.floor = 81;
    es_room_store_settle(w->a, &hold, &hold.log);
    assert_int_equal(es_room_store_enter(w->a, &other), ES_STORE_OK);
    other.log.floor = 11;
    es_room_store_settle(w->a, &other, &other.log);
    committed(w->a);
    assert_int_equal(counted(w, "SELECT count(*) FROM history"), 110);
    assert_int_equal(counted(w, "SELECT count(*) FROM event"), 200);
    assert_int_equal(trimmed(w->a, NOW, 30), 30);
    assert_int_equal(counted(w, "SELECT count(*) FROM event"), 170);
    assert_int_equal(trimmed(w->b, NOW, 30), 30); /* anybody may */
    assert_int_equal(trimmed(w->a, NOW, 1000), 30);
    assert_int_equal(trimmed(w->a, NOW, 1000), 0);
    assert_int_equal(counted(w, "SELECT count(*) FROM event"), 110);
    assert_int_equal(counted(w, "SELECT min(rseq) FROM event JOIN room ON room = number WHERE id = 'lobby'"), 81);
}

static void what_was_said_is_known_for_an_hour(void **state)
{
    world_t *w = *state;
    es_room_hold_t hold = filled(w, "lobby", 50);
    assert_int_equal(trimmed(w->a, NOW + HOURS(1), 100), 0);
    assert_int_equal(said(w->a, &hold, "m0"), 1);
    assert_int_equal(trimmed(w->a, NOW + HOURS(1) + 1, 20), 20);
    assert_int_equal(said(w->a, &hold, "m0"), 0);
    assert_int_equal(said(w->a, &hold, "m20"), 21);
    assert_int_equal(trimmed(w->a, NOW + HOURS(1) + 1, 100), 31); /* with the caption */
    assert_int_equal(counted(w, "SELECT count(*) FROM said"), 0);
    assert_int_equal(counted(w, "SELECT count(*) FROM caption"), 0);
    assert_int_equal(counted(w, "SELECT count(*) FROM event"), 50);
}

static void what_was_said_under_a_wrong_clock_does_not_stay_for_ever(void **state)
{
    world_t *w = *state;
    filled(w, "lobby", 10);
    by_hand(w, "UPDATE said SET at_ms = at_ms + 365 * 86400000 WHERE rseq <= 5");
    assert_int_equal(trimmed(w->a, NOW, 100), 5);
    assert_int_equal(trimmed(w->a, NOW + HOURS(1) + 1, 100), 6);
}

static void a_position_that_moves_on_is_known_longer(void **state)
{
    world_t *w = *state;
    es_room_hold_t hold = filled(w, "lobby", 0);
    assert_int_equal(es_room_store_enter(w->a, &hold), ES_STORE_OK);
    es_room_store_caption(w->a, &hold, es_span("bob"), es_span("s1"), 1, NOW + 1);
    es_room_store_caption(w->a, &hold, es_span("ann"), es_span("s1"), 200, NOW + HOURS(1));
    committed(w->a);
    assert_int_equal(trimmed(w->a, NOW + HOURS(1) + 2, 100), 1);
    assert_int_equal(counted(w, "SELECT until FROM caption"), 200);
}

static void a_room_that_nobody_has_is_forgotten(void **state)
{
    world_t *w = *state;
    es_room_store_stats_t stats;
    es_room_hold_t old = filled(w, "lobby", 50), kept = filled(w, "attic", 5);
    assert_int_equal(es_room_store_enter(w->a, &kept), ES_STORE_OK);
    es_room_store_touch(w->a, &kept, NOW + HOURS(200));
    committed(w->a);
    w->a->config.dedup_ms = HOURS(1000);
    while (trimmed(w->a, NOW + HOURS(200), 20) > 0) {
    }
    assert_int_equal(counted(w, "SELECT count(*) FROM room"), 1);
    assert_int_equal(counted(w, "SELECT count(*) FROM event"), 5);
    assert_int_equal(counted(w, "SELECT count(*) FROM said"), 5);
    assert_int_equal(counted(w, "SELECT count(*) FROM caption"), 1);
    assert_int_equal(counted(w, "SELECT count(*) FROM member"), 1);
    es_room_store_stats(w->a, &stats);
    assert_int_equal(stats.forgotten, 1);
    /* an actor that slept through all this */
    assert_int_equal(es_room_store_holds(w->b, &old), ES_STORE_PASSED);
    es_room_hold_t new = claimed(w->a, "lobby", 77);
    committed(w->a);
    assert_int_equal(new.log.log, 77);
    assert_true(new.number != old.number);
    assert_int_equal(say(w->b, &old, "late"), ES_STORE_PASSED);
}

static void a_room_that_was_emptied_can_be_claimed(void **state)
{
    world_t *w = *state;
    filled(w, "lobby", 50);
    assert_int_equal(trimmed(w->a, NOW + HOURS(200), 60), 60); /* what was said, the caption, some events */
    es_room_hold_t hold = claimed(w->a, "lobby", 77);
    assert_int_equal(hold.log.last, 50);
    assert_int_equal(hold.log.floor, 51);
    assert_int_equal(hold.log.log, 1);
    es_room_store_touch(w->a, &hold, NOW + HOURS(200));
    committed(w->a);
    while (trimmed(w->a, NOW + HOURS(200), 20) > 0) {
    }
    assert_int_equal(counted(w, "SELECT count(*) FROM event"), 0);
    assert_int_equal(say(w->a, &hold, "again"), ES_STORE_OK);
    assert_int_equal(hold.log.last, 51);
}

static void a_lost_turn_trims_nothing(void **state)
{
    world_t *w = *state;
    filled(w, "lobby", 5);
    claimed(w->b, "attic", 1); /* holds the lock */
    assert_int_equal(es_room_store_trim(w->a, NOW + HOURS(2), 100), 0);
    assert_int_equal(es_room_store_trim(w->a, NOW + HOURS(200), 100), 0);
    assert_int_equal(es_room_store_commit(w->a), ES_STORE_FAILED);
    committed(w->b);
    assert_int_equal(counted(w, "SELECT count(*) FROM said"), 5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_to_do_is_no_turn),
        TEST(events_below_the_floor_go_in_steps),
        TEST(what_was_said_is_known_for_an_hour),
        TEST(what_was_said_under_a_wrong_clock_does_not_stay_for_ever),
        TEST(a_position_that_moves_on_is_known_longer),
        TEST(a_room_that_nobody_has_is_forgotten),
        TEST(a_room_that_was_emptied_can_be_claimed),
        TEST(a_lost_turn_trims_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
