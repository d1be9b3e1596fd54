#include "room_caption.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

/* The words of a text without times. Returns the count. */
static size_t split(es_span_t text, es_word_t words[ES_ROOM_WORDS_MAX])
{
    size_t n = 0, i = 0;
    while (i < text.len && n < ES_ROOM_WORDS_MAX) {
        while (i < text.len && blank(text.ptr[i])) i++;
        size_t begin = i;
        while (i < text.len && !blank(text.ptr[i])) i++;
        if (i > begin) words[n++] = (es_word_t){.text = es_span_of(text.ptr + begin, i - begin)};
    }
    return n;
}

static void spread(es_word_t *words, size_t n, uint64_t start, uint64_t end)
{
    uint64_t each = n > 0 ? (end - start) / n : 0;
    for (size_t i = 0; i < n; i++) {
        words[i].start = start + i * each;
        words[i].end = words[i].start + each;
    }
}

static bool is_new(const es_word_t *word, uint64_t until)
{
    return word->start / 2 + word->end / 2 >= until;
}

static size_t append(char out[ES_TEXT_MAX], size_t len, es_span_t word)
{
    size_t gap = len > 0 ? 1 : 0;
    if (word.len == 0 || len + gap + word.len > ES_TEXT_MAX) return len;
    if (gap) out[len] = ' ';
    memcpy(out + len + gap, word.ptr, word.len);
    return len + gap + word.len;
}

void es_room_caption_cut(es_room_caption_t *caption, const es_word_t *words, size_t n, uint64_t until,
                         char out[ES_TEXT_MAX])
{
    es_word_t *own = NULL;
    if (n == 0) {
        words = own = es_alloc(ES_ROOM_WORDS_MAX * sizeof *own);
        n = split(caption->text, own);
        spread(own, n, caption->start, caption->end);
    }
    size_t len = 0;
    uint64_t start = 0;
    for (size_t i = 0; i < n; i++) {
        if (!is_new(&words[i], until)) continue;
        if (len == 0) start = words[i].start;
        len = append(out, len, words[i].text);
    }
    caption->text = es_span_of(out, len);
    caption->start = len > 0 && start > until && start <= caption->end ? start : until;
    free(own);
}
