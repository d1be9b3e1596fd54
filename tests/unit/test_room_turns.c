/* actors/room/rooms.c on real files: what a turn brings is stored by one commit and only then said; who has lost a room says nothing. */
#include "room_store_world.h"
#include "rooms.h"

#define SECONDS(n) ((uint64_t)(n)*1000000u)
#define ANN "aaaaaa0000000001"
#define BOB "aaaaaa0000000002"
#define EDGE "aaaaaa0000000000"

enum { SAID = 4096 };

typedef struct {
    char key[ES_KEY_MAX + 1];
    uint32_t kind;
    uint64_t seq, rseq, log;
    char reason[32];
} said_t;

/* An actor: its rooms, and what it has said. */
typedef struct {
    es_room_shared_t shared;
    es_rooms_t *rooms;
    said_t said[SAID];
    size_t n;
} actor_t;

typedef struct {
    world_t world; /* two handles on one file */
    es_room_now_t now;
    actor_t a, b;
} turns_t;

static void publish(void *ctx, es_span_t key, const es_msg_t *msg, const void *body, size_t len)
{
    actor_t *actor = ctx;
    assert_true(actor->n < SAID);
    said_t *said = &actor->said[actor->n++];
    *said = (said_t){.kind = msg->kind, .seq = msg->seq, .rseq = msg->rseq, .log = msg->log};
    snprintf(said->key, sizeof said->key, "%.*s", (int)key.len, key.ptr);
    snprintf(said->reason, sizeof said->reason, "%.*s", (int)msg->reason.len, msg->reason.ptr ? msg->reason.ptr : "");
    assert_int_equal(es_catalogue_check(msg, len), ES_CHECK_OK);
    (void)body;
}

static uint64_t drawn(void)
{
    static uint64_t next = 100;
    return next++;
}

static void start(actor_t *actor, es_room_store_t *store, size_t max_rooms, size_t turn_bytes)
{
    es_rooms_config_t config = es_rooms_defaults(drawn);
    config.max_rooms = max_rooms;
    config.turn_bytes = turn_bytes;
    es_room_shared_init(&actor->shared, 1);
    actor->rooms = es_rooms_new(&config, &actor->shared, store, publish, actor);
}

static void stop(actor_t *actor)
{
    es_rooms_destroy(&actor->rooms);
    es_rooms_destroy(&actor->rooms);
    es_room_shared_fini(&actor->shared);
}

static int turns_setup(void **state)
{
    void *world;
    setup(&world);
    turns_t *t = calloc(1, sizeof *t);
    t->world = *(world_t *)world;
    free(world);
    t->world.config.path = t->world.path;
    t->now = (es_room_now_t){.us = SECONDS(1000), .ms = NOW};
    start(&t->a, t->world.a, 10, 1u << 20);
    start(&t->b, t->world.b, 10, 1u << 20);
    *state = t;
    return 0;
}

static int turns_teardown(void **state)
{
    turns_t *t = *state;
    stop(&t->a);
    stop(&t->b);
    void *world = malloc(sizeof t->world);
    memcpy(world, &t->world, sizeof t->world);
    free(t);
    return teardown(&world);
}

static void ask(turns_t *t, actor_t *actor, const char *room, es_msg_t msg)
{
    char key[ES_KEY_MAX];
    assert_true(
        es_rooms_message(actor->rooms, es_span_of(key, es_room_key(key, es_span(room))), &msg, es_span(NULL), t->now));
}

static es_msg_t operation(uint32_t kind, const char *client, uint64_t seq)
{
    es_msg_t msg = {.kind = kind, .seq = seq};
    ES_SET(&msg, ES_M_CLIENT, client, es_span(client));
    ES_SET(&msg, ES_M_SESSION, session, es_span(client));
    ES_SET(&msg, ES_M_BASE, base, seq);
    ES_SET(&msg, ES_M_NAME, name, es_span(client));
    return msg;
}

static void join(turns_t *t, actor_t *actor, const char *room, const char *client, uint64_t seq)
{
    ask(t, actor, room, operation(ES_ROOM_JOIN, client, seq));
}

static void tell(turns_t *t, actor_t *actor, const char *room, const char *client, uint64_t seq, const char *msg_id)
{
    es_msg_t msg = operation(ES_ROOM_SAY, client, seq);
    ES_SET(&msg, ES_M_MSG_ID, msg_id, es_span(msg_id));
    ES_SET(&msg, ES_M_TEXT, text, es_span(msg_id));
    ask(t, actor, room, msg);
}

static const said_t *last_said(const actor_t *actor)
{
    assert_true(actor->n > 0);
    return &actor->said[actor->n - 1];
}

static es_rooms_stats_t stats(const actor_t *actor)
{
    es_rooms_stats_t out;
    es_rooms_stats(actor->rooms, &out);
    return out;
}

static void nothing_is_said_before_it_is_stored(void **state)
{
    turns_t *t = *state;
    join(t, &t->a, "lobby", ANN, 1);
    tell(t, &t->a, "lobby", ANN, 2, "m1");
    join(t, &t->a, "attic", BOB, 1);
    assert_int_equal(t->a.n, 0);
    assert_int_equal(counted(&t->world, "SELECT count(*) FROM event"), 0);
    es_rooms_flush(t->a.rooms);
    assert_int_equal(counted(&t->world, "SELECT count(*) FROM event"), 3);
    assert_int_equal(t->a.n, 5); /* three answers, news of two rooms */
    assert_string_equal(t->a.said[0].key, ANN);
    assert_int_equal(t->a.said[1].rseq, 2);
    assert_int_equal(t->a.said[3].kind, ES_ROOM_NEWS);
    es_room_store_stats_t store;
    es_room_store_stats(t->world.a, &store);
    assert_int_equal(store.commits, 1);
    es_rooms_flush(t->a.rooms);
    assert_int_equal(t->a.n, 5);
}

static void what_cannot_be_stored_is_not_said_and_asked_again(void **state)
{
    turns_t *t = *state;
    join(t, &t->a, "lobby", ANN, 1);
    es_rooms_flush(t->a.rooms);
    size_t before = t->a.n;
    assert_int_equal(es_room_store_begin(t->world.b), ES_STORE_OK); /* somebody else holds the file */
    tell(t, &t->a, "lobby", ANN, 2, "m1");
    es_rooms_flush(t->a.rooms);
    join(t, &t->a, "attic", ANN, 1);
    es_rooms_flush(t->a.rooms);
    assert_int_equal(t->a.n, before);
    committed(t->world.b);
    assert_int_equal(stats(&t->a).lost, 1);
    tell(t, &t->a, "lobby", ANN, 2, "m1");
    es_rooms_flush(t->a.rooms);
    assert_int_equal(t->a.said[before].kind, ES_ROOM_DONE);
    assert_int_equal(t->a.said[before].rseq, 2);
    assert_int_equal(counted(&t->world, "SELECT count(*) FROM event"), 2);
}

static void a_room_that_was_taken_over_is_dropped_alone(void **state)
{
    turns_t *t = *state;
    join(t, &t->a, "lobby", ANN, 1);
    join(t, &t->a, "attic", BOB, 1);
    es_rooms_flush(t->a.rooms);
    uint64_t log = t->a.said[0].log;
    tell(t, &t->b, "lobby", ANN, 2, "from b");
    es_rooms_flush(t->b.rooms);
    assert_int_equal(t->b.said[0].rseq, 2);
    assert_int_equal(t->b.said[0].log, log);
    size_t before = t->a.n;
    tell(t, &t->a, "lobby", ANN, 3, "from a"); /* it slept, and does not know */
    tell(t, &t->a, "attic", BOB, 2, "other");
    es_rooms_flush(t->a.rooms);
    assert_int_equal(t->a.n, before + 2);
    assert_string_equal(t->a.said[before].key, BOB);
    assert_int_equal(stats(&t->a).lost, 1);
    tell(t, &t->a, "lobby", ANN, 3, "from a"); /* asked again: now it takes the room back */
    es_rooms_flush(t->a.rooms);
    assert_int_equal(t->a.said[before + 2].rseq, 3);
    assert_int_equal(counted(&t->world, "SELECT count(*) FROM event"), 5);
}

static void who_has_lost_a_room_does_not_even_answer(void **state)
{
    turns_t *t = *state;
    es_msg_t who = {.kind = ES_ROOM_WHO, .seq = 9};
    ES_SET(&who, ES_M_CLIENT, client, es_span(ANN));
    join(t, &t->a, "lobby", ANN, 1);
    es_rooms_flush(t->a.rooms);
    join(t, &t->b, "lobby", BOB, 1);
    es_rooms_flush(t->b.rooms);
    size_t before = t->a.n;
    ask(t, &t->a, "lobby", who);
    es_rooms_flush(t->a.rooms);
    assert_int_equal(t->a.n, before);
    ask(t, &t->a, "lobby", who);
    es_rooms_flush(t->a.rooms);
    assert_int_equal(last_said(&t->a)->kind, ES_ROOM_PRESENT);
    assert_int_equal(last_said(&t->a)->rseq, 2);
}

/* Two actors, each taken for the right one again and again: numbers are given once, and every answer is true. */
static void rooms_that_move_back_and_forth_keep_their_numbers(void **state)
{
    turns_t *t = *state;
    uint64_t seq = 1, stored = 0;
    actor_t *actors[] = {&t->a, &t->b};
    uint32_t seed = 7;
    join(t, &t->a, "lobby", ANN, seq++);
    es_rooms_flush(t->a.rooms);
    for (int turn = 0; turn < 300; turn++) {
        char id[24];
        seed = seed * 1103515245u + 12345u;
        actor_t *actor = actors[(seed >> 16) % 2];
        size_t before = actor->n;
        snprintf(id, sizeof id, "m%d", (int)seq);
        tell(t, actor, "lobby", ANN, seq, id);
        es_rooms_flush(actor->rooms);
        if (actor->n == before) continue; /* it had lost the room: asked again */
        assert_int_equal(actor->said[before].kind, ES_ROOM_DONE);
        assert_int_equal(actor->said[before].seq, seq);
        seq++;
        stored++;
    }
    assert_true(stored > 100);
    assert_int_equal(counted(&t->world, "SELECT count(*) FROM event WHERE type = 3"), stored);
    assert_int_equal(counted(&t->world, "SELECT count(DISTINCT msg_id) FROM event WHERE type = 3"), stored);
    assert_int_equal(counted(&t->world, "SELECT max(rseq) FROM event"), stored + 1);
}

static void too_many_rooms_are_refused_until_one_is_idle(void **state)
{
    turns_t *t = *state;
    char id[16];
    for (int i = 0; i < 10; i++) {
        snprintf(id, sizeof id, "room %d", i);
        join(t, &t->a, id, ANN, 1);
    }
    es_rooms_flush(t->a.rooms);
    size_t before = t->a.n;
    join(t, &t->a, "one more", BOB, 1);
    assert_int_equal(t->a.n, before + 1);
    assert_int_equal(last_said(&t->a)->kind, ES_ROOM_REFUSED);
    assert_string_equal(last_said(&t->a)->reason, "too_many_rooms");
    assert_string_equal(last_said(&t->a)->key, BOB);
    assert_int_equal(stats(&t->a).too_many, 1);
    ask(t, &t->a, "room 3", operation(ES_ROOM_LEAVE, ANN, 2));
    es_rooms_flush(t->a.rooms);
    t->now.us += SECONDS(1);
    join(t, &t->a, "one more", BOB, 1);
    es_rooms_flush(t->a.rooms);
    assert_int_equal(last_said(&t->a)->kind, ES_ROOM_NEWS);
    assert_int_equal(stats(&t->a).open, 10);
}

static void pass(turns_t *t, actor_t *actor, uint64_t us)
{
    for (uint64_t end = t->now.us + us; t->now.us < end;) {
        uint64_t next = es_rooms_tick(actor->rooms, t->now);
        es_rooms_flush(actor->rooms);
        assert_true(next > t->now.us);
        uint64_t to = next < end ? next : end;
        t->now.ms += (to - t->now.us) / 1000;
        t->now.us = to;
    }
}

static void members_leave_in_time_and_the_room_is_unloaded(void **state)
{
    turns_t *t = *state;
    join(t, &t->a, "lobby", ANN, 1);
    es_rooms_flush(t->a.rooms);
    pass(t, &t->a, SECONDS(15));
    assert_int_equal(counted(&t->world, "SELECT count(*) FROM member"), 1);
    pass(t, &t->a, SECONDS(2));
    assert_int_equal(counted(&t->world, "SELECT count(*) FROM member"), 0);
    assert_int_equal(last_said(&t->a)->kind, ES_ROOM_NEWS);
    assert_int_equal(stats(&t->a).open, 1);
    pass(t, &t->a, SECONDS(70));
    assert_int_equal(stats(&t->a).open, 0);
    join(t, &t->a, "lobby", ANN, 2);
    es_rooms_flush(t->a.rooms);
    assert_int_equal(t->a.said[t->a.n - 2].rseq, 3);
    assert_int_equal(stats(&t->a).loaded, 2);
}

static void a_room_in_use_is_kept_for_as_long_as_it_is(void **state)
{
    turns_t *t = *state;
    es_msg_t who = {.kind = ES_ROOM_WHO};
    ES_SET(&who, ES_M_CLIENT, client, es_span(ANN));
    t->world.a->config.forget_ms = HOURS(2);
    join(t, &t->a, "lobby", ANN, 1);
    join(t, &t->a, "attic", BOB, 1);
    es_rooms_flush(t->a.rooms);
    ask(t, &t->a, "attic", operation(ES_ROOM_LEAVE, BOB, 2));
    es_rooms_flush(t->a.rooms);
    for (int i = 0; i < 3 * 3600 / 5; i++) {
        tell(t, &t->a, "lobby", ANN, 2, "m");
        pass(t, &t->a, SECONDS(5));
    }
    assert_int_equal(counted(&t->world, "SELECT count(*) FROM room"), 1);
    assert_int_equal(counted(&t->world, "SELECT count(*) FROM room WHERE id = 'lobby'"), 1);
}

static void old_rows_are_deleted_by_and_by(void **state)
{
    turns_t *t = *state;
    char id[24];
    t->a.shared.history = 100;
    join(t, &t->a, "lobby", ANN, 1);
    for (uint64_t i = 2; i <= 1500; i++) {
        snprintf(id, sizeof id, "m%d", (int)i);
        tell(t, &t->a, "lobby", ANN, i, id);
        if (i % 100 == 0) es_rooms_flush(t->a.rooms);
    }
    pass(t, &t->a, SECONDS(12));
    assert_int_equal(counted(&t->world, "SELECT count(*) FROM event"), 100);
    assert_int_equal(counted(&t->world, "SELECT floor FROM room"), 1401);
    tell(t, &t->a, "lobby", ANN, 2, "m2"); /* long gone from the history, and known */
    es_rooms_flush(t->a.rooms);
    assert_int_equal(last_said(&t->a)->rseq, 2);
}

static void a_turn_that_grows_too_large_ends_early(void **state)
{
    turns_t *t = *state;
    stop(&t->a);
    start(&t->a, t->world.a, 10, 20000);
    join(t, &t->a, "lobby", ANN, 1);
    for (uint64_t i = 2; i < 100; i++) tell(t, &t->a, "lobby", ANN, i, "m");
    assert_true(stats(&t->a).early > 0);
    assert_true(t->a.n > 0);
}

static void what_is_no_request_to_a_room_is_not_taken(void **state)
{
    turns_t *t = *state;
    char key[ES_KEY_MAX];
    es_msg_t frame = {.kind = ES_FRAME}, request = operation(ES_ROOM_JOIN, ANN, 1);
    es_span_t lobby = es_span_of(key, es_room_key(key, es_span("lobby")));
    assert_false(es_rooms_message(t->a.rooms, lobby, &frame, es_span(NULL), t->now));
    assert_false(es_rooms_message(t->a.rooms, es_span(ANN), &request, es_span(NULL), t->now));
    lobby.len--;
    assert_false(es_rooms_message(t->a.rooms, lobby, &request, es_span(NULL), t->now));
    assert_int_equal(stats(&t->a).requests, 0);
}

static void an_actor_that_ends_without_a_flush_has_said_nothing(void **state)
{
    turns_t *t = *state;
    join(t, &t->a, "lobby", ANN, 1);
    es_rooms_destroy(&t->a.rooms);
    assert_int_equal(t->a.n, 0);
    es_room_store_close(&t->world.a);
    assert_int_equal(counted(&t->world, "SELECT count(*) FROM room"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, turns_setup, turns_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_said_before_it_is_stored),
        TEST(what_cannot_be_stored_is_not_said_and_asked_again),
        TEST(a_room_that_was_taken_over_is_dropped_alone),
        TEST(who_has_lost_a_room_does_not_even_answer),
        TEST(rooms_that_move_back_and_forth_keep_their_numbers),
        TEST(too_many_rooms_are_refused_until_one_is_idle),
        TEST(members_leave_in_time_and_the_room_is_unloaded),
        TEST(a_room_in_use_is_kept_for_as_long_as_it_is),
        TEST(old_rows_are_deleted_by_and_by),
        TEST(a_turn_that_grows_too_large_ends_early),
        TEST(what_is_no_request_to_a_room_is_not_taken),
        TEST(an_actor_that_ends_without_a_flush_has_said_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
