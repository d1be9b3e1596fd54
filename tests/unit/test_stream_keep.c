#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stream_keep.h"

enum { CHUNK = 100, MOST = 1000 };

static es_stream_keep_t *with_chunks(size_t count)
{
    es_stream_keep_t *keep = es_stream_keep_new(MOST);
    uint8_t chunk[CHUNK] = {0};
    for (size_t i = 0; i < count; i++) {
        chunk[0] = (uint8_t)(i + 1);
        es_stream_keep_add(keep, chunk, sizeof chunk);
    }
    return keep;
}

static void check_next(es_stream_keep_t *keep, uint64_t seq)
{
    es_kept_t frame;
    assert_true(es_stream_keep_next(keep, &frame));
    assert_int_equal(frame.seq, seq);
    assert_int_equal(frame.len, CHUNK);
    assert_int_equal(frame.bytes[0], seq);
    assert_false(frame.end);
}

static void send(es_stream_keep_t *keep, uint64_t from, uint64_t to)
{
    for (uint64_t seq = from; seq <= to; seq++) {
        check_next(keep, seq);
        es_stream_keep_sent(keep);
    }
}

static void each_is_sent_once_on_a_connection(void **state)
{
    es_kept_t frame;
    (void)state;
    es_stream_keep_t *keep = with_chunks(3);
    send(keep, 1, 3);
    assert_false(es_stream_keep_next(keep, &frame));
    assert_int_equal(es_stream_keep_sent_seq(keep), 3);
    es_stream_keep_destroy(&keep);
    assert_null(keep);
    es_stream_keep_destroy(&keep);
}

static void another_connection_gets_what_is_not_committed(void **state)
{
    (void)state;
    es_stream_keep_t *keep = with_chunks(5);
    send(keep, 1, 4);
    es_stream_keep_commit(keep, 2);
    check_next(keep, 5); /* on this one it goes on */
    es_stream_keep_rewind(keep);
    send(keep, 3, 5);
    assert_int_equal(es_stream_keep_committed(keep), 2);
    es_stream_keep_destroy(&keep);
}

static void committed_before_it_was_sent_again(void **state)
{
    (void)state;
    es_stream_keep_t *keep = with_chunks(5);
    send(keep, 1, 5);
    es_stream_keep_rewind(keep);
    send(keep, 1, 1);
    es_stream_keep_commit(keep, 3);
    assert_int_equal(es_stream_keep_sent_seq(keep), 3);
    send(keep, 4, 5);
    es_stream_keep_destroy(&keep);
}

static void commits_may_come_again_or_say_too_much(void **state)
{
    es_kept_t frame;
    (void)state;
    es_stream_keep_t *keep = with_chunks(3);
    es_stream_keep_commit(keep, 2);
    es_stream_keep_commit(keep, 1);
    assert_int_equal(es_stream_keep_committed(keep), 2);
    es_stream_keep_commit(keep, UINT64_MAX);
    assert_int_equal(es_stream_keep_committed(keep), 3);
    assert_int_equal(es_stream_keep_bytes(keep), 0);
    assert_false(es_stream_keep_next(keep, &frame));
    es_stream_keep_destroy(&keep);
}

static void the_bound(void **state)
{
    uint8_t chunk[2 * MOST] = {0};
    size_t count = 0;
    (void)state;
    es_stream_keep_t *keep = with_chunks(0);
    assert_true(es_stream_keep_room(keep, sizeof chunk)); /* or nothing would ever be sent */
    for (; es_stream_keep_room(keep, CHUNK); count++) es_stream_keep_add(keep, chunk, CHUNK);
    assert_in_range(count, MOST / CHUNK / 2, MOST / CHUNK);
    assert_true(es_stream_keep_bytes(keep) <= MOST);
    es_stream_keep_commit(keep, 1);
    assert_true(es_stream_keep_room(keep, CHUNK));
    es_stream_keep_commit(keep, count);
    assert_int_equal(es_stream_keep_bytes(keep), 0);
    es_stream_keep_destroy(&keep);
}

static void done_when_the_end_is_committed(void **state)
{
    es_kept_t frame;
    (void)state;
    es_stream_keep_t *keep = with_chunks(1);
    es_stream_keep_end(keep);
    send(keep, 1, 1);
    assert_true(es_stream_keep_next(keep, &frame));
    assert_true(frame.end);
    assert_int_equal(frame.seq, 2);
    es_stream_keep_sent(keep);
    es_stream_keep_commit(keep, 1);
    assert_false(es_stream_keep_done(keep));
    es_stream_keep_commit(keep, 2);
    assert_true(es_stream_keep_done(keep));
    es_stream_keep_destroy(&keep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_is_sent_once_on_a_connection),
                                       cmocka_unit_test(another_connection_gets_what_is_not_committed),
                                       cmocka_unit_test(committed_before_it_was_sent_again),
                                       cmocka_unit_test(commits_may_come_again_or_say_too_much),
                                       cmocka_unit_test(the_bound),
                                       cmocka_unit_test(done_when_the_end_is_committed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
