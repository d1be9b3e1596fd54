/* A room under requests that make no sense, at random: its log stays one that can be said, and members are those of the store. */
#include "room_log_world.h"

static uint32_t seed;

static uint32_t draw(uint32_t n)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % n;
}

static const char *const clients[] = {ANN, BOB, CAROL, ANN_AGAIN, EDGE_A, EDGE_B, "AAAAAA0000000001", "sys/", ""};
static const char *const sessions[] = {"ann", "bob", "carol", "a\nb", "", "\xc2\x85"};
static const char *const texts[] = {"hello",         "",   "bell \a", "zwei\nZeilen", "\xe2\x98\xba",
                                    "one two three", "m1", "m2"};
static const uint64_t numbers[] = {0, 1, 2, 3, 4, 5, 100, 16000, 32000, UINT64_MAX - 1, UINT64_MAX};

#define ANY(list) ((list)[draw(sizeof(list) / sizeof *(list))])

static es_msg_t any_request(void)
{
    es_msg_t msg = {.kind = ES_ROOM_JOIN + draw(8), .seq = draw(4) ? 1 + draw(12) : ANY(numbers)};
    ES_SET(&msg, ES_M_CLIENT, client, es_span(ANY(clients)));
    ES_SET(&msg, ES_M_SESSION, session, es_span(ANY(sessions)));
    ES_SET(&msg, ES_M_BASE, base, draw(4) ? msg.seq : ANY(numbers));
    ES_SET(&msg, ES_M_NAME, name, es_span(draw(8) ? "name" : ANY(texts)));
    ES_SET(&msg, ES_M_TEXT, text, es_span(ANY(texts)));
    ES_SET(&msg, ES_M_MSG_ID, msg_id, es_span(ANY(texts)));
    ES_SET(&msg, ES_M_STREAM, stream, es_span(draw(3) ? "s1" : ANY(texts)));
    ES_SET(&msg, ES_M_START, start, ANY(numbers));
    ES_SET(&msg, ES_M_END, end, ANY(numbers));
    ES_SET(&msg, ES_M_FROM, from_seq, ANY(numbers));
    ES_SET(&msg, ES_M_COUNT, count, ANY(numbers));
    return msg;
}

/* A list of members, of words, or bytes; now and then with one byte changed. */
static size_t any_body(uint32_t kind, char *body, size_t cap)
{
    es_room_member_t rows[4];
    es_word_t words[4];
    size_t n = draw(5), len = 0;
    for (size_t i = 0; i < n; i++) {
        rows[i] = (es_room_member_t){es_span(ANY(clients)), es_span(ANY(sessions)), es_span(ANY(texts))};
        words[i] = (es_word_t){es_span(ANY(texts)), ANY(numbers), ANY(numbers), draw(1000)};
    }
    if (kind == ES_ROOM_MEMBERS)
        len = es_room_members_encode(rows, n, body, cap);
    else if (kind == ES_ROOM_CAPTION)
        len = es_words_encode(words, n, body, cap);
    if (len > 0 && draw(8) == 0) body[draw((uint32_t)len)] = (char)draw(256);
    return len;
}

static void check_log(world_t *w)
{
    char buf[ES_ROOM_MESSAGE_MAX];
    for (size_t i = 0; i < w->n_stored; i++) {
        const es_room_event_t *e = &w->stored[i].event;
        assert_true(es_room_events_encode(e, 1, buf, sizeof buf) > 0);
        assert_true(e->type >= ES_EVENT_JOINED && e->type <= ES_EVENT_CAPTION);
        assert_true(e->member.len > 0 && es_room_text_valid(e->member, false));
        assert_true(e->name.len > 0 && es_room_text_valid(e->name, false));
        assert_true(es_room_text_valid(e->text, true));
        assert_true((e->text.len > 0) == (e->type >= ES_EVENT_MESSAGE));
        assert_true(e->start <= e->end);
    }
}

/* Who came and has not left is who sits there, for the store as for the room. */
static void check_members(const world_t *w)
{
    size_t there = 0;
    for (size_t i = 0; i < w->n_stored; i++) {
        there += w->stored[i].event.type == ES_EVENT_JOINED;
        there -= w->stored[i].event.type == ES_EVENT_LEFT;
    }
    assert_int_equal(there, w->n_seats);
    assert_int_equal(there, es_room_members(w->room));
}

static void one_schedule(world_t *w)
{
    char body[2048];
    for (int i = 0; i < 400; i++) {
        es_msg_t msg = any_request();
        ask(w, msg, body, any_body(msg.kind, body, sizeof body));
        if (draw(5) == 0) es_room_flush(w->room);
        if (draw(10) == 0) pass(w, MS(draw(5000)));
        if (draw(10) == 0) es_room_tick(w->room, w->now);
        if (draw(100) == 0) load(w);
        check_members(w);
    }
    check_log(w);
}

static void no_request_breaks_a_room(void **state)
{
    (void)state;
    for (uint32_t i = 1; i <= 150; i++) {
        void *world;
        seed = i;
        setup(&world);
        world_t *w = world;
        w->shared.history = 1 + draw(30);
        w->shared.members_max = 1 + draw(4);
        one_schedule(w);
        teardown(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_request_breaks_a_room)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
