#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "segmenter.h"
#include "sounds.h"

enum { CUTS_MAX = 256 };

typedef struct {
    es_segment_cut_t at[CUTS_MAX];
    size_t n;
} cuts_t;

/* Feeds in pieces of 1..chop samples (0: all at once). Through a checkpoint each `restore` pieces, where not 0. */
static void run(es_segmenter_t *s, const sound_t *sound, size_t chop, unsigned restore, cuts_t *cuts)
{
    uint32_t seed = 7;
    unsigned pieces = 0;
    cuts->n = 0;
    for (size_t at = 0; at < sound->n;) {
        size_t piece = chop ? 1 + sound_random(&seed) % chop : sound->n - at;
        if (piece > sound->n - at) piece = sound->n - at;
        for (size_t end = at + piece; at < end;) {
            es_segmenter_event_t event;
            es_segment_cut_t cut;
            at += es_segmenter_feed(s, sound->pcm + at, end - at, &event, &cut);
            if (event == ES_SEG_CUT && cuts->n < CUTS_MAX) cuts->at[cuts->n++] = cut;
        }
        if (restore && ++pieces % restore == 0 && !s->open) {
            uint8_t bytes[ES_SEG_CHECKPOINT];
            assert_int_equal(es_segmenter_encode(s, bytes), ES_SEG_CHECKPOINT);
            assert_int_equal(es_segmenter_decode(s, bytes, sizeof bytes, es_segmenter_needs(s)), 0);
        }
    }
    if (es_segmenter_close(s, false, &cuts->at[cuts->n])) cuts->n++;
}

static void cuts_of(const sound_t *sound, size_t chop, unsigned restore, cuts_t *cuts)
{
    es_segmenter_t s;
    es_segmenter_init(&s, 0);
    run(&s, sound, chop, restore, cuts);
}

static void nothing_in(unsigned ms, int amplitude, int offset)
{
    sound_t sound = {.seed = 1};
    cuts_t cuts;
    sound_noise(&sound, ms, amplitude, offset);
    cuts_of(&sound, 0, 0, &cuts);
    assert_int_equal(cuts.n, 0);
    free(sound.pcm);
}

static void silence_opens_nothing(void **state)
{
    (void)state;
    nothing_in(20000, 0, 0);
}

static void direct_current_opens_nothing(void **state)
{
    (void)state;
    nothing_in(20000, 0, 12000);
    nothing_in(20000, 1, -32000);
}

static void hiss_opens_nothing(void **state)
{
    (void)state;
    nothing_in(20000, 30, 0);
    nothing_in(20000, 100, 500);
}

static void a_click_opens_nothing(void **state)
{
    sound_t sound = {.seed = 1};
    cuts_t cuts;
    (void)state;
    for (int i = 0; i < 10; i++) {
        sound_noise(&sound, 700, 20, 0);
        sound_noise(&sound, 50, 20000, 0);
    }
    cuts_of(&sound, 0, 0, &cuts);
    assert_int_equal(cuts.n, 0);
    free(sound.pcm);
}

static void a_burst_is_a_segment(void **state)
{
    sound_t sound = {.seed = 1};
    cuts_t cuts;
    (void)state;
    sound_noise(&sound, 2000, 20, 0);
    sound_noise(&sound, 1000, 4000, 0);
    sound_noise(&sound, 2000, 20, 0);
    cuts_of(&sound, 0, 0, &cuts);
    assert_int_equal(cuts.n, 1);
    assert_int_equal(cuts.at[0].start, 1700 * 16);       /* 300 ms before */
    assert_int_equal(cuts.at[0].end, (3000 + 500) * 16); /* 500 ms behind */
    free(sound.pcm);
}

static void the_preroll_stops_at_the_last_end(void **state)
{
    sound_t sound = {.seed = 1};
    cuts_t cuts;
    (void)state;
    sound_noise(&sound, 1000, 20, 0);
    sound_noise(&sound, 1000, 4000, 0);
    sound_noise(&sound, 600, 20, 0);
    sound_noise(&sound, 1000, 4000, 0);
    sound_noise(&sound, 1000, 20, 0);
    cuts_of(&sound, 0, 0, &cuts);
    assert_int_equal(cuts.n, 2);
    assert_int_equal(cuts.at[0].end, 2500 * 16);
    assert_int_equal(cuts.at[1].start, 2500 * 16);
    free(sound.pcm);
}

static void the_cap_cuts_at_the_quietest_place(void **state)
{
    sound_t sound = {.seed = 1};
    cuts_t cuts;
    (void)state;
    sound_noise(&sound, 1000, 20, 0);
    sound_noise(&sound, 12700, 4000, 0); /* the segment is 700 to 15 700; its last 3 s begin at 12 700 */
    sound_noise(&sound, 100, 200, 0);    /* 13 700 to 13 800 */
    sound_noise(&sound, 4000, 4000, 0);
    sound_noise(&sound, 1000, 20, 0);
    cuts_of(&sound, 0, 0, &cuts);
    assert_int_equal(cuts.n, 2);
    assert_int_equal(cuts.at[0].start, 700 * 16);
    assert_int_equal(cuts.at[0].end, 13750 * 16);
    assert_int_equal(cuts.at[1].start, 13750 * 16);
    assert_int_equal(cuts.at[1].end, (17800 + 500) * 16);
    free(sound.pcm);
}

static void no_segment_is_longer_than_the_cap(void **state)
{
    sound_t sound = {.seed = 1};
    cuts_t cuts;
    (void)state;
    sound_noise(&sound, 300, 20, 0);
    for (int i = 0; i < 600; i++) sound_noise(&sound, 100, i % 3 ? 9000 : 3000, 0);
    cuts_of(&sound, 0, 0, &cuts);
    assert_true(cuts.n >= 4);
    for (size_t i = 0; i < cuts.n; i++) {
        assert_true(cuts.at[i].end - cuts.at[i].start <= ES_SEG_CAP);
        if (i > 0) assert_int_equal(cuts.at[i].start, cuts.at[i - 1].end);
    }
    free(sound.pcm);
}

static void the_floor_learns_a_noise(void **state)
{
    sound_t sound = {.seed = 1};
    cuts_t cuts;
    (void)state;
    sound_noise(&sound, 1000, 10, 0);
    sound_noise(&sound, 60000, 800, 0); /* a fan is switched on: taken for speech at first, for at most half a minute */
    cuts_of(&sound, 0, 0, &cuts);
    assert_true(cuts.n >= 1);
    assert_true(cuts.at[cuts.n - 1].end < (uint64_t)35 * ES_SEG_RATE);
    free(sound.pcm);
}

/* Browsers and recordings begin with zeros; they are no reason to take the room's noise for speech. */
static void digital_silence_is_no_measure(void **state)
{
    sound_t sound = {.seed = 1};
    cuts_t cuts;
    (void)state;
    sound_noise(&sound, 500, 0, 3);
    sound_noise(&sound, 2000, 400, 0);
    sound_noise(&sound, 300, 0, 0); /* muted */
    sound_noise(&sound, 2000, 400, 0);
    sound_noise(&sound, 1000, 8000, 0);
    sound_noise(&sound, 2000, 400, 0);
    cuts_of(&sound, 0, 0, &cuts);
    assert_int_equal(cuts.n, 1);
    assert_int_equal(cuts.at[0].start, 4500 * 16);
    assert_int_equal(cuts.at[0].end, 6300 * 16);
    assert_int_equal(cuts.at[0].heard, 5900 * 16); /* 100 ms of the silence behind it */
    free(sound.pcm);
}

static void chopping_changes_nothing(void **state)
{
    static const size_t chops[] = {1, 7, 320, 321, 1000, 16000, 100000};
    sound_t sound = {.seed = 3};
    static cuts_t whole, chopped;
    (void)state;
    sound_talk(&sound, 400);
    cuts_of(&sound, 0, 0, &whole);
    assert_true(whole.n > 15);
    for (size_t i = 0; i < sizeof chops / sizeof chops[0]; i++) {
        cuts_of(&sound, chops[i], i % 2 ? 3 : 0, &chopped);
        assert_int_equal(chopped.n, whole.n);
        assert_memory_equal(chopped.at, whole.at, whole.n * sizeof whole.at[0]);
    }
    free(sound.pcm);
}

static void a_flush_is_for_silence_only(void **state)
{
    sound_t sound = {.seed = 1};
    es_segmenter_t s;
    es_segmenter_event_t event;
    es_segment_cut_t cut;
    (void)state;
    sound_noise(&sound, 100, 4000, 0);
    es_segmenter_init(&s, 0);
    assert_true(es_segmenter_flush(&s));
    s.floor = 20000;
    es_segmenter_feed(&s, sound.pcm, 100, &event, &cut);
    assert_true(es_segmenter_flush(&s)); /* an unfinished frame is no reason to wait */
    assert_int_equal(s.said, 100);
    es_segmenter_feed(&s, sound.pcm + 100, 220, &event, &cut);
    assert_false(es_segmenter_flush(&s)); /* may be speech */
    for (size_t i = 1; i < 5; i++) es_segmenter_feed(&s, sound.pcm + i * 320, 320, &event, &cut);
    assert_int_equal(event, ES_SEG_OPENED);
    assert_int_equal(s.start, 100);
    assert_false(es_segmenter_flush(&s));
    free(sound.pcm);
}

static void a_stream_may_begin_anywhere(void **state)
{
    sound_t sound = {.seed = 1};
    static cuts_t cuts;
    es_segmenter_t s;
    (void)state;
    sound_noise(&sound, 1000, 20, 0);
    sound_noise(&sound, 1000, 4000, 0);
    sound_noise(&sound, 1000, 20, 0);
    es_segmenter_init(&s, 1000000007);
    run(&s, &sound, 0, 0, &cuts);
    assert_int_equal(cuts.n, 1);
    assert_true(cuts.at[0].start >= 1000000007 + 650 * 16 && cuts.at[0].start <= 1000000007 + 750 * 16);
    free(sound.pcm);
}

/* A valid state, changed in one place each. */
static void a_checkpoint_is_not_believed(void **state)
{
    es_segmenter_t s, back;
    uint8_t bytes[ES_SEG_CHECKPOINT + 1] = {0};
    (void)state;
    es_segmenter_init(&s, 0);
    s.at = 160320 + 5;
    s.n = 5;
    s.sum = -100;
    s.squares = 3000;
    s.said = s.start = 100000;
    s.floor = 30000;
    s.onset = 3;
    es_segmenter_encode(&s, bytes);
    assert_int_equal(es_segmenter_decode(&back, bytes, ES_SEG_CHECKPOINT, 150000), 0);
    assert_memory_equal(&s, &back, offsetof(es_segmenter_t, energies));
    assert_int_equal(es_segmenter_decode(&back, bytes, ES_SEG_CHECKPOINT - 1, 150000), -1);
    assert_int_equal(es_segmenter_decode(&back, bytes, ES_SEG_CHECKPOINT + 1, 150000), -1);
    assert_int_equal(es_segmenter_decode(&back, NULL, 0, 0), -1);
    assert_int_equal(es_segmenter_decode(&back, bytes, ES_SEG_CHECKPOINT, 170000), -1); /* audio begins too late */
    assert_int_equal(es_segmenter_decode(&back, bytes, ES_SEG_CHECKPOINT, 155000),
                     -1); /* a pre-roll would be missing */
    for (size_t i = 0; i < 50; i++) {
        bytes[i] ^= 0x10;
        assert_int_equal(es_segmenter_decode(&back, bytes, ES_SEG_CHECKPOINT, 150000), -1);
        bytes[i] ^= 0x10;
    }
#define LIE(change)                                                                         \
    do {                                                                                    \
        es_segmenter_t lie = s;                                                             \
        change;                                                                             \
        es_segmenter_encode(&lie, bytes);                                                   \
        assert_int_equal(es_segmenter_decode(&back, bytes, ES_SEG_CHECKPOINT, 150000), -1); \
    } while (0)
    LIE(lie.at = UINT64_MAX);
    LIE(lie.at = 150000 + 200 * 16000);
    LIE(lie.said = lie.at + 1);
    LIE(lie.start = lie.at + 1);
    LIE(lie.onset = 5);
    LIE(lie.silent = 26);
    LIE(lie.floor = 100001);
    LIE(lie.floor = -2);
    LIE(lie.n = 6);
    LIE(lie.sum = 5 * 32768 + 1);
    LIE(lie.squares = UINT64_C(6) << 30);
    LIE((lie.open = true, lie.at += ES_SEG_CAP, lie.start = 150000));
#undef LIE
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silence_opens_nothing),
        cmocka_unit_test(direct_current_opens_nothing),
        cmocka_unit_test(hiss_opens_nothing),
        cmocka_unit_test(a_click_opens_nothing),
        cmocka_unit_test(a_burst_is_a_segment),
        cmocka_unit_test(the_preroll_stops_at_the_last_end),
        cmocka_unit_test(the_cap_cuts_at_the_quietest_place),
        cmocka_unit_test(no_segment_is_longer_than_the_cap),
        cmocka_unit_test(the_floor_learns_a_noise),
        cmocka_unit_test(digital_silence_is_no_measure),
        cmocka_unit_test(chopping_changes_nothing),
        cmocka_unit_test(a_flush_is_for_silence_only),
        cmocka_unit_test(a_stream_may_begin_anywhere),
        cmocka_unit_test(a_checkpoint_is_not_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
