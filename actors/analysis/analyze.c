#include "analyze.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "frequency.h"
#include "pace.h"
#include "speakers.h"
#include "speech.h"
#include "vocabulary.h"

enum { WORDS_BEFORE = 6, DIGITS = 8, PAIRS_LEAST = 2 };

static json_int_t whole(uint64_t value)
{
    return (json_int_t)value;
}

static void set_whole(json_t *object, const char *name, uint64_t value)
{
    json_object_set_new(object, name, json_integer(whole(value)));
}

static void set_real(json_t *object, const char *name, double value, double unit)
{
    json_object_set_new(object, name, json_real(round(value / unit) * unit));
}

static void set_text(json_t *object, const char *name, const char *text)
{
    json_t *value = json_string(text);
    json_object_set_new(object, name, value ? value : json_null());
}

static double per_minute(uint64_t words, uint64_t ms)
{
    return ms ? (double)words * 60000.0 / (double)ms : 0;
}

static double share(uint64_t part, uint64_t all)
{
    return all ? (double)part / (double)all : 0;
}

static void add_confidence(json_t *out, const es_document_t *doc)
{
    uint64_t sum = 0, known = 0;
    for (size_t i = 0; i < doc->n_words; i++) {
        if (doc->words[i].confidence < 0) continue;
        sum += (uint64_t)doc->words[i].confidence;
        known++;
    }
    if (known)
        set_real(out, "confidence", (double)sum / (double)known / 1000.0, 0.001);
    else
        json_object_set_new(out, "confidence", json_null());
}

/* Silence is what is left of the recording, so that both add up whatever the times say. */
static void add_figures(json_t *out, const es_document_t *doc, const es_speech_t *speech)
{
    uint64_t said = speech->speech_ms < doc->duration_ms ? speech->speech_ms : doc->duration_ms;
    set_text(out, "language", doc->language ? doc->language : "");
    set_whole(out, "durationMs", doc->duration_ms);
    set_whole(out, "speechMs", said);
    set_whole(out, "silenceMs", doc->duration_ms - said);
    set_real(out, "speechShare", share(said, doc->duration_ms), 0.0001);
    set_real(out, "silenceShare", share(doc->duration_ms - said, doc->duration_ms), 0.0001);
    set_whole(out, "words", doc->n_words);
    set_real(out, "wordsPerMinute", per_minute(doc->n_words, doc->duration_ms), 0.1);
    set_real(out, "speakingWordsPerMinute", per_minute(doc->n_words, said), 0.1);
    add_confidence(out, doc);
}

static void add_pace(json_t *out, const es_document_t *doc)
{
    es_pace_t pace;
    json_t *list = json_array();
    es_pace_measure(&pace, doc);
    for (size_t i = 0; i < pace.count; i++) {
        uint64_t start = i * pace.width_ms, end = es_pace_end(&pace, i, doc->duration_ms);
        json_t *bucket = json_object();
        set_whole(bucket, "startMs", start);
        set_whole(bucket, "endMs", end);
        set_whole(bucket, "words", pace.words[i]);
        set_real(bucket, "wordsPerMinute", per_minute(pace.words[i], end - start), 0.1);
        json_array_append_new(list, bucket);
    }
    json_object_set_new(out, "pace", list);
}

/* The last words before a pause, of the same segment. */
static void words_before(const es_document_t *doc, size_t last, char *out, size_t cap)
{
    size_t first = last, len = 0;
    while (first > 0 && last - first + 1 < WORDS_BEFORE && doc->words[first - 1].segment == doc->words[last].segment)
        first--;
    *out = '\0';
    for (size_t i = first; i <= last && len < cap; i++)
        len += (size_t)snprintf(out + len, cap - len, "%s%s", i > first ? " " : "", doc->words[i].text);
}

static void add_pauses(json_t *out, const es_document_t *doc, const es_speech_t *speech, const es_pause_t *longest,
                       size_t count)
{
    char text[WORDS_BEFORE * (ES_TOKEN_MAX + 1) + 1];
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *pause = json_object();
        words_before(doc, longest[i].word, text, sizeof text);
        set_whole(pause, "startMs", longest[i].start_ms);
        set_whole(pause, "lengthMs", longest[i].length_ms);
        set_text(pause, "after", text);
        json_array_append_new(list, pause);
    }
    set_whole(out, "pauseCount", speech->pauses);
    json_object_set_new(out, "pauses", list);
}

static void add_frequent(json_t *out, const char *name, const es_frequency_t *counted, uint64_t least)
{
    es_frequent_t top[ES_ANALYZE_TERMS_MAX];
    char text[2 * ES_TOKEN_MAX + 2];
    size_t n = es_frequency_top(counted, least, top, ES_ANALYZE_TERMS_MAX);
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *term = json_object();
        snprintf(text, sizeof text, "%s%s%s", top[i].first, top[i].second ? " " : "",
                 top[i].second ? top[i].second : "");
        set_text(term, "text", text);
        set_whole(term, "count", top[i].count);
        json_array_append_new(list, term);
    }
    json_object_set_new(out, name, list);
}

/* What a word is to the matter. */
typedef struct {
    const es_document_t *doc;
    es_vocabulary_t *vocabulary;
    es_frequency_t *fillers, *terms, *pairs;
    uint64_t filler_count;
} matter_t;

static const char *following(const es_document_t *doc, size_t i)
{
    bool there = i + 1 < doc->n_words && doc->words[i + 1].segment == doc->words[i].segment;
    return there ? doc->words[i + 1].text : NULL;
}

/* A term is more than a letter or a number. */
static bool is_term(const matter_t *self, const char *word)
{
    bool letters = word[strspn(word, "0123456789'-")] != '\0';
    return letters && word[1] && !es_vocabulary_stops(self->vocabulary, word);
}

static void count_matter(matter_t *self)
{
    const es_document_t *doc = self->doc;
    const char *before = NULL; /* a term right before, of the same segment */
    for (size_t i = 0; i < doc->n_words; i++) {
        const char *word = doc->words[i].text, *next = following(doc, i);
        assert(word);
        unsigned fills = es_vocabulary_fills(self->vocabulary, word, next);
        bool term = !fills && is_term(self, word);
        if (fills) {
            self->filler_count++;
            es_frequency_add(self->fillers, word, fills == 2 ? next : NULL);
            i += fills - 1;
            next = following(doc, i);
        }
        if (term) es_frequency_add(self->terms, word, NULL);
        if (term && before) es_frequency_add(self->pairs, before, word);
        before = term && next ? word : NULL;
    }
}

static void add_matter(json_t *out, const es_document_t *doc)
{
    matter_t matter = {.doc = doc,
                       .vocabulary = es_vocabulary_new(doc->language),
                       .fillers = es_frequency_new(),
                       .terms = es_frequency_new(),
                       .pairs = es_frequency_new()};
    count_matter(&matter);
    set_whole(out, "fillerCount", matter.filler_count);
    add_frequent(out, "fillers", matter.fillers, 1);
    add_frequent(out, "terms", matter.terms, 1);
    add_frequent(out, "pairs", matter.pairs, PAIRS_LEAST);
    es_frequency_destroy(&matter.fillers);
    es_frequency_destroy(&matter.terms);
    es_frequency_destroy(&matter.pairs);
    es_vocabulary_destroy(&matter.vocabulary);
}

static void add_speakers(json_t *out, const es_document_t *doc)
{
    es_speaker_t speakers[ES_ANALYZE_SPEAKERS_MAX];
    uint64_t all;
    size_t n = es_speakers_measure(doc, speakers, ES_ANALYZE_SPEAKERS_MAX, &all);
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *speaker = json_object();
        set_text(speaker, "speaker", speakers[i].name);
        set_whole(speaker, "words", speakers[i].words);
        set_whole(speaker, "speechMs", speakers[i].speech_ms);
        set_real(speaker, "share", share(speakers[i].speech_ms, all), 0.0001);
        set_real(speaker, "wordsPerMinute", per_minute(speakers[i].words, speakers[i].speech_ms), 0.1);
        json_array_append_new(list, speaker);
    }
    json_object_set_new(out, "speakers", list);
}

json_t *es_analyze(const es_document_t *doc)
{
    es_pause_t longest[ES_ANALYZE_PAUSES_MAX];
    size_t pauses;
    es_speech_t speech = es_speech_measure(doc, longest, ES_ANALYZE_PAUSES_MAX, &pauses);
    json_t *out = json_object();
    assert(out);
    add_figures(out, doc, &speech);
    add_pace(out, doc);
    add_pauses(out, doc, &speech, longest, pauses);
    add_matter(out, doc);
    add_speakers(out, doc);
    return out;
}

char *es_analyze_dump(const json_t *analysis, size_t max, size_t *len)
{
    char *text = json_dumps(analysis, JSON_COMPACT | JSON_REAL_PRECISION(DIGITS));
    assert(text);
    *len = strlen(text);
    if (*len <= max) return text;
    free(text);
    return NULL;
}
