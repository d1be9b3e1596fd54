/* actors/jobs/transcript_format.h and cues.h: golden texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "cues.h"
#include "transcript_format.h"

#define MS(ms) ((uint64_t)(ms)*16)

static es_job_t job_of(es_job_state_t state)
{
    static char session[] = "s-1", language[] = "en";
    es_job_t job = {.session = session, .language = language, .state = state, .duration = MS(8000), .done = MS(8000)};
    snprintf(job.id, sizeof job.id, "0123abcd-0000-4000-8000-00000000000a");
    return job;
}

/* What was said, with words where `words` is given as "text@start-end text@start-end" in ms. */
typedef struct {
    uint64_t start, end;
    const char *text, *words;
    bool failed;
} said_t;

static size_t encode(const char *words, char *out, size_t cap)
{
    static char copy[512];
    es_word_t list[32];
    size_t n = 0;
    if (!words) return 0;
    snprintf(copy, sizeof copy, "%s", words);
    for (char *save, *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
        unsigned start, end;
        char *at = strrchr(word, '@');
        assert_int_equal(sscanf(at, "@%u-%u", &start, &end), 2);
        list[n++] = (es_word_t){
            .text = es_span_of(word, (size_t)(at - word)), .start = MS(start), .end = MS(end), .confidence = 950};
    }
    return es_words_encode(list, n, out, cap);
}

static es_job_segment_t segment_of(const said_t *said, uint64_t from, char *words, size_t cap)
{
    size_t len = encode(said->words, words, cap);
    return (es_job_segment_t){.from = from,
                              .to = MS(said->end + 100),
                              .start = MS(said->start),
                              .end = MS(said->end),
                              .confidence = 875,
                              .failed = said->failed,
                              .text = es_span(said->text),
                              .words = es_span_of(words, len)};
}

/* One piece from this cursor; adds it to out. */
static uint64_t piece(es_transcript_kind_t kind, es_job_state_t state, const said_t *said, size_t n, uint64_t cursor,
                      char *out, size_t cap)
{
    es_job_t job = job_of(state);
    es_transcript_format_t *format = es_transcript_format_new(kind, &job, cursor);
    char words[1024];
    uint64_t from = 0;
    for (size_t i = 0; i < n; i++) {
        es_job_segment_t segment = segment_of(&said[i], from, words, sizeof words);
        from = segment.to;
        if (!es_transcript_format_add(format, &segment)) break;
    }
    es_span_t body;
    uint64_t next = es_transcript_format_end(format, &body);
    size_t len = strlen(out);
    assert_true(len + body.len < cap);
    if (body.len) memcpy(out + len, body.ptr, body.len);
    out[len + body.len] = 0;
    es_transcript_format_destroy(&format);
    return next;
}

static const said_t speech[] = {
    {0, 1000, "hello world", "hello@0-400 world@500-1000", false},
    {1200, 2000, "R&D <tags> & more", NULL, false},
    {2000, 2500, "engine failed", NULL, true},
    {4500, 5000, "a new paragraph", "a@4500-4600 new@4600-4800 paragraph@4800-5000", false},
};
enum { SPEECH = sizeof speech / sizeof *speech };

static void check(es_transcript_kind_t kind, const char *wanted)
{
    char out[4096] = "";
    assert_int_equal(piece(kind, ES_JOB_COMPLETED, speech, SPEECH, 0, out, sizeof out), 0);
    assert_string_equal(out, wanted);
}

static void as_text(void **state)
{
    (void)state;
    check(ES_TRANSCRIPT_PLAIN, "hello world R&D <tags> & more\n\na new paragraph\n");
}

static void as_srt(void **state)
{
    (void)state;
    check(ES_TRANSCRIPT_SRT, "1\n00:00:00,000 --> 00:00:01,000\nhello world\n\n"
                             "2\n00:00:01,200 --> 00:00:02,000\nR&D <tags> & more\n\n"
                             "3\n00:00:04,500 --> 00:00:05,000\na new paragraph\n\n");
}

static void as_vtt(void **state)
{
    (void)state;
    check(ES_TRANSCRIPT_VTT, "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nhello world\n\n"
                             "00:00:01.200 --> 00:00:02.000\nR&amp;D &lt;tags&gt; &amp; more\n\n"
                             "00:00:04.500 --> 00:00:05.000\na new paragraph\n\n");
}

static void as_json(void **state)
{
    (void)state;
    check(ES_TRANSCRIPT_JSON,
          "{\"jobId\":\"0123abcd-0000-4000-8000-00000000000a\",\"sessionId\":\"s-1\",\"language\":\"en\",\"segments\":["
          "{\"startMs\":0,\"endMs\":1000,\"text\":\"hello world\",\"confidence\":0.875,\"words\":["
          "{\"text\":\"hello\",\"startMs\":0,\"endMs\":400,\"confidence\":0.95},"
          "{\"text\":\"world\",\"startMs\":500,\"endMs\":1000,\"confidence\":0.95}]},"
          "{\"startMs\":1200,\"endMs\":2000,\"text\":\"R&D <tags> & more\",\"confidence\":0.875,\"words\":[]},"
          "{\"startMs\":2000,\"endMs\":2500,\"text\":\"\",\"confidence\":0.875,\"words\":[],\"failed\":\"engine "
          "failed\"},"
          "{\"startMs\":4500,\"endMs\":5000,\"text\":\"a new paragraph\",\"confidence\":0.875,\"words\":["
          "{\"text\":\"a\",\"startMs\":4500,\"endMs\":4600,\"confidence\":0.95},"
          "{\"text\":\"new\",\"startMs\":4600,\"endMs\":4800,\"confidence\":0.95},"
          "{\"text\":\"paragraph\",\"startMs\":4800,\"endMs\":5000,\"confidence\":0.95}]}],"
          "\"text\":\"hello world R&D <tags> & more a new paragraph\",\"durationMs\":8000,\"complete\":true}");
}

static void nothing_said(void **state)
{
    static const char *const wanted[ES_TRANSCRIPT_KINDS] = {
        [ES_TRANSCRIPT_JSON] =
            "{\"jobId\":\"0123abcd-0000-4000-8000-00000000000a\",\"sessionId\":\"s-1\","
            "\"language\":\"en\",\"segments\":[],\"text\":\"\",\"durationMs\":8000,\"complete\":false}",
        [ES_TRANSCRIPT_PLAIN] = "",
        [ES_TRANSCRIPT_SRT] = "",
        [ES_TRANSCRIPT_VTT] = "WEBVTT\n\n"};
    (void)state;
    for (int kind = 0; kind < ES_TRANSCRIPT_KINDS; kind++) {
        char out[1024] = "";
        piece((es_transcript_kind_t)kind, ES_JOB_QUEUED, NULL, 0, 0, out, sizeof out);
        assert_string_equal(out, wanted[kind]);
    }
}

static void names(void **state)
{
    (void)state;
    assert_int_equal(es_transcript_kind_of(es_span("json")), ES_TRANSCRIPT_JSON);
    assert_int_equal(es_transcript_kind_of(es_span("vtt")), ES_TRANSCRIPT_VTT);
    assert_int_equal(es_transcript_kind_of(es_span("doc")), -1);
    assert_int_equal(es_transcript_kind_of(es_span("")), -1);
    assert_string_equal(es_transcript_type(ES_TRANSCRIPT_VTT), "text/vtt; charset=utf-8");
}

/* Several pieces, between which the job goes on, are one document: that of all segments at once. */
static void pieces_are_one_document(void **state)
{
    enum { MANY = 20000, CAP = 8 << 20 };
    said_t *said = calloc(MANY, sizeof *said);
    char *whole = calloc(1, CAP), *parts = calloc(1, CAP);
    (void)state;
    for (uint64_t i = 0; i < MANY; i++)
        said[i] = (said_t){i * 1000, i * 1000 + 700, i % 7 ? "eight words of about forty bytes are here" : "no",
                           i % 7 ? NULL : "no@1-2", i % 11 == 0};
    for (int kind = 0; kind < ES_TRANSCRIPT_KINDS; kind++) {
        uint64_t cursor = 0;
        size_t known = MANY / 2, pieces = 0;
        whole[0] = parts[0] = 0;
        do {
            size_t before = strlen(parts);
            cursor = piece((es_transcript_kind_t)kind, ES_JOB_COMPLETED, said, known, cursor, parts, CAP);
            assert_true(strlen(parts) - before < 1048576);
            known = MANY;
            pieces++;
        } while (cursor);
        assert_true(pieces > 1);
        for (cursor = 0;
             (cursor = piece((es_transcript_kind_t)kind, ES_JOB_COMPLETED, said, MANY, cursor, whole, CAP));) {
        }
        assert_string_equal(whole, parts);
        if (kind != ES_TRANSCRIPT_JSON) continue;
        json_t *json = json_loads(whole, 0, NULL);
        assert_int_equal(json_array_size(json_object_get(json, "segments")), MANY);
        assert_true(json_is_null(json_object_get(json, "text"))); /* longer than is told at once */
        json_decref(json);
    }
    free(said);
    free(whole);
    free(parts);
}

/* ---- cues */

static void print_cue(void *arg, const es_cue_t *cue)
{
    char *out = arg;
    size_t len = strlen(out);
    snprintf(out + len, 4096 - len, "[%u-%u]%.*s", (unsigned)cue->start_ms, (unsigned)cue->end_ms, (int)cue->text.len,
             cue->text.ptr);
}

static void cut(const char *text, uint64_t start_ms, uint64_t end_ms, const char *wanted)
{
    es_word_t words[128];
    char out[4096] = "";
    size_t n = es_cues_spread(es_span(text), MS(start_ms), MS(end_ms), words, 128);
    es_cues_make(words, n, print_cue, out);
    assert_string_equal(out, wanted);
}

static void lines_are_short(void **state)
{
    (void)state;
    cut("", 0, 1000, "");
    cut("  one ", 0, 1000, "[333-833]one");
    cut("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 0, 1000, "[0-1000]aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    cut("aaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbb c", 0, 4400,
        "[0-4400]aaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbb\nc");
    cut("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb cccccccccc", 0, 9000,
        "[0-4000]aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa[4100-9000]"
        "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\ncccccccccc");
    cut("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 0, 1000,
        "[0-1000]aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\naaaaaaaa");
}

static void characters_are_counted(void **state)
{
    (void)state;
    cut("ääääääääääääääääääääääääääääääääääääääääää b", 0, 1000,
        "[0-1000]ääääääääääääääääääääääääääääääääääääääääää\nb");
    cut("ääääääääääääääääääääääääääääääääääääääääääß", 0, 1000,
        "[0-1000]ääääääääääääääääääääääääääääääääääääääääää\nß");
}

static void cues_are_not_long(void **state)
{
    (void)state;
    cut("a b c d", 0, 28000, "[0-4000]a[8000-12000]b[16000-20000]c[24000-28000]d");
    cut("long", 0, 60000, "[0-7000]long");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_text),
        cmocka_unit_test(as_srt),
        cmocka_unit_test(as_vtt),
        cmocka_unit_test(as_json),
        cmocka_unit_test(nothing_said),
        cmocka_unit_test(names),
        cmocka_unit_test(pieces_are_one_document),
        cmocka_unit_test(lines_are_short),
        cmocka_unit_test(characters_are_counted),
        cmocka_unit_test(cues_are_not_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
