#include "document.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "alloc.h"

enum { ARENA = 65536, ROW_MIN = 3 };

/* Words in lower case lie in blocks; texts and names in the JSON. */
typedef struct block {
    struct block *next;
    size_t used;
    char bytes[ARENA];
} block_t;

struct es_document_memory {
    json_t *root;
    block_t *blocks;
    size_t word_room;
};

typedef struct {
    es_document_t *doc;
    char *err;
    size_t err_len;
    size_t segment; /* that is being read */
} reader_t;

__attribute__((format(printf, 2, 3))) static int refuse(const reader_t *self, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(self->err, self->err_len, format, args);
    va_end(args);
    return -1;
}

static const char *keep(es_document_t *doc, const char *word, size_t len)
{
    block_t *block = doc->memory->blocks;
    if (!block || block->used + len + 1 > ARENA) {
        block = es_alloc(sizeof *block);
        block->next = doc->memory->blocks;
        block->used = 0;
        doc->memory->blocks = block;
    }
    char *at = block->bytes + block->used;
    memcpy(at, word, len + 1);
    block->used += len + 1;
    return at;
}

static int add_word(reader_t *self, const char *token, size_t len, const es_document_word_t *like)
{
    es_document_t *doc = self->doc;
    if (doc->n_words == ES_DOCUMENT_WORDS_MAX)
        return refuse(self, "the transcript has more than %u words", ES_DOCUMENT_WORDS_MAX);
    if (doc->n_words == doc->memory->word_room) {
        size_t room = doc->memory->word_room ? doc->memory->word_room * 2 : 1024;
        es_document_word_t *bigger = realloc(doc->words, room * sizeof *bigger);
        if (!bigger) abort();
        doc->words = bigger;
        doc->memory->word_room = room;
    }
    es_document_word_t *word = &doc->words[doc->n_words++];
    *word = *like;
    word->text = keep(doc, token, len);
    word->segment = (uint32_t)self->segment;
    return 0;
}

/* All words of a text, with the same times. */
static int add_words(reader_t *self, es_span_t text, const es_document_word_t *like)
{
    char token[ES_TOKEN_MAX + 1];
    for (size_t len; (len = es_token_next(&text, token));)
        if (add_word(self, token, len, like) == -1) return -1;
    return 0;
}

static es_span_t text_of(const json_t *string)
{
    return es_span_of(json_string_value(string), json_string_length(string));
}

/* A time; false where it is none. */
static bool ms_of(const json_t *number, uint64_t *out)
{
    if (!json_is_integer(number)) return false;
    json_int_t value = json_integer_value(number);
    *out = (uint64_t)value;
    return value >= 0 && *out <= ES_DOCUMENT_MS_MAX;
}

static int read_row(reader_t *self, const json_t *row, size_t index)
{
    es_document_word_t word = {.confidence = -1};
    const json_t *text = json_array_get(row, 0), *confidence = json_array_get(row, 3);
    if (json_array_size(row) < ROW_MIN || !json_is_string(text) || !ms_of(json_array_get(row, 1), &word.start_ms) ||
        !ms_of(json_array_get(row, 2), &word.end_ms) || word.end_ms < word.start_ms)
        return refuse(self, "segment %zu, word %zu: it is not [text, start_ms, end_ms, confidence]", self->segment,
                      index);
    if (json_is_integer(confidence)) {
        json_int_t value = json_integer_value(confidence);
        word.confidence = (int32_t)(value < 0 ? 0 : value > 1000 ? 1000 : value);
    }
    return add_words(self, text_of(text), &word);
}

/* Without times of their own, words share the segment evenly. */
static void spread(es_document_t *doc, const es_document_segment_t *segment)
{
    uint64_t length = segment->end_ms - segment->start_ms;
    for (size_t i = 0; i < segment->words; i++) {
        es_document_word_t *word = &doc->words[segment->first + i];
        word->start_ms = segment->start_ms + length * i / segment->words;
        word->end_ms = segment->start_ms + length * (i + 1) / segment->words;
    }
}

static int read_words(reader_t *self, es_document_segment_t *segment, const json_t *rows)
{
    size_t i;
    json_t *row;
    segment->first = self->doc->n_words;
    segment->timed = json_array_size(rows) > 0;
    if (!segment->timed) {
        es_document_word_t unknown = {.confidence = -1};
        if (add_words(self, es_span(segment->text), &unknown) == -1) return -1;
    }
    json_array_foreach(rows, i, row) if (read_row(self, row, i) == -1) return -1;
    segment->words = self->doc->n_words - segment->first;
    if (!segment->timed) spread(self->doc, segment);
    return 0;
}

static bool absent(const json_t *value)
{
    return !value || json_is_null(value);
}

static const char *speaker_of(es_document_t *doc, const json_t *value)
{
    char name[ES_DOCUMENT_SPEAKER_MAX + 1];
    if (!json_is_string(value) || json_string_length(value) == 0) return NULL;
    size_t len = es_utf8_repair(text_of(value), name, sizeof name - 1);
    name[len] = '\0';
    return keep(doc, name, len);
}

static int read_segment(reader_t *self, const json_t *json, size_t index)
{
    es_document_segment_t *segment = &self->doc->segments[index];
    const json_t *text = json_object_get(json, "text"), *words = json_object_get(json, "words");
    self->segment = index;
    if (!json_is_object(json)) return refuse(self, "segment %zu is not an object", index);
    if (!ms_of(json_object_get(json, "start_ms"), &segment->start_ms) ||
        !ms_of(json_object_get(json, "end_ms"), &segment->end_ms))
        return refuse(self, "segment %zu: start_ms or end_ms is not a time in milliseconds", index);
    if (segment->end_ms < segment->start_ms) return refuse(self, "segment %zu ends before it begins", index);
    if (!json_is_string(text)) return refuse(self, "segment %zu has no text", index);
    if (!absent(words) && !json_is_array(words)) return refuse(self, "segment %zu: words is not an array", index);
    segment->text = json_string_value(text);
    segment->speaker = speaker_of(self->doc, json_object_get(json, "speaker"));
    if (segment->end_ms > self->doc->duration_ms) self->doc->duration_ms = segment->end_ms;
    return read_words(self, segment, words);
}

static int read_document(reader_t *self, const json_t *root)
{
    es_document_t *doc = self->doc;
    const json_t *duration = json_object_get(root, "duration_ms"), *segments = json_object_get(root, "segments");
    if (!json_is_object(root)) return refuse(self, "the transcript is not a JSON object");
    if (!json_is_array(segments)) return refuse(self, "the transcript has no array of segments");
    if (!absent(duration) && !ms_of(duration, &doc->duration_ms))
        return refuse(self, "duration_ms is not a time in milliseconds");
    doc->language = json_string_value(json_object_get(root, "language"));
    doc->n_segments = json_array_size(segments);
    doc->segments = es_alloc_zero((doc->n_segments + 1) * sizeof *doc->segments);
    for (size_t i = 0; i < doc->n_segments; i++)
        if (read_segment(self, json_array_get(segments, i), i) == -1) return -1;
    return 0;
}

int es_document_parse(es_document_t *out, const char *json, size_t len, char *err, size_t err_len)
{
    json_error_t where;
    *out = (es_document_t){.memory = es_alloc_zero(sizeof *out->memory)};
    reader_t reader = {.doc = out, .err = err, .err_len = err_len};
    out->memory->root = json_loadb(json, len, 0, &where);
    int rc = out->memory->root
                 ? read_document(&reader, out->memory->root)
                 : refuse(&reader, "the transcript is not JSON: %.120s at byte %d", where.text, where.position);
    if (rc == -1) es_document_fini(out);
    return rc;
}

void es_document_fini(es_document_t *self)
{
    if (!self->memory) return;
    for (block_t *block = self->memory->blocks, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    json_decref(self->memory->root);
    free(self->memory);
    free(self->segments);
    free(self->words);
    *self = (es_document_t){.memory = NULL};
}

/* ---- as text */

typedef struct {
    char *text;
    size_t max, len, all;
} writer_t;

static void put(writer_t *self, const char *text)
{
    size_t len = strlen(text), room = self->max - self->len;
    bool whole = self->all == self->len && len <= room; /* after a cut nothing follows */
    if (self->all == self->len) {
        size_t n = whole ? len : room;
        while (!whole && n && ((unsigned char)text[n] & 0xc0) == 0x80) n--;
        memcpy(self->text + self->len, text, n);
        self->len += n;
    }
    self->all += len;
}

char *es_document_text(const es_document_t *self, size_t max, size_t *bytes)
{
    size_t need = 0;
    for (size_t i = 0; i < self->n_segments; i++) need += strlen(self->segments[i].text) + ES_DOCUMENT_SPEAKER_MAX + 4;
    if (max > need) max = need;
    writer_t writer = {.text = es_alloc(max + 1), .max = max};
    for (size_t i = 0; i < self->n_segments; i++) {
        const es_document_segment_t *segment = &self->segments[i];
        if (!*segment->text) continue;
        if (segment->speaker) put(&writer, segment->speaker);
        if (segment->speaker) put(&writer, ": ");
        put(&writer, segment->text);
        put(&writer, "\n");
    }
    writer.text[writer.len] = '\0';
    *bytes = writer.all;
    return writer.text;
}
