/* Documents counted by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alloc.h"
#include "analyze.h"
#include "frequency.h"
#include "pace.h"
#include "speech.h"
#include "vocabulary.h"

/* Two speakers, 30 s:
 *
 *   Ann  1.0 - 4.0 s   um(1.0-1.4) the(1.5-1.7) machine(1.8-2.4) learning(2.4-3.0) team(3.5-4.0)       a pause of 0.5 s before "team"
 *   Bob  6.0 - 9.0 s   you(6.0-6.2) know(6.2-6.4) Machine(7.0-7.6) learning(7.6-8.2) works(8.3-9.0)      pauses: 2.0 s before, 0.6 s inside
 *   Ann 20.0 - 21.0 s  well, without times: "like 42 machines" in a second                               a pause of 11.0 s before
 */
static const char meeting[] =
    "{\"job\":\"x\",\"language\":\"en-GB\",\"duration_ms\":30000,\"segments\":["
    "{\"start_ms\":1000,\"end_ms\":4000,\"speaker\":\"Ann\",\"text\":\"um the machine learning team\",\"words\":["
    "[\"um\",1000,1400,500],[\"the\",1500,1700,700],[\"machine\",1800,2400,900],[\"learning\",2400,3000,900],"
    "[\"team\",3500,4000,1000]]},"
    "{\"start_ms\":6000,\"end_ms\":9000,\"speaker\":\"Bob\",\"text\":\"you know Machine learning works\",\"words\":["
    "[\"you\",6000,6200,800],[\"know\",6200,6400,800],[\"Machine\",7000,7600,900],[\"learning\",7600,8200,900],"
    "[\"works\",8300,9000,600]]},"
    "{\"start_ms\":20000,\"end_ms\":21000,\"speaker\":\"Ann\",\"text\":\"like 42 machines\"}]}";

static json_t *analyze(const char *text)
{
    es_document_t doc;
    char err[256];
    assert_int_equal(es_document_parse(&doc, text, strlen(text), err, sizeof err), 0);
    json_t *out = es_analyze(&doc);
    es_document_fini(&doc);
    return out;
}

/* A value by its path: "pace.0.words". */
static const json_t *at(const json_t *value, const char *path)
{
    char part[64];
    while (*path) {
        size_t n = strcspn(path, ".");
        snprintf(part, sizeof part, "%.*s", (int)n, path);
        value = json_is_array(value) ? json_array_get(value, strtoul(part, NULL, 10)) : json_object_get(value, part);
        path += n + (path[n] == '.');
    }
    return value;
}

static void expect(const json_t *out, const char *path, double value)
{
    const json_t *found = at(out, path);
    if (!json_is_number(found) || fabs(json_number_value(found) - value) > 1e-9)
        fail_msg("%s: %f, expected %f", path, json_number_value(found), value);
}

static void expect_text(const json_t *out, const char *path, const char *text)
{
    const char *found = json_string_value(at(out, path));
    if (!found || strcmp(found, text) != 0) fail_msg("%s: %s, expected %s", path, found ? found : "nothing", text);
}

static void expect_count(const json_t *out, const char *path, size_t count)
{
    if (json_array_size(at(out, path)) != count)
        fail_msg("%s: %zu, expected %zu", path, json_array_size(at(out, path)), count);
}

static void test_figures(void **state)
{
    json_t *out = analyze(meeting);
    (void)state;
    expect_text(out, "language", "en-GB");
    expect(out, "durationMs", 30000);
    /* 1.0-3.0, 3.5-4.0, 6.0-6.4, 7.0-9.0, 20.0-21.0 */
    expect(out, "speechMs", 2000 + 500 + 400 + 2000 + 1000);
    expect(out, "silenceMs", 30000 - 5900);
    expect(out, "speechShare", 0.1967);
    expect(out, "silenceShare", 0.8033);
    expect(out, "words", 13);
    expect(out, "wordsPerMinute", 26);
    expect(out, "speakingWordsPerMinute", 132.2);
    expect(out, "confidence", 0.8);
    json_decref(out);
}

static void test_pauses(void **state)
{
    json_t *out = analyze(meeting);
    (void)state;
    expect(out, "pauseCount", 4);
    expect_count(out, "pauses", 4);
    expect(out, "pauses.0.startMs", 9000);
    expect(out, "pauses.0.lengthMs", 11000);
    expect_text(out, "pauses.0.after", "you know machine learning works");
    expect(out, "pauses.1.lengthMs", 2000);
    expect_text(out, "pauses.1.after", "um the machine learning team");
    expect(out, "pauses.2.lengthMs", 600);
    expect_text(out, "pauses.2.after", "you know");
    expect(out, "pauses.3.lengthMs", 500);
    json_decref(out);
}

static void test_matter(void **state)
{
    json_t *out = analyze(meeting);
    (void)state;
    expect(out, "fillerCount", 3);
    expect_count(out, "fillers", 3);
    expect_text(out, "fillers.0.text", "um");
    expect_text(out, "fillers.1.text", "you know");
    expect_text(out, "fillers.2.text", "like");
    expect_text(out, "terms.0.text", "machine");
    expect(out, "terms.0.count", 2);
    expect_text(out, "terms.1.text", "learning");
    expect_text(out, "terms.2.text", "team");
    expect_text(out, "terms.3.text", "works");
    expect_text(out, "terms.4.text", "machines");
    expect_count(out, "terms", 5);
    expect_count(out, "pairs", 1);
    expect_text(out, "pairs.0.text", "machine learning");
    expect(out, "pairs.0.count", 2);
    json_decref(out);
}

static void test_speakers(void **state)
{
    json_t *out = analyze(meeting);
    (void)state;
    expect_count(out, "speakers", 2);
    expect_text(out, "speakers.0.speaker", "Ann");
    expect(out, "speakers.0.speechMs", 4000);
    expect(out, "speakers.0.words", 8);
    expect(out, "speakers.0.share", 0.5714);
    expect(out, "speakers.0.wordsPerMinute", 120);
    expect_text(out, "speakers.1.speaker", "Bob");
    expect(out, "speakers.1.share", 0.4286);
    json_decref(out);
}

static void test_pace_of_half_a_minute(void **state)
{
    json_t *out = analyze(meeting);
    (void)state;
    expect_count(out, "pace", 3);
    expect(out, "pace.0.endMs", 10000);
    expect(out, "pace.0.words", 10);
    expect(out, "pace.0.wordsPerMinute", 60);
    expect(out, "pace.1.words", 0);
    expect(out, "pace.2.startMs", 20000);
    expect(out, "pace.2.words", 3);
    json_decref(out);
}

static void test_buckets(void **state)
{
    static const struct {
        uint64_t duration, width;
        size_t count;
    } cases[] = {{0, 10000, 0},           {1, 10000, 1},
                 {14999, 10000, 1},       {15000, 10000, 2},
                 {1200000, 10000, 120},   {1200001, 30000, 40},
                 {3600000, 30000, 120},   {3600001, 60000, 60},
                 {86400000, 1800000, 48}, {432000000, 3600000, 120},
                 {432000001, 7200000, 60}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        es_document_t doc = {.duration_ms = cases[i].duration};
        es_pace_t pace;
        es_pace_measure(&pace, &doc);
        assert_int_equal(pace.width_ms, cases[i].width);
        assert_int_equal(pace.count, cases[i].count);
        if (pace.count) assert_int_equal(es_pace_end(&pace, pace.count - 1, cases[i].duration), cases[i].duration);
    }
    es_document_t year = {.duration_ms = ES_DOCUMENT_MS_MAX};
    es_pace_t pace;
    es_pace_measure(&pace, &year);
    assert_true(pace.count > 60 && pace.count <= ES_PACE_BUCKETS_MAX);
}

static void test_speech_of_two_at_once_counts_once(void **state)
{
    es_document_word_t words[] = {{.text = "a", .start_ms = 0, .end_ms = 1000},
                                  {.text = "c", .start_ms = 5000, .end_ms = 6000},
                                  {.text = "b", .start_ms = 500, .end_ms = 2000},
                                  {.text = "d", .start_ms = 5100, .end_ms = 5200},
                                  {.text = "e", .start_ms = 6299, .end_ms = 6300}};
    es_document_t doc = {.words = words, .n_words = 5};
    es_pause_t longest[1];
    size_t found;
    (void)state;
    es_speech_t speech = es_speech_measure(&doc, longest, 1, &found);
    assert_int_equal(speech.speech_ms, 2000 + 1300);
    assert_int_equal(speech.pauses, 1);
    assert_int_equal(found, 1);
    assert_int_equal(longest[0].start_ms, 2000);
    assert_int_equal(longest[0].length_ms, 3000);
    assert_int_equal(longest[0].word, 2);
}

static void test_the_longest_pauses(void **state)
{
    es_document_word_t words[20];
    es_document_t doc = {.words = words, .n_words = 20};
    es_pause_t longest[3];
    size_t found;
    uint64_t now = 0;
    (void)state;
    for (size_t i = 0; i < 20; i++) {
        words[i] = (es_document_word_t){.text = "a", .start_ms = now, .end_ms = now + 100};
        now += i % 5 == 3 ? 2100u : 500u;
    }
    es_speech_t speech = es_speech_measure(&doc, longest, 3, &found);
    assert_int_equal(speech.pauses, 19);
    assert_int_equal(found, 3);
    assert_int_equal(longest[0].word, 3);
    assert_int_equal(longest[1].word, 8);
    assert_int_equal(longest[2].word, 13);
}

static void test_nothing_was_said(void **state)
{
    json_t *out = analyze("{\"duration_ms\":0,\"segments\":[]}");
    (void)state;
    expect(out, "words", 0);
    expect(out, "wordsPerMinute", 0);
    expect(out, "speechShare", 0);
    assert_true(json_is_null(at(out, "confidence")));
    expect_count(out, "pace", 0);
    expect_count(out, "pauses", 0);
    expect_count(out, "speakers", 0);
    json_decref(out);
    out = analyze("{\"duration_ms\":60000,\"segments\":[]}");
    expect(out, "silenceMs", 60000);
    expect(out, "silenceShare", 1);
    expect_count(out, "pace", 6);
    json_decref(out);
}

static void test_vocabularies(void **state)
{
    es_vocabulary_t *en = es_vocabulary_new(NULL), *de = es_vocabulary_new("de_CH"), *none = es_vocabulary_new("pl"),
                    *other = es_vocabulary_new("eng");
    (void)state;
    assert_int_equal(es_vocabulary_fills(en, "um", NULL), 1);
    assert_int_equal(es_vocabulary_fills(en, "you", "know"), 2);
    assert_int_equal(es_vocabulary_fills(en, "you", "see"), 0);
    assert_int_equal(es_vocabulary_fills(en, "you", NULL), 0);
    assert_true(es_vocabulary_stops(en, "the"));
    assert_false(es_vocabulary_stops(en, "um"));
    assert_false(es_vocabulary_stops(en, ""));
    assert_int_equal(es_vocabulary_fills(de, "äh", NULL), 1);
    assert_true(es_vocabulary_stops(de, "für"));
    assert_false(es_vocabulary_stops(de, "the"));
    assert_false(es_vocabulary_stops(none, "the") || es_vocabulary_stops(other, "the"));
    es_vocabulary_destroy(&en);
    es_vocabulary_destroy(&de);
    es_vocabulary_destroy(&none);
    es_vocabulary_destroy(&other);
}

static void test_frequencies(void **state)
{
    static const char *const words[] = {"b", "a", "c", "a", "b", "d"};
    es_frequency_t *f = es_frequency_new();
    es_frequent_t top[3];
    (void)state;
    for (size_t i = 0; i < 6; i++) es_frequency_add(f, words[i], NULL);
    assert_int_equal(es_frequency_top(f, 1, top, 3), 3);
    assert_string_equal(top[0].first, "b");
    assert_int_equal(top[0].count, 2);
    assert_string_equal(top[1].first, "a");
    assert_string_equal(top[2].first, "c");
    assert_int_equal(es_frequency_top(f, 2, top, 3), 2);
    assert_int_equal(es_frequency_top(f, 1, top, 0), 0);
    es_frequency_add(f, "a", "e");
    es_frequency_add(f, "a", "e");
    es_frequency_add(f, "a", "e");
    assert_int_equal(es_frequency_top(f, 1, top, 1), 1);
    assert_string_equal(top[0].second, "e");
    es_frequency_destroy(&f);
}

/* 2 000 segments of different words by different speakers: nothing may grow beyond what a final carries. */
static void test_an_analysis_is_bounded(void **state)
{
    size_t cap = 1 << 20, len = 0;
    char *text = es_alloc(cap);
    (void)state;
    len += (size_t)snprintf(text, cap, "{\"duration_ms\":8000000,\"segments\":[");
    for (int i = 0; i < 2000; i++)
        len += (size_t)snprintf(
            text + len, cap - len,
            "%s{\"start_ms\":%d,\"end_ms\":%d,\"speaker\":\"\\u0001%060d\",\"text\":\"ä%040d%s ö%040d%s\"}",
            i ? "," : "", i * 4000, i * 4000 + 1000, i, i, "ß", i, "ß");
    snprintf(text + len, cap - len, "]}");
    json_t *out = analyze(text);
    expect_count(out, "speakers", ES_ANALYZE_SPEAKERS_MAX);
    expect_count(out, "terms", ES_ANALYZE_TERMS_MAX);
    expect_count(out, "pauses", ES_ANALYZE_PAUSES_MAX);
    char *dumped = es_analyze_dump(out, 65536, &len);
    assert_non_null(dumped);
    assert_true(len < 40000);
    assert_null(es_analyze_dump(out, len - 1, &len));
    free(dumped);
    json_decref(out);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_figures),
        cmocka_unit_test(test_pauses),
        cmocka_unit_test(test_matter),
        cmocka_unit_test(test_speakers),
        cmocka_unit_test(test_pace_of_half_a_minute),
        cmocka_unit_test(test_buckets),
        cmocka_unit_test(test_speech_of_two_at_once_counts_once),
        cmocka_unit_test(test_the_longest_pauses),
        cmocka_unit_test(test_nothing_was_said),
        cmocka_unit_test(test_vocabularies),
        cmocka_unit_test(test_frequencies),
        cmocka_unit_test(test_an_analysis_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
