#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rooms/fanout_log.h"

static void add(es_fanout_log_t *log, const char *text, uint64_t rseq)
{
    es_fanout_log_append(log, text, strlen(text), rseq);
}

/* All that is to be read from here, as one string. */
static char *rest(const es_fanout_log_t *log, uint64_t place)
{
    static char out[1 << 21];
    const uint8_t *data;
    size_t len = 0;
    for (size_t n; (n = es_fanout_log_read(log, place, &data)) != 0; place += n) {
        memcpy(out + len, data, n);
        len += n;
    }
    out[len] = 0;
    assert_int_equal(place, es_fanout_log_end(log));
    return out;
}

static void every_reader_has_its_own_place(void **state)
{
    (void)state;
    es_fanout_log_t *log = es_fanout_log_new();
    assert_int_equal(es_fanout_log_begin(log), es_fanout_log_end(log));
    add(log, "one.", 1);
    uint64_t place = es_fanout_log_end(log);
    add(log, "two.", 2);
    add(log, "aside.", 0);
    add(log, "three.", 3);
    assert_string_equal(rest(log, place), "two.aside.three.");
    assert_string_equal(rest(log, 0), "one.two.aside.three.");
    assert_string_equal(rest(log, es_fanout_log_end(log)), "");
    es_fanout_log_destroy(&log);
    assert_null(log);
    es_fanout_log_destroy(&log);
}

static void events_are_found_by_number(void **state)
{
    (void)state;
    es_fanout_log_t *log = es_fanout_log_new();
    uint64_t place = 99;
    assert_false(es_fanout_log_find(log, 1, &place));
    add(log, "seven.", 7);
    add(log, "aside.", 0);
    add(log, "eight.", 8);
    assert_false(es_fanout_log_find(log, 6, &place));
    assert_false(es_fanout_log_find(log, 10, &place));
    assert_true(es_fanout_log_find(log, 8, &place));
    assert_string_equal(rest(log, place), "eight.");
    assert_true(es_fanout_log_find(log, 9, &place));
    assert_int_equal(place, es_fanout_log_end(log));
    /* A gap: what was before it is no beginning for anybody any more. */
    add(log, "twelve.", 12);
    assert_false(es_fanout_log_find(log, 8, &place));
    assert_true(es_fanout_log_find(log, 12, &place));
    assert_string_equal(rest(log, place), "twelve.");
    es_fanout_log_forget_numbers(log);
    assert_false(es_fanout_log_find(log, 12, &place));
    assert_string_equal(rest(log, 0), "seven.aside.eight.twelve.");
    es_fanout_log_destroy(&log);
}

static void frames_never_lie_in_two_chunks(void **state)
{
    (void)state;
    es_fanout_log_t *log = es_fanout_log_new();
    char frame[700];
    for (uint64_t i = 1; i <= 2000; i++) {
        memset(frame, (int)('a' + i % 26), sizeof frame);
        es_fanout_log_append(log, frame, 1 + i * 37 % sizeof frame, i);
    }
    for (uint64_t i = 1; i <= 2000; i++) {
        uint64_t place;
        const uint8_t *data;
        size_t len = 1 + i * 37 % sizeof frame;
        assert_true(es_fanout_log_find(log, i, &place));
        assert_true(es_fanout_log_read(log, place, &data) >= len);
        assert_int_equal(data[0], 'a' + i % 26);
        assert_int_equal(data[len - 1], 'a' + i % 26);
    }
    char large[ES_FANOUT_FRAME_MAX];
    memset(large, 'L', sizeof large);
    uint64_t end = es_fanout_log_end(log);
    const uint8_t *data;
    es_fanout_log_append(log, large, sizeof large, 2001);
    assert_int_equal(es_fanout_log_read(log, end, &data), sizeof large);
    es_fanout_log_destroy(&log);
}

static void nobody_needs_what_all_have_read(void **state)
{
    (void)state;
    enum { KEEP = 10000, MAX = 300000 };
    es_fanout_log_t *log = es_fanout_log_new();
    char frame[500];
    memset(frame, 'x', sizeof frame);
    uint64_t rseq = 0, place;
    for (int i = 0; i < 400; i++) {
        es_fanout_log_append(log, frame, sizeof frame, ++rseq);
        es_fanout_log_trim(log, es_fanout_log_end(log), KEEP, MAX);
        assert_true(es_fanout_log_end(log) - es_fanout_log_begin(log) >= (rseq * 500 < KEEP ? rseq * 500 : KEEP));
    }
    assert_true(es_fanout_log_begin(log) > 0);
    assert_false(es_fanout_log_find(log, 1, &place));
    assert_true(es_fanout_log_find(log, rseq, &place));
    assert_true(place >= es_fanout_log_begin(log));
    /* Somebody is slow: kept for it, up to the bound, and not beyond. */
    uint64_t slow = es_fanout_log_end(log);
    bool lost = false;
    for (int i = 0; i < 2000; i++) {
        es_fanout_log_append(log, frame, sizeof frame, ++rseq);
        es_fanout_log_trim(log, slow, KEEP, MAX);
        uint64_t size = es_fanout_log_end(log) - es_fanout_log_begin(log);
        assert_true(size <= MAX + 65536);
        if (es_fanout_log_begin(log) > slow) lost = true;
        if (!lost) assert_true(size >= es_fanout_log_end(log) - slow);
        if (lost) assert_true(es_fanout_log_end(log) - slow > MAX - 65536);
    }
    assert_true(lost);
    es_fanout_log_destroy(&log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_reader_has_its_own_place),
        cmocka_unit_test(events_are_found_by_number),
        cmocka_unit_test(frames_never_lie_in_two_chunks),
        cmocka_unit_test(nobody_needs_what_all_have_read),
    };
    return cmocka_run_group_tests_name("fanout_log", tests, NULL, NULL);
}
