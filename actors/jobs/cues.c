#include "cues.h"

#include <string.h>

#include "transcript_format.h"

typedef struct {
    void (*fn)(void *arg, const es_cue_t *cue);
    void *arg;
    es_text_buf_t text;
    size_t lines, width; /* of the last line, in characters */
    uint64_t start, end; /* samples */
} cue_t;

static uint64_t ms_of(uint64_t samples)
{
    return samples / 16;
}

static bool continues(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

static size_t characters(es_span_t text)
{
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) n += !continues(text.ptr[i]);
    return n;
}

/* Bytes of the first `count` characters. */
static size_t bytes_of(es_span_t text, size_t count)
{
    size_t i = 0;
    for (size_t n = 0; i < text.len; i++)
        if (!continues(text.ptr[i]) && n++ == count) break;
    return i;
}

static void flush(cue_t *cue)
{
    if (cue->lines == 0) return;
    const es_cue_t told = {
        .start_ms = ms_of(cue->start), .end_ms = ms_of(cue->end), .text = es_span_of(cue->text.ptr, cue->text.len)};
    cue->fn(cue->arg, &told);
    cue->text.len = 0;
    cue->lines = cue->width = 0;
}

static void put(cue_t *cue, const es_word_t *word, size_t width)
{
    bool fits = cue->lines > 0 && cue->width + 1 + width <= ES_CUE_LINE;
    if (cue->lines > 0 && (ms_of(word->end) > ms_of(cue->start) + ES_CUE_MS || (!fits && cue->lines == ES_CUE_LINES))) {
        flush(cue);
        fits = false;
    }
    if (cue->lines == 0) cue->start = word->start;
    if (fits) {
        es_text_buf_str(&cue->text, " ");
        cue->width++;
    } else {
        if (cue->lines++ > 0) es_text_buf_str(&cue->text, "\n");
        cue->width = 0;
    }
    es_text_buf_add(&cue->text, word->text.ptr, word->text.len);
    cue->width += width;
    if (word->end > cue->start + (uint64_t)ES_CUE_MS * 16)
        cue->end = cue->start + (uint64_t)ES_CUE_MS * 16;
    else
        cue->end = word->end > cue->start ? word->end : cue->start;
}

void es_cues_make(const es_word_t *words, size_t n, void (*fn)(void *arg, const es_cue_t *cue), void *arg)
{
    cue_t cue = {.fn = fn, .arg = arg};
    for (size_t i = 0; i < n; i++) {
        es_word_t word = words[i];
        size_t width = characters(word.text);
        while (width > ES_CUE_LINE) {
            size_t len = bytes_of(word.text, ES_CUE_LINE);
            es_word_t part = word;
            part.text.len = len;
            put(&cue, &part, ES_CUE_LINE);
            word.text = es_span_of(word.text.ptr + len, word.text.len - len);
            width -= ES_CUE_LINE;
        }
        if (width > 0) put(&cue, &word, width);
    }
    flush(&cue);
    es_text_buf_fini(&cue.text);
}

static bool blank(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

size_t es_cues_spread(es_span_t text, uint64_t start, uint64_t end, es_word_t *words, size_t max)
{
    size_t n = 0, i = 0;
    uint64_t span = end > start ? end - start : 0;
    while (n < max) {
        while (i < text.len && blank(text.ptr[i])) i++;
        size_t from = i;
        while (i < text.len && !blank(text.ptr[i])) i++;
        if (i == from) break;
        words[n++] = (es_word_t){.text = es_span_of(text.ptr + from, i - from),
                                 .start = start + span * from / text.len,
                                 .end = start + span * i / text.len};
    }
    return n;
}
