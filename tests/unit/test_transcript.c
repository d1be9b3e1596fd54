/* The promise: whoever takes over at any final says the same finals from there on. The engine here is a hash of the samples, so that one sample more
 * or less shows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "segmenter.h"
#include "sounds.h"
#include "transcript.h"

typedef struct {
    uint64_t flags, pos;
    const int16_t *pcm;
    size_t samples;
} frame_t;

typedef struct {
    uint64_t from_seq, to_seq, flags, start, end;
    uint32_t confidence;
    char text[600], reason[80];
    char words[1200];
    size_t words_len, checkpoint_len;
    char checkpoint[ES_CHECKPOINT_MAX];
} said_t;

typedef struct {
    es_transcript_t *transcript;
    uint64_t last;
    said_t *finals;
    size_t n_finals, room;
    struct {
        uint64_t id, hash;
        size_t samples;
    } waiting[4096];
    size_t n_waiting;
    bool at_once;     /* answer inside the call */
    uint64_t failing; /* hashes divisible by it fail; 0: none */
    uint32_t seed;
    size_t segments;
} world_t;

static uint64_t hash_of(const int16_t *pcm, size_t n)
{
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < n; i++) hash = (hash ^ (uint16_t)pcm[i]) * 1099511628211u;
    return hash;
}

static void answer(world_t *w, uint64_t id, uint64_t hash, size_t samples)
{
    char text[40];
    es_word_t words[2] = {{.start = 10, .end = samples / 2, .confidence = (uint32_t)(hash % 1000)},
                          {.start = samples / 2, .end = samples, .confidence = (uint32_t)(hash % 999)}};
    es_engine_result_t result = {.n_words = 2, .words = words};
    snprintf(text, sizeof text, "%08x %08x", (unsigned)(hash >> 32), (unsigned)hash);
    words[0].text = es_span_of(text, 8);
    words[1].text = es_span_of(text + 9, 8);
    result.text = es_span(text);
    if (hash % 5 == 0) result = (es_engine_result_t){0}; /* heard nothing */
    if (w->failing && hash % w->failing == 0) result = (es_engine_result_t){.error = es_span("the dog ate it")};
    es_transcript_result(w->transcript, id, &result);
}

static void on_segment(void *ctx, uint64_t id, const int16_t *pcm, size_t samples)
{
    world_t *w = ctx;
    w->segments++;
    assert_true(samples > 0 && samples <= ES_SEG_CAP);
    if (w->at_once) {
        answer(w, id, hash_of(pcm, samples), samples);
        return;
    }
    assert_true(w->n_waiting < 4096);
    w->waiting[w->n_waiting].id = id;
    w->waiting[w->n_waiting].samples = samples;
    w->waiting[w->n_waiting++].hash = hash_of(pcm, samples);
}

static void on_final(void *ctx, const es_final_t *final)
{
    world_t *w = ctx;
    assert_true(final->to_seq > w->last);
    if (w->n_finals == w->room) {
        w->room = w->room ? 2 * w->room : 64;
        w->finals = realloc(w->finals, w->room * sizeof *w->finals);
    }
    said_t *said = memset(&w->finals[w->n_finals++], 0, sizeof *said);
    *said = (said_t){.from_seq = w->last + 1,
                     .to_seq = final->to_seq,
                     .flags = final->flags,
                     .start = final->start,
                     .end = final->end,
                     .confidence = final->confidence,
                     .words_len = final->words_len,
                     .checkpoint_len = final->checkpoint.len};
    assert_true(final->text.len < sizeof said->text && final->words_len <= sizeof said->words);
    snprintf(said->text, sizeof said->text, "%.*s", (int) final->text.len, final->text.ptr ? final->text.ptr : "");
    snprintf(said->reason, sizeof said->reason, "%.*s", (int) final->reason.len,
             final->reason.ptr ? final->reason.ptr : "");
    if (final->words_len) memcpy(said->words, final->words, final->words_len);
    memcpy(said->checkpoint, final->checkpoint.ptr, final->checkpoint.len);
    w->last = final->to_seq;
}

static const es_transcript_ops_t ops = {.segment = on_segment, .final = on_final};

static void answer_some(world_t *w, bool all)
{
    while (w->n_waiting > 0 && (all || sound_random(&w->seed) % 8 == 0)) {
        size_t i = sound_random(&w->seed) % w->n_waiting;
        uint64_t id = w->waiting[i].id, hash = w->waiting[i].hash;
        size_t samples = w->waiting[i].samples;
        w->waiting[i] = w->waiting[--w->n_waiting];
        answer(w, id, hash, samples);
    }
}

static void play(world_t *w, const frame_t *frames, size_t n, uint64_t base, es_span_t checkpoint)
{
    bool lost = true;
    w->last = base;
    w->n_finals = w->n_waiting = w->segments = 0;
    w->transcript = es_transcript_new(&ops, w, base, frames[base].pos, checkpoint, &lost);
    assert_false(lost);
    for (uint64_t seq = base + 1; seq <= n; seq++) {
        const frame_t *f = &frames[seq - 1];
        es_transcript_frame(w->transcript, seq, f->flags, f->pcm, f->samples * 2);
        answer_some(w, false);
    }
    assert_true(w->n_waiting > 0 || es_transcript_done(w->transcript));
    answer_some(w, true);
    assert_true(es_transcript_done(w->transcript));
    assert_int_equal(w->last, n);
    es_transcript_destroy(&w->transcript);
}

/* Cuts a sound into frames of 1 to `most` samples, with a mark in every `marks` (0: none) and EOS at the end. */
static size_t frames_of(const sound_t *sound, size_t most, unsigned marks, uint32_t seed, frame_t *out)
{
    size_t n = 0;
    for (size_t at = 0; at < sound->n;) {
        if (marks && sound_random(&seed) % marks == 0) out[n++] = (frame_t){.flags = ES_F_MARK, .pos = at};
        size_t samples = 1 + sound_random(&seed) % most;
        if (samples > sound->n - at) samples = sound->n - at;
        out[n++] = (frame_t){.pos = at, .pcm = sound->pcm + at, .samples = samples};
        at += samples;
    }
    if (seed % 2) {
        out[n - 1].flags = ES_F_EOS;
    } else {
        out[n++] = (frame_t){.flags = ES_F_EOS, .pos = sound->n};
    }
    return n;
}

static void same(const said_t *a, const said_t *b)
{
    assert_int_equal(a->from_seq, b->from_seq);
    assert_int_equal(a->to_seq, b->to_seq);
    assert_int_equal(a->flags, b->flags);
    assert_string_equal(a->text, b->text);
    assert_string_equal(a->reason, b->reason);
    assert_int_equal(a->start, b->start);
    assert_int_equal(a->end, b->end);
    assert_int_equal(a->confidence, b->confidence);
    assert_int_equal(a->words_len, b->words_len);
    assert_memory_equal(a->words, b->words, a->words_len);
    assert_int_equal(a->checkpoint_len, b->checkpoint_len);
    assert_memory_equal(a->checkpoint, b->checkpoint, a->checkpoint_len);
}

static void takeover_everywhere(uint32_t seed, unsigned bursts, size_t most, unsigned marks, uint64_t failing)
{
    sound_t sound = {.seed = seed};
    static world_t a, b;
    sound_noise(&sound, 200 + seed % 1500, 25, 0);
    sound_talk(&sound, bursts);
    frame_t *frames = calloc(2 * sound.n / (most > 2 ? most / 2 : 1) + 4096, sizeof *frames);
    size_t n = frames_of(&sound, most, marks, seed, frames);
    a.seed = b.seed = seed;
    a.failing = b.failing = failing;
    a.at_once = seed % 3 == 0;
    b.at_once = seed % 3 == 1;
    play(&a, frames, n, 0, (es_span_t){0});
    assert_true(a.segments > 0);
    for (size_t i = 0; i + 1 < a.n_finals; i++) {
        play(&b, frames, n, a.finals[i].to_seq, es_span_of(a.finals[i].checkpoint, a.finals[i].checkpoint_len));
        assert_int_equal(b.n_finals, a.n_finals - 1 - i);
        for (size_t k = 0; k < b.n_finals; k++) same(&a.finals[i + 1 + k], &b.finals[k]);
    }
    free(frames);
    free(sound.pcm);
    free(a.finals);
    free(b.finals);
    memset(&a, 0, sizeof a);
    memset(&b, 0, sizeof b);
}

static void a_successor_says_the_same(void **state)
{
    static const size_t sizes[] = {640, 5000, 160, 40000, 320, 200000};
    (void)state;
    for (uint32_t seed = 1; seed <= 24; seed++)
        takeover_everywhere(seed, 60, sizes[seed % 6], seed % 4 ? 0 : 40, seed % 5 ? 0 : 3);
}

static void marks_everywhere_change_nothing_of_that(void **state)
{
    (void)state;
    for (uint32_t seed = 100; seed < 112; seed++) takeover_everywhere(seed, 50, 700, 1 + seed % 4, 0);
}

static void tiny_frames_do_not_fill_the_sender(void **state)
{
    sound_t sound = {.seed = 5};
    static world_t w;
    (void)state;
    sound_noise(&sound, 1500, 25, 0);
    sound_noise(&sound, 3000, 5000, 0);
    sound_noise(&sound, 1500, 25, 0);
    frame_t *frames = calloc(sound.n + 10, sizeof *frames);
    size_t n = frames_of(&sound, 1, 0, 1, frames);
    assert_true(n > 90000);
    play(&w, frames, n, 0, (es_span_t){0});
    for (size_t i = 0; i < w.n_finals; i++)
        assert_true(w.finals[i].to_seq - w.finals[i].from_seq < ES_TRANSCRIPT_FRAMES_MAX);
    free(frames);
    free(sound.pcm);
    free(w.finals);
    memset(&w, 0, sizeof w);
    takeover_everywhere(7, 12, 2, 0, 0);
}

/* What was said does not depend on the frames at all, but for what shares a frame. */
static void text_does_not_depend_on_chopping(void **state)
{
    static const size_t sizes[] = {1000, 320, 77, 3000};
    sound_t sound = {.seed = 11};
    static char first[20000], text[20000];
    (void)state;
    sound_talk(&sound, 150);
    frame_t *frames = calloc(sound.n / 20 + 4096, sizeof *frames);
    for (size_t i = 0; i < 4; i++) {
        static world_t w;
        size_t n = frames_of(&sound, sizes[i], 0, 3 + (uint32_t)i, frames), len = 0;
        memset(text, 0, sizeof text);
        play(&w, frames, n, 0, (es_span_t){0});
        for (size_t k = 0; k < w.n_finals; k++)
            if (w.finals[k].text[0])
                len += (size_t)snprintf(text + len, sizeof text - len, "%s %d %d\n", w.finals[k].text,
                                        (int)w.finals[k].start, (int)w.finals[k].end);
        if (i == 0) memcpy(first, text, sizeof first);
        assert_string_equal(text, first);
        free(w.finals);
        memset(&w, 0, sizeof w);
    }
    free(frames);
    free(sound.pcm);
}

/* A few seconds of frames of 320 samples. */
static void play_plain(world_t *w, unsigned ms, int amplitude, bool eos)
{
    sound_t sound = {.seed = 1};
    sound_noise(&sound, ms, amplitude, 0);
    w->transcript = es_transcript_new(&ops, w, 0, 0, (es_span_t){0}, NULL);
    w->seed = 1;
    uint64_t seq = 0;
    for (size_t at = 0; at + 320 <= sound.n; at += 320)
        es_transcript_frame(w->transcript, ++seq, 0, sound.pcm + at, 640);
    if (eos) es_transcript_frame(w->transcript, ++seq, ES_F_EOS, NULL, 0);
    free(sound.pcm);
}

static void done_with(world_t *w)
{
    es_transcript_destroy(&w->transcript);
    free(w->finals);
    memset(w, 0, sizeof *w);
}

static void a_quiet_microphone_retains_nothing(void **state)
{
    static world_t w;
    (void)state;
    play_plain(&w, 10000, 20, false);
    assert_int_equal(w.n_finals, 10);
    for (size_t i = 0; i < w.n_finals; i++) {
        assert_int_equal(w.finals[i].flags, ES_F_SILENCE);
        assert_int_equal(w.finals[i].start, w.finals[i].end);
        assert_string_equal(w.finals[i].text, "");
    }
    assert_int_equal(w.last, 500 - 20); /* less 400 ms that may yet be a pre-roll */
    done_with(&w);
}

static void eos_always_gives_a_final(void **state)
{
    static world_t w;
    (void)state;
    play_plain(&w, 100, 20, true);
    assert_int_equal(w.n_finals, 1);
    assert_int_equal(w.last, 6);
    assert_int_equal(w.finals[0].flags, ES_F_SILENCE);
    assert_true(es_transcript_done(w.transcript));
    done_with(&w);
    play_plain(&w, 0, 0, true); /* nothing but EOS */
    assert_int_equal(w.last, 1);
    done_with(&w);
    play_plain(&w, 2000, 4000, true); /* the first frame sets the floor: all is speech or nothing is */
    answer_some(&w, true);
    assert_int_equal(w.last, 101);
    done_with(&w);
}

static void silence_waits_for_the_words_before_it(void **state)
{
    static world_t w;
    sound_t sound = {.seed = 1};
    (void)state;
    w.seed = 1;
    sound_noise(&sound, 500, 20, 0);
    sound_noise(&sound, 800, 4000, 0);
    sound_noise(&sound, 5000, 20, 0);
    w.transcript = es_transcript_new(&ops, &w, 0, 0, (es_span_t){0}, NULL);
    uint64_t seq = 0;
    for (size_t at = 0; at + 320 <= sound.n; at += 320)
        es_transcript_frame(w.transcript, ++seq, 0, sound.pcm + at, 640);
    assert_int_equal(w.n_waiting, 1);
    size_t before = w.n_finals;
    answer(&w, w.waiting[0].id, 12, w.waiting[0].samples);
    assert_int_equal(w.n_finals, before + 1 + 4); /* the words, and silence at 3, 4, 5 and 6 s */
    assert_string_equal(w.finals[before].text, "00000000 0000000c");
    assert_int_equal(w.finals[before].to_seq, 1800 / 20);
    answer(&w, w.waiting[0].id, 12, w.waiting[0].samples); /* said twice: once counts */
    assert_int_equal(w.n_finals, before + 5);
    done_with(&w);
    free(sound.pcm);
}

/* The cap cuts in the quietest place, here behind the last word: what then follows up to the end of the pause has nothing to decode. */
static void the_cap_in_a_pause_is_no_failure(void **state)
{
    static world_t w;
    sound_t sound = {.seed = 1};
    (void)state;
    w.seed = 1;
    sound_noise(&sound, 500, 20, 0);
    sound_noise(&sound, 14220, 4000, 0);
    sound_noise(&sound, 280, 200, 0);
    sound_noise(&sound, 2000, 10, 0);
    w.transcript = es_transcript_new(&ops, &w, 0, 0, (es_span_t){0}, NULL);
    uint64_t seq = 0;
    for (size_t at = 0; at + 320 <= sound.n; at += 320)
        es_transcript_frame(w.transcript, ++seq, 0, sound.pcm + at, 640);
    es_transcript_frame(w.transcript, ++seq, ES_F_EOS, NULL, 0);
    answer_some(&w, true);
    assert_int_equal(w.segments, 1);
    assert_int_equal(w.last, seq);
    for (size_t i = 0; i < w.n_finals; i++) assert_int_equal(w.finals[i].flags & ES_F_FAILED, 0);
    done_with(&w);
    free(sound.pcm);
}

static void the_open_segment_can_be_looked_at(void **state)
{
    static world_t w;
    sound_t sound = {.seed = 1};
    es_transcript_open_t open;
    (void)state;
    sound_noise(&sound, 1000, 20, 0);
    sound_noise(&sound, 1000, 4000, 0);
    w.transcript = es_transcript_new(&ops, &w, 0, 0, (es_span_t){0}, NULL);
    es_transcript_frame(w.transcript, 1, 0, sound.pcm, 32000);
    assert_false(es_transcript_open(w.transcript, &open));
    es_transcript_frame(w.transcript, 2, 0, sound.pcm + 16000, 32000);
    assert_true(es_transcript_open(w.transcript, &open));
    assert_int_equal(open.start, 700 * 16);
    assert_int_equal(open.samples, 1300 * 16);
    assert_int_equal(open.seq, 2);
    assert_memory_equal(open.pcm, sound.pcm + (size_t)700 * 16, (size_t)1300 * 32);
    done_with(&w);
    free(sound.pcm);
}

static void a_false_checkpoint_begins_afresh(void **state)
{
    static world_t w;
    sound_t sound = {.seed = 1};
    bool lost = false;
    (void)state;
    w.seed = 1;
    w.last = 41;
    sound_noise(&sound, 1000, 20, 0);
    sound_noise(&sound, 1000, 4000, 0);
    w.transcript = es_transcript_new(&ops, &w, 41, 100000, es_span("nonsense"), &lost);
    assert_true(lost);
    es_transcript_frame(w.transcript, 42, 0, sound.pcm, sound.n * 2 + 1); /* an odd byte is no sample */
    es_transcript_frame(w.transcript, 43, ES_F_EOS, NULL, 0);
    assert_int_equal(w.n_waiting, 1);
    answer(&w, w.waiting[0].id, 12, w.waiting[0].samples);
    assert_int_equal(w.last, 43);
    assert_in_range(w.finals[0].start, 100000 + 680 * 16,
                    100000 + 720 * 16); /* the grid is the clock's, not the stream's */
    done_with(&w);
    free(sound.pcm);
}

/* A checkpoint with a right checksum may still lie: far ahead, or open before the audio. Nothing may crash, EOS is answered. */
static void a_lying_checkpoint_harms_only_itself(void **state)
{
    sound_t sound = {.seed = 1};
    (void)state;
    sound_noise(&sound, 3000, 4000, 0);
    for (int64_t ahead = 0; ahead < (int64_t)40 * 16000; ahead += 15999) {
        static world_t w;
        es_segmenter_t s;
        uint8_t bytes[ES_SEG_CHECKPOINT];
        es_segmenter_init(&s, (uint64_t)(100000 + ahead));
        s.open = ahead % 2 == 1;
        s.start = (uint64_t)(100000 + (ahead > (int64_t)9 * 16000 ? ahead - (int64_t)9 * 16000 : 0));
        es_segmenter_encode(&s, bytes);
        w.seed = 1;
        w.transcript = es_transcript_new(&ops, &w, 0, 100000, es_span_of(bytes, sizeof bytes), NULL);
        es_transcript_frame(w.transcript, 1, 0, sound.pcm, sound.n);
        es_transcript_frame(w.transcript, 2, ES_F_MARK, NULL, 0);
        es_transcript_frame(w.transcript, 3, 0, sound.pcm + sound.n / 2, sound.n);
        es_transcript_frame(w.transcript, 4, ES_F_EOS, NULL, 0);
        answer_some(&w, true);
        assert_int_equal(w.last, 4);
        done_with(&w);
    }
    free(sound.pcm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_successor_says_the_same),
        cmocka_unit_test(marks_everywhere_change_nothing_of_that),
        cmocka_unit_test(tiny_frames_do_not_fill_the_sender),
        cmocka_unit_test(text_does_not_depend_on_chopping),
        cmocka_unit_test(a_quiet_microphone_retains_nothing),
        cmocka_unit_test(eos_always_gives_a_final),
        cmocka_unit_test(silence_waits_for_the_words_before_it),
        cmocka_unit_test(the_cap_in_a_pause_is_no_failure),
        cmocka_unit_test(the_open_segment_can_be_looked_at),
        cmocka_unit_test(a_false_checkpoint_begins_afresh),
        cmocka_unit_test(a_lying_checkpoint_harms_only_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
