#include "decoder_wire.h"

#include <string.h>

#include "alloc.h"

/* Then n_words of word_t, then the text, the error and the words' texts, one after another. */
typedef struct {
    uint32_t confidence, text_len, error_len, n_words;
} result_t;

typedef struct {
    uint64_t start, end;
    uint32_t confidence, len;
} word_t;

static char *append(char *to, const void *from, size_t len)
{
    if (len > 0) memcpy(to, from, len);
    return to + len;
}

void *es_dw_pack(const es_engine_result_t *result, size_t *len)
{
    size_t n = result->n_words < ES_ENGINE_WORDS_MAX ? result->n_words : ES_ENGINE_WORDS_MAX;
    result_t head = {.confidence = result->confidence,
                     .text_len = (uint32_t)result->text.len,
                     .error_len = (uint32_t)result->error.len,
                     .n_words = (uint32_t)n};
    *len = sizeof head + n * sizeof(word_t) + result->text.len + result->error.len;
    for (size_t i = 0; i < n; i++) *len += result->words[i].text.len;
    char *data = es_alloc(*len), *to = append(data, &head, sizeof head);
    for (size_t i = 0; i < n; i++) {
        const es_word_t *word = &result->words[i];
        word_t flat = {word->start, word->end, word->confidence, (uint32_t)word->text.len};
        to = append(to, &flat, sizeof flat);
    }
    to = append(to, result->text.ptr, result->text.len);
    to = append(to, result->error.ptr, result->error.len);
    for (size_t i = 0; i < n; i++) to = append(to, result->words[i].text.ptr, result->words[i].text.len);
    return data;
}

/* The next len bytes, or an empty span where there are not so many; *failed stays set. */
static es_span_t take(es_span_t *rest, size_t len, bool *failed)
{
    if (len > rest->len) *failed = true;
    if (*failed || len == 0) return (es_span_t){0};
    es_span_t taken = es_span_of(rest->ptr, len);
    rest->ptr += len;
    rest->len -= len;
    return taken;
}

int es_dw_unpack(const void *data, size_t len, es_engine_result_t *out, es_word_t words[ES_ENGINE_WORDS_MAX])
{
    result_t head;
    bool failed = false;
    if (len < sizeof head) return -1;
    memcpy(&head, data, sizeof head);
    es_span_t rest = es_span_of((const char *)data + sizeof head, len - sizeof head);
    if (head.n_words > ES_ENGINE_WORDS_MAX || head.n_words * sizeof(word_t) > rest.len) return -1;
    es_span_t flat = take(&rest, head.n_words * sizeof(word_t), &failed);
    *out = (es_engine_result_t){.words = words, .n_words = head.n_words, .confidence = head.confidence};
    out->text = take(&rest, head.text_len, &failed);
    out->error = take(&rest, head.error_len, &failed);
    for (size_t i = 0; flat.ptr && i < head.n_words && !failed; i++) {
        word_t word;
        memcpy(&word, flat.ptr + i * sizeof word, sizeof word);
        words[i] = (es_word_t){take(&rest, word.len, &failed), word.start, word.end, word.confidence};
    }
    return failed || rest.len > 0 ? -1 : 0;
}
