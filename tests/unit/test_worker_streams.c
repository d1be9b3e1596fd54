/* The streams of a worker: frames, finals, epochs, and streams that it does not have. */
#include "worker_world.h"

#define TRACE          \
    "\0"               \
    "0123456789abcdef" \
    "01234567"

static void frames_become_finals(void **state)
{
    world_t *w = *state;
    es_wire_t wire;
    es_msg_t first = frame_of(3, 1, ES_F_START);
    first.trace = es_span_of(TRACE, ES_TRACE_LEN);
    running(w);
    tell(w, ALICE, first, "one");
    frame(w, ALICE, 3, 2, 0, "two");
    for (uint64_t seq = 1; seq <= 2; seq++) {
        expect(w, &wire, w->results, ES_PARTIAL);
        assert_true(es_span_eq(wire.msg.text, es_span("par")));
        es_wire_close(&wire);
        expect(w, &wire, w->results, ES_FINAL);
        assert_true(es_span_eq(es_wire_key(&wire), es_span(ALICE)));
        assert_true(es_span_eq(wire.msg.text, es_span(seq == 1 ? "one" : "two")));
        assert_int_equal(wire.msg.epoch, 3);
        assert_true(es_span_eq(wire.msg.trace, es_span_of(TRACE, ES_TRACE_LEN)));
        assert_int_equal(wire.msg.from_seq, seq);
        assert_int_equal(wire.msg.to_seq, seq);
        assert_int_equal(wire.msg.expected, seq + 1);
        es_wire_close(&wire);
    }
    uint64_t count = 0;
    assert_int_equal(load_by_ping(w, &count), 1);
    assert_int_equal(count, 2);
    tell(w, ALICE, (es_msg_t){.kind = ES_CLOSE, .epoch = 2}, NULL); /* of an older epoch: not ours */
    assert_int_equal(load_by_ping(w, NULL), 1);
    tell(w, ALICE, (es_msg_t){.kind = ES_CLOSE, .epoch = 3}, NULL);
    assert_int_equal(load_by_ping(w, NULL), 0);
    actor_hand_end(&w->actor);
    assert_int_equal(w->opened, 1);
    assert_int_equal(w->closed, 1);
    assert_int_equal(w->ended, 1);
    assert_int_equal(w->frames, 2);
    assert_string_equal(w->last_language, "de");
}

/* A final that no envelope can carry would be lost for ever, and its stream with it. */
static void what_an_engine_cannot_say_is_mended(void **state)
{
    world_t *w = *state;
    es_wire_t wire;
    static char longer[ES_TEXT_MAX + 10];
    memset(longer, 'a', sizeof longer - 1);
    memset(longer + ES_TEXT_MAX - 1, '\xc3', 1); /* a character across the limit */
    memset(longer + ES_TEXT_MAX, '\xbc', 1);
    w->partial = es_span("p\xe2\x82");
    w->reason = es_span("r\xff");
    running(w);
    frame(w, ALICE, 1, 1, ES_F_START, "one\xfftwo");
    expect(w, &wire, w->results, ES_PARTIAL);
    assert_true(es_span_eq(wire.msg.text, es_span("p\xef\xbf\xbd\xef\xbf\xbd")));
    es_wire_close(&wire);
    expect(w, &wire, w->results, ES_FINAL);
    assert_true(es_span_eq(wire.msg.text, es_span("one\xef\xbf\xbdtwo")));
    assert_true(es_span_eq(wire.msg.reason, es_span("r\xef\xbf\xbd")));
    es_wire_close(&wire);
    frame(w, ALICE, 1, 2, 0, longer);
    expect(w, &wire, w->results, ES_FINAL);
    assert_int_equal(wire.msg.text.len, ES_TEXT_MAX - 1);
    es_wire_close(&wire);
}

static void an_unknown_stream_is_refused_once(void **state)
{
    world_t *w = *state;
    es_wire_t wire;
    running(w);
    for (uint64_t seq = 2; seq < 40; seq++) frame(w, ALICE, 1, seq, 0, "x");
    frame(w, BOB, 1, 1, ES_F_START, "bob");
    expect_either(w, &wire, w->results, ES_REWIND, ES_FINAL);
    assert_int_equal(wire.msg.kind, ES_REWIND);
    assert_true(es_span_eq(es_wire_key(&wire), es_span(ALICE)));
    assert_int_equal(wire.msg.epoch, 1);
    assert_false(ES_HAS(&wire.msg, ES_M_EXPECTED));
    es_wire_close(&wire);
    expect_either(w, &wire, w->results, ES_REWIND, ES_FINAL);
    assert_int_equal(wire.msg.kind, ES_FINAL);
    es_wire_close(&wire);
    assert_int_equal(load_by_ping(w, NULL), 1);
}

static void a_dropped_stream_is_forgotten(void **state)
{
    world_t *w = *state;
    es_wire_t wire;
    running(w);
    frame(w, ALICE, 5, 1, ES_F_START, "x");
    tell(w, ALICE, (es_msg_t){.kind = ES_DROP, .epoch = 4}, NULL); /* we have a newer one */
    assert_int_equal(load_by_ping(w, NULL), 1);
    tell(w, ALICE, (es_msg_t){.kind = ES_DROP}, NULL);
    frame(w, ALICE, 5, 2, 0, "y");
    expect(w, &wire, w->results, ES_REWIND);
    es_wire_close(&wire);
    assert_int_equal(load_by_ping(w, NULL), 0);
    actor_hand_end(&w->actor);
    assert_int_equal(w->closed, 1);
    assert_int_equal(w->ended, 0);
}

static void a_newer_epoch_begins_again(void **state)
{
    world_t *w = *state;
    es_wire_t wire;
    running(w);
    frame(w, ALICE, 1, 1, ES_F_START, "old");
    frame(w, ALICE, 2, 1, ES_F_START, "new");
    do {
        expect(w, &wire, w->results, ES_FINAL);
        es_wire_close(&wire);
    } while (wire.msg.epoch != 2);
    actor_hand_end(&w->actor);
    assert_int_equal(w->opened, 2);
    assert_int_equal(w->closed, 2);
}

static void quiet_streams_acknowledge_with_heartbeats(void **state)
{
    world_t *w = *state;
    es_wire_t wire;
    w->silent = true;
    running(w);
    frame(w, ALICE, 1, 1, ES_F_START, "x");
    expect(w, &wire, w->results, ES_ACK); /* by the receiver's own clock */
    es_wire_close(&wire);
    zmq_pollitem_t item = {.socket = w->results, .events = ZMQ_POLLIN};
    uint64_t end = es_now_us() + DEADLINE_MS * 1000u;
    while (zmq_poll(&item, 1, 10) == 0) {
        assert_true(es_now_us() < end);
        load_by_ping(w, NULL);
    }
    expect(w, &wire, w->results, ES_ACK);
    assert_int_equal(wire.msg.expected, 2);
    es_wire_close(&wire);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(frames_become_finals),
        WITH(what_an_engine_cannot_say_is_mended),
        WITH(an_unknown_stream_is_refused_once),
        WITH(a_dropped_stream_is_forgotten),
        WITH(a_newer_epoch_begins_again),
        WITH(quiet_streams_acknowledge_with_heartbeats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
