/* proto/room_wire.c; the lists byte by byte are in proto/vectors/bodies.json. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "room_wire.h"

static int with_decoder(void **state)
{
    *state = es_decoder_new();
    return 0;
}

static int without_decoder(void **state)
{
    es_decoder_destroy((es_decoder_t **)state);
    return 0;
}

#define LITERAL(text) es_span_of((text), sizeof(text) - 1)

static void a_key_holds_its_id(void **state)
{
    (void)state;
    char key[ES_KEY_MAX];
    es_span_t id;
    size_t len = es_room_key(key, es_span("lobby"));
    assert_int_equal(len, 11);
    assert_memory_equal(key, "room/lobby\0", 11);
    assert_true(es_room_of_key(es_span_of(key, len), &id));
    assert_true(es_span_eq(id, es_span("lobby")));
    assert_ptr_equal(id.ptr, key + 5);
}

static void keys_that_are_no_rooms(void **state)
{
    (void)state;
    static char long_key[5 + ES_ROOM_ID_MAX + 2] = "room/";
    memset(long_key + 5, 'a', ES_ROOM_ID_MAX + 1);
    const es_span_t bad[] = {
        LITERAL(""),
        LITERAL("room/"),
        LITERAL("room/\0"),
        LITERAL("room/a"),
        LITERAL("rooms/a\0"),
        LITERAL("Room/a\0"),
        LITERAL("room/a\nb\0"),
        LITERAL("room/a\0b\0"),
        LITERAL("room/\xff\0"),
        LITERAL("3f9a0c00000000a1"),
        LITERAL("sys/0123456789abcdef"),
        es_span_of(long_key, sizeof long_key),
    };
    es_span_t id;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(es_room_of_key(bad[i], &id));
    long_key[5 + ES_ROOM_ID_MAX] = '\0';
    assert_true(es_room_of_key(es_span_of(long_key, sizeof long_key - 1), &id));
    assert_int_equal(id.len, ES_ROOM_ID_MAX);
}

static void control_characters(void **state)
{
    (void)state;
    assert_true(es_room_text_valid(LITERAL(""), false));
    assert_true(es_room_text_valid(LITERAL("gr\xc3\xbc\xc3\x9f \xf0\x9f\x91\x8b\xc2\xa0!"), false));
    const es_span_t lines[] = {LITERAL("a\nb"), LITERAL("\t")};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        assert_true(es_room_text_valid(lines[i], true));
        assert_false(es_room_text_valid(lines[i], false));
    }
    const es_span_t never[] = {LITERAL("a\rb"),     LITERAL("\0"),        LITERAL("\x1b[31m"), LITERAL("\x7f"),
                               LITERAL("\xc2\x80"), LITERAL("x\xc2\x9f"), LITERAL("\xc2"),     LITERAL("\xed\xa0\x80")};
    for (size_t i = 0; i < sizeof never / sizeof *never; i++) {
        assert_false(es_room_text_valid(never[i], true));
        assert_false(es_room_text_valid(never[i], false));
    }
    assert_false(es_room_id_valid(LITERAL("")));
}

static void which_kinds_are_requests(void **state)
{
    (void)state;
    for (uint32_t kind = 0; kind < 128; kind++)
        assert_int_equal(es_room_is_request(kind), kind >= ES_ROOM_JOIN && kind <= ES_ROOM_WHO);
}

static es_room_event_t message(uint64_t rseq, es_span_t text)
{
    return (es_room_event_t){.rseq = rseq,
                             .type = ES_EVENT_MESSAGE,
                             .at_ms = UINT64_MAX,
                             .member = es_span("5b1f0c9e77d24a60"),
                             .name = es_span("Ann"),
                             .text = text,
                             .msg_id = es_span("a1"),
                             .stream = es_span(NULL),
                             .start = 1,
                             .end = 2};
}

static void events_make_the_round_trip(void **state)
{
    enum { N = 400 };
    static char filler[ES_ROOM_TEXT_MAX], buf[ES_ROOM_MAX];
    static es_room_event_t events[N], back[N];
    memset(filler, 'x', sizeof filler);
    size_t bound = 5;
    for (uint64_t i = 0; i < N; i++) {
        events[i] = message(i + 1, es_span_of(filler, (size_t)i * 5));
        bound += es_room_event_bound(&events[i]);
    }
    size_t len = es_room_events_encode(events, N, buf, sizeof buf);
    assert_true(len > 0 && len <= bound);
    assert_int_equal(es_room_events_decode(*state, buf, len, back, N), N);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(back[i].rseq, i + 1);
        assert_true(es_span_eq(back[i].text, events[i].text) && es_span_eq(back[i].member, events[i].member));
        assert_true(es_span_eq(back[i].msg_id, events[i].msg_id) && back[i].stream.len == 0);
        assert_true(back[i].at_ms == UINT64_MAX && back[i].start == 1 && back[i].end == 2);
    }
    assert_int_equal(es_room_events_encode(events, N, buf, len - 1), 0);
    assert_int_equal(es_room_events_decode(*state, buf, len, back, N - 1), -1); /* not a part of them */
}

static void no_rows(void **state)
{
    char buf[8];
    es_room_event_t event;
    es_room_member_t member;
    assert_int_equal(es_room_events_decode(*state, NULL, 0, &event, 1), 0);
    assert_int_equal(es_room_members_decode(*state, NULL, 0, &member, 1), 0);
    assert_int_equal(es_room_events_encode(NULL, 0, buf, sizeof buf), 1);
    assert_int_equal(es_room_members_encode(NULL, 0, buf, sizeof buf), 1);
    assert_int_equal(es_room_events_encode(NULL, 0, buf, 0), 0);
}

static void what_is_no_text_is_not_said(void **state)
{
    (void)state;
    char buf[256];
    es_room_event_t event = message(1, es_span("\xff"));
    assert_int_equal(es_room_events_encode(&event, 1, buf, sizeof buf), 0);
    es_room_member_t member = {es_span("3f9a0c00000000a1"), es_span("s"), es_span("\xed\xa0\x80")};
    assert_int_equal(es_room_members_encode(&member, 1, buf, sizeof buf), 0);
}

static void lists_have_a_size(void **state)
{
    static char big[ES_ROOM_MAX + 1];
    es_room_event_t event;
    es_room_member_t member;
    assert_int_equal(es_room_events_decode(*state, big, sizeof big, &event, 1), -1);
    assert_int_equal(es_room_members_decode(*state, big, sizeof big, &member, 1), -1);
}

#define WITH_DECODER(test) cmocka_unit_test_setup_teardown(test, with_decoder, without_decoder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_holds_its_id),          cmocka_unit_test(keys_that_are_no_rooms),
        cmocka_unit_test(control_characters),          cmocka_unit_test(which_kinds_are_requests),
        WITH_DECODER(events_make_the_round_trip),      WITH_DECODER(no_rows),
        cmocka_unit_test(what_is_no_text_is_not_said), WITH_DECODER(lists_have_a_size),
    };
    return cmocka_run_group_tests_name("room_wire", tests, NULL, NULL);
}
