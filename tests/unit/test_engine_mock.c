/* The mock engine behind raw streams. The worker's end of a stream is played here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engines/engines.h"
#include "raw_streams.h"
#include "wire.h"

struct es_stream {
    const char *key;
    void *state;
    size_t finals, silences;
    uint64_t to_seq, start, end;
    char text[200];
};

const char *es_stream_key(const es_stream_t *stream)
{
    return stream->key;
}

void es_stream_final(es_stream_t *stream, const es_final_t *final)
{
    assert_int_equal(final->to_seq, stream->to_seq + 1);
    stream->to_seq = final->to_seq;
    stream->start = final->start;
    stream->end = final->end;
    stream->finals++;
    if (final->flags & ES_F_SILENCE) stream->silences++;
    snprintf(stream->text, sizeof stream->text, "%.*s", (int) final->text.len, final->text.len ? final->text.ptr : "");
}

static const es_worker_ops_t *const ops = &es_raw_worker_ops;

static void open_stream(es_raw_streams_t *all, es_stream_t *stream, const char *key)
{
    es_msg_t start = {.kind = ES_FRAME};
    memset(stream, 0, sizeof *stream);
    stream->key = key;
    stream->state = ops->open(all, stream, &start);
}

static void frame(es_stream_t *stream, uint64_t seq, uint64_t flags, uint64_t pos, uint64_t size, size_t bytes)
{
    static const char pcm[4096];
    es_msg_t msg = {.kind = ES_FRAME, .seq = seq};
    ES_SET(&msg, ES_M_FLAGS, flags, flags);
    ES_SET(&msg, ES_M_POS, pos, pos);
    if (size) ES_SET(&msg, ES_M_SIZE, size, size);
    ops->frame(stream->state, stream, &msg, pcm, bytes);
}

static void every_frame_is_answered_at_once(void **state)
{
    es_raw_streams_t *all = es_raw_streams_new(&es_engine_mock, 0);
    es_stream_t stream;
    (void)state;
    open_stream(all, &stream, "00112233445566ff");
    frame(&stream, 1, 0, 0, 0, 640);
    assert_string_equal(stream.text, "mock transcription for client 00112233445566ff msg#1 (binary 640 bytes)");
    assert_int_equal(stream.start, 0);
    assert_int_equal(stream.end, 320);
    frame(&stream, 2, 0, 320, 1920, 640); /* resampled: the client's own size counts */
    assert_string_equal(stream.text, "mock transcription for client 00112233445566ff msg#2 (binary 1920 bytes)");
    assert_int_equal(stream.silences, 0);
    frame(&stream, 3, ES_F_MARK, 640, 0, 0);
    assert_int_equal(stream.silences, 1);
    assert_int_equal(es_raw_streams_busy(all), 1);
    frame(&stream, 4, ES_F_EOS, 640, 0, 20);
    assert_int_equal(stream.silences, 2);
    assert_string_equal(stream.text, "");
    assert_int_equal(stream.to_seq, 4);
    assert_int_equal(es_raw_streams_busy(all), 0);
    ops->close(stream.state, &stream);
    es_raw_streams_destroy(&all);
}

static void a_delay_keeps_the_order_and_nobody_waiting(void **state)
{
    es_raw_streams_t *all = es_raw_streams_new(&es_engine_mock, 1000000000);
    es_stream_t a, b;
    (void)state;
    open_stream(all, &a, "000000000000000a");
    open_stream(all, &b, "000000000000000b");
    uint64_t before = es_now_us();
    for (uint64_t seq = 1; seq <= 100; seq++) {
        frame(&a, seq, 0, 0, 0, 10);
        frame(&b, seq, 0, 0, 0, 10);
    }
    uint64_t due = es_raw_streams_tick(all, es_now_us());
    assert_true(due >= before + 1000000000 && due != UINT64_MAX);
    assert_int_equal(a.finals + b.finals, 0);
    ops->close(a.state, &a); /* takes its answers along */
    assert_int_equal(es_raw_streams_tick(all, es_now_us() + 1000000000), UINT64_MAX);
    assert_int_equal(a.finals, 0);
    assert_int_equal(b.finals, 100);
    ops->close(b.state, &b);
    assert_int_equal(es_raw_streams_busy(all), 0);
    es_raw_streams_destroy(&all);
}

static void too_many_waiting_answers_come_early(void **state)
{
    es_raw_streams_t *all = es_raw_streams_new(&es_engine_mock, 1000000000);
    es_stream_t a;
    (void)state;
    open_stream(all, &a, "000000000000000a");
    for (uint64_t seq = 1; seq <= 40000; seq++) frame(&a, seq, 0, 0, 0, 10);
    assert_int_equal(a.finals, 40000 - 32768);
    ops->close(a.state, &a);
    es_raw_streams_destroy(&all);
}

static void a_long_name_is_cut(void **state)
{
    char key[400];
    es_raw_streams_t *all = es_raw_streams_new(&es_engine_mock, 0);
    es_stream_t a;
    (void)state;
    memset(key, 'x', sizeof key);
    key[sizeof key - 1] = 0;
    open_stream(all, &a, key);
    frame(&a, 1, 0, 0, UINT64_MAX, 10);
    assert_int_equal(strlen(a.text), 160);
    ops->close(a.state, &a);
    es_raw_streams_destroy(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_frame_is_answered_at_once),
        cmocka_unit_test(a_delay_keeps_the_order_and_nobody_waiting),
        cmocka_unit_test(too_many_waiting_answers_come_early),
        cmocka_unit_test(a_long_name_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
