#include "said.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"

void es_said_fini(es_said_t *self)
{
    for (size_t i = 0; i < self->n_words; i++) free((char *)self->words[i].text.ptr);
    free(self->words);
    free(self->text);
    free(self->reason);
    free(self->encoded);
    *self = (es_said_t){0};
}

static bool silent(const es_said_t *self)
{
    return self->text_len == 0 && !self->reason;
}

/* Not more than max bytes, and no broken character at the end. */
static size_t shortened(es_span_t text, size_t max)
{
    if (text.len <= max) return text.len;
    size_t len = max;
    while (len > 0 && ((unsigned char)text.ptr[len] & 0xc0) == 0x80) len--;
    return len;
}

static void set_reason(es_said_t *self, es_span_t reason)
{
    self->reason = es_alloc_copy(reason.ptr, shortened(reason, ES_REASON_MAX));
}

static void set_words(es_said_t *self, const es_engine_result_t *result, uint64_t start)
{
    self->words = es_alloc_zero(result->n_words * sizeof *self->words);
    for (size_t i = 0; i < result->n_words; i++) {
        const es_word_t *word = &result->words[i];
        if (!es_utf8_valid(word->text.ptr, word->text.len)) continue;
        es_word_t *copy = &self->words[self->n_words++];
        copy->text = es_span_of(es_alloc_copy(word->text.ptr, word->text.len), word->text.len);
        copy->start = start + word->start;
        copy->end = start + word->end;
        copy->confidence = word->confidence;
        self->confidence += word->confidence;
        self->weights++;
    }
    if (self->n_words == 0) return;
    self->start = self->words[0].start;
    self->end = self->words[self->n_words - 1].end;
}

void es_said_set(es_said_t *self, const es_engine_result_t *result, uint64_t start, uint64_t end)
{
    bool valid = es_utf8_valid(result->text.ptr, result->text.len);
    self->start = start;
    self->end = end;
    if (result->error.len > 0 || !valid) {
        set_reason(self, valid ? result->error : es_span("the engine's words are not UTF-8"));
        return;
    }
    if (result->text.len == 0) return;
    self->text_len = shortened(result->text, ES_TEXT_MAX);
    self->text = es_alloc_copy(result->text.ptr, self->text_len);
    if (result->n_words > 0) {
        set_words(self, result, start);
    } else {
        self->confidence = result->confidence;
        self->weights = 1;
    }
}

static void join_text(es_said_t *self, const es_said_t *more)
{
    char *text = es_alloc(self->text_len + more->text_len + 2);
    memcpy(text, self->text, self->text_len);
    text[self->text_len] = ' ';
    memcpy(text + self->text_len + 1, more->text, more->text_len);
    size_t len = self->text_len + more->text_len + 1;
    free(self->text);
    self->text = text;
    self->text_len = shortened(es_span_of(text, len), ES_TEXT_MAX);
}

static void join_words(es_said_t *self, es_said_t *more)
{
    if (more->n_words == 0) return;
    es_word_t *words = es_alloc((self->n_words + more->n_words) * sizeof *words);
    if (self->n_words > 0) memcpy(words, self->words, self->n_words * sizeof *words);
    memcpy(words + self->n_words, more->words, more->n_words * sizeof *words);
    free(self->words);
    self->words = words;
    self->n_words += more->n_words;
    more->n_words = 0;
}

void es_said_join(es_said_t *self, es_said_t *more)
{
    if (silent(self)) {
        es_said_fini(self);
        *self = *more;
        *more = (es_said_t){0};
        return;
    }
    if (!silent(more)) {
        if (self->text_len > 0 && more->text_len > 0) {
            join_text(self, more);
        } else if (more->text_len > 0) {
            self->text = more->text;
            self->text_len = more->text_len;
            more->text = NULL;
        }
        join_words(self, more);
        if (!self->reason) {
            self->reason = more->reason;
            more->reason = NULL;
        }
        self->end = more->end;
        self->confidence += more->confidence;
        self->weights += more->weights;
    }
    es_said_fini(more);
}

void es_said_final(es_said_t *self, es_final_t *final, uint64_t cut)
{
    if (silent(self)) {
        final->flags = ES_F_SILENCE;
        final->start = final->end = cut;
        return;
    }
    final->flags = self->reason ? ES_F_FAILED : 0;
    final->text = es_span_of(self->text, self->text_len);
    final->reason = es_span(self->reason);
    final->start = self->start;
    final->end = self->end;
    final->confidence = self->weights ? (uint32_t)(self->confidence / self->weights) : 0;
    if (self->n_words == 0) return;
    if (!self->encoded) self->encoded = es_alloc(ES_WORDS_MAX);
    final->words_len = es_words_encode(self->words, self->n_words, self->encoded, ES_WORDS_MAX);
    final->words = final->words_len > 0 ? self->encoded : NULL;
}
