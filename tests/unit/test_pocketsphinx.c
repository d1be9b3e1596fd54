/* Real speech through transcript and engine. Skipped where the model, flite or the recordings are not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engines/engines.h"
#include "spoken.h"
#include "transcript.h"

#define MODEL_DIR "/usr/share/pocketsphinx/model/en-us"

static const es_engine_t *const engine = &es_engine_pocketsphinx;
static void *decoder;
static int16_t pcm[SPOKEN_MAX];

static int load(void **state)
{
    char err[512] = "";
    const char *dir = getenv("EARSHOT_MODEL_DIR");
    (void)state;
    es_engine_config_t config = {.model_dir = dir ? dir : MODEL_DIR};
    if (access(config.model_dir, R_OK) != 0) return 0;
    decoder = engine->load(&config, err, sizeof err);
    if (!decoder) print_error("%s\n", err);
    return decoder ? 0 : -1;
}

static int unload(void **state)
{
    (void)state;
    if (decoder) engine->free(decoder);
    return 0;
}

typedef struct {
    es_transcript_t *transcript;
    char text[2000];
    size_t n_words;
} heard_t;

static void on_segment(void *ctx, uint64_t id, const int16_t *audio, size_t samples)
{
    heard_t *heard = ctx;
    es_engine_result_t result;
    assert_int_equal(engine->begin(decoder, &(es_segment_t){.live = false}), ES_ENGINE_OK);
    for (size_t at = 0; at < samples; at += ES_ENGINE_FEED)
        engine->feed(decoder, audio + at, samples - at < ES_ENGINE_FEED ? samples - at : ES_ENGINE_FEED);
    assert_int_equal(engine->end(decoder, &result), ES_ENGINE_OK);
    for (size_t i = 0; i < result.n_words; i++) {
        assert_true(result.words[i].start < result.words[i].end && result.words[i].end <= samples + 320);
        assert_true(i == 0 || result.words[i].start >= result.words[i - 1].end);
        assert_true(result.words[i].confidence <= 1000);
    }
    heard->n_words += result.n_words;
    es_transcript_result(heard->transcript, id, &result);
}

static void on_final(void *ctx, const es_final_t *final)
{
    heard_t *heard = ctx;
    size_t len = strlen(heard->text);
    assert_int_equal(final->flags & ES_F_FAILED, 0);
    if (final->text.len == 0) return;
    snprintf(heard->text + len, sizeof heard->text - len, "%s%.*s", len ? " " : "", (int) final->text.len,
             final->text.ptr);
}

static const char *listen(const int16_t *audio, size_t n, size_t chunk, heard_t *heard)
{
    static const es_transcript_ops_t ops = {.segment = on_segment, .final = on_final};
    uint64_t seq = 0;
    memset(heard, 0, sizeof *heard);
    heard->transcript = es_transcript_new(&ops, heard, 0, 0, (es_span_t){0}, NULL);
    for (size_t at = 0; at < n; at += chunk)
        es_transcript_frame(heard->transcript, ++seq, 0, audio + at, 2 * (n - at < chunk ? n - at : chunk));
    es_transcript_frame(heard->transcript, ++seq, ES_F_EOS, NULL, 0);
    es_transcript_destroy(&heard->transcript);
    return heard->text;
}

static void phrases_made_on_the_spot_are_heard_exactly(void **state)
{
    static const struct {
        const char *voice, *text;
    } phrases[] = {{"rms", "turn left"},
                   {"rms", "go forward ten meters"},
                   {"kal16", "close the window"},
                   {"kal16", "one two three four five"}};
    heard_t heard;
    (void)state;
    if (!decoder) skip();
    for (size_t i = 0; i < sizeof phrases / sizeof phrases[0]; i++) {
        size_t n = spoken_phrase(phrases[i].voice, phrases[i].text, pcm, 0, SPOKEN_MAX);
        if (n == 0) skip();
        assert_string_equal(listen(pcm, n, 320, &heard), phrases[i].text);
    }
}

/* Several segments in one frame become one final, in order. */
static void a_frame_of_many_segments_is_one_final(void **state)
{
    heard_t heard;
    size_t n = 0;
    (void)state;
    if (!decoder) skip();
    n = spoken_phrase("rms", "turn left", pcm, n, SPOKEN_MAX);
    n = n ? spoken_phrase("rms", "turn right", pcm, n, SPOKEN_MAX) : 0;
    n = n ? spoken_phrase("rms", "close the window", pcm, n, SPOKEN_MAX) : 0;
    if (n == 0) skip();
    assert_string_equal(listen(pcm, n, n, &heard), "turn left turn right close the window");
    assert_int_equal(heard.n_words, 7);
    assert_string_equal(listen(pcm, n, 4000, &heard), "turn left turn right close the window");
}

static void recordings_are_heard(void **state)
{
    heard_t heard;
    size_t n = spoken_recording("goforward.raw", pcm, SPOKEN_MAX);
    (void)state;
    if (!decoder || n == 0) skip();
    assert_string_equal(listen(pcm, n, 640, &heard), "go forward ten meters");
    n = spoken_recording("something.raw", pcm, SPOKEN_MAX);
    assert_string_equal(listen(pcm, n, 640, &heard), "go somewhere and do something");
}

static void decode_whole(const int16_t *audio, size_t n, char text[600], uint32_t *confidence)
{
    es_engine_result_t result;
    engine->begin(decoder, &(es_segment_t){.live = false});
    for (size_t at = 0; at < n; at += ES_ENGINE_FEED)
        engine->feed(decoder, audio + at, n - at < ES_ENGINE_FEED ? n - at : ES_ENGINE_FEED);
    assert_int_equal(engine->end(decoder, &result), ES_ENGINE_OK);
    snprintf(text, 600, "%.*s", (int)result.text.len, result.text.ptr);
    *confidence = result.confidence;
}

/* What the decoder did before, partials included, must not show: a successor has heard other things. */
static void words_do_not_depend_on_what_was_heard_before(void **state)
{
    char first[600], again[600], other[600];
    uint32_t confidence, same;
    es_engine_result_t result;
    (void)state;
    if (!decoder) skip();
    size_t n = spoken_phrase("rms", "please call me tomorrow", pcm, 0, SPOKEN_MAX);
    if (n == 0) skip();
    decode_whole(pcm, n, first, &confidence);
    assert_string_equal(first, "please call me tomorrow");
    decode_whole(pcm, n / 3, other, &same);
    decode_whole(pcm, n, again, &same);
    assert_string_equal(again, first);
    assert_int_equal(same, confidence);
    engine->begin(decoder, &(es_segment_t){.live = true});
    for (size_t at = 0; at + ES_ENGINE_FEED <= n; at += ES_ENGINE_FEED)
        assert_int_equal(engine->feed(decoder, pcm + at, ES_ENGINE_FEED), ES_ENGINE_OK);
    assert_int_equal(engine->partial(decoder, &result), ES_ENGINE_OK);
    assert_true(result.text.len > 0);
    engine->cancel(decoder);
    decode_whole(pcm, n, again, &same);
    assert_string_equal(again, first);
    assert_int_equal(same, confidence);
}

static void an_empty_segment_has_no_words(void **state)
{
    char text[600];
    uint32_t confidence;
    (void)state;
    if (!decoder) skip();
    decode_whole(pcm, 0, text, &confidence);
    assert_string_equal(text, "");
}

static void a_missing_model_is_named(void **state)
{
    char err[512] = "";
    (void)state;
    assert_null(engine->load(&(es_engine_config_t){.model_dir = "/nonexistent"}, err, sizeof err));
    assert_non_null(strstr(err, "/nonexistent"));
    assert_non_null(strstr(err, "pocketsphinx-en-us"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_missing_model_is_named),
        cmocka_unit_test(phrases_made_on_the_spot_are_heard_exactly),
        cmocka_unit_test(a_frame_of_many_segments_is_one_final),
        cmocka_unit_test(recordings_are_heard),
        cmocka_unit_test(words_do_not_depend_on_what_was_heard_before),
        cmocka_unit_test(an_empty_segment_has_no_words),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
