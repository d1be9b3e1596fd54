#include "analysis_document.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

enum { WORDS_MAX = 4096, GROW = 65536, PER_MS = 16 };

typedef struct {
    char *data;
    size_t len, cap;
    bool full;
    es_decoder_t *decoder;
    es_word_t words[WORDS_MAX];
    size_t segments;
} document_t;

static int append(const char *data, size_t len, void *arg)
{
    document_t *self = arg;
    if (self->full || self->len + len > ES_ANALYSIS_DOCUMENT_MAX) {
        self->full = true;
        return -1;
    }
    if (self->len + len > self->cap) {
        size_t cap = 2 * self->cap > self->len + len + GROW ? 2 * self->cap : self->len + len + GROW;
        char *bigger = es_alloc(cap);
        if (self->len > 0) memcpy(bigger, self->data, self->len);
        free(self->data);
        self->data = bigger;
        self->cap = cap;
    }
    memcpy(self->data + self->len, data, len);
    self->len += len;
    return 0;
}

static void append_text(document_t *self, const char *text)
{
    append(text, strlen(text), self);
}

static json_int_t ms(uint64_t samples)
{
    return (json_int_t)(samples / PER_MS);
}

static json_t *words_of(document_t *self, es_span_t packed)
{
    json_t *list = json_array();
    int n = packed.len > 0 ? es_words_decode(self->decoder, packed.ptr, packed.len, self->words, WORDS_MAX) : 0;
    for (int i = 0; i < n; i++) {
        const es_word_t *word = &self->words[i];
        json_array_append_new(list, json_pack("[s%,I,I,i]", word->text.ptr ? word->text.ptr : "", word->text.len,
                                              ms(word->start), ms(word->end), (int)word->confidence));
    }
    return list;
}

static bool on_segment(void *arg, const es_job_segment_t *segment)
{
    document_t *self = arg;
    if (segment->failed) return true;
    json_t *json = json_pack("{s:I,s:I,s:s%,s:o}", "start_ms", ms(segment->start), "end_ms", ms(segment->end), "text",
                             segment->text.ptr ? segment->text.ptr : "", segment->text.len, "words",
                             words_of(self, segment->words));
    if (!json) return true;
    if (self->segments++ > 0) append_text(self, ",");
    json_dump_callback(json, append, self, JSON_COMPACT);
    json_decref(json);
    return !self->full;
}

static void begin(document_t *self, const es_job_t *job)
{
    json_t *head =
        json_pack("{s:s,s:s?,s:I}", "job", job->id, "language", job->language, "duration_ms", ms(job->duration));
    json_dump_callback(head, append, self, JSON_COMPACT);
    json_decref(head);
    self->len--; /* the object goes on */
    append_text(self, ",\"segments\":[");
}

es_jobs_result_t es_analysis_document(es_job_store_t *store, const char *id, char **out, size_t *len)
{
    es_job_t job = {0};
    *out = NULL;
    *len = 0;
    es_jobs_result_t result = es_job_store_get(store, id, &job);
    if (result != ES_JOBS_OK) return result;
    document_t *self = es_alloc_zero(sizeof *self);
    self->decoder = es_decoder_new();
    begin(self, &job);
    result = es_job_store_segments(store, id, 0, on_segment, self);
    append_text(self, "]}");
    if (result == ES_JOBS_OK && !self->full) {
        *out = self->data;
        *len = self->len;
        self->data = NULL;
    }
    free(self->data);
    es_decoder_destroy(&self->decoder);
    free(self);
    es_job_fini(&job);
    return result;
}
