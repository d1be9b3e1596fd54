#include "speech.h"

#include <stdlib.h>

#include "alloc.h"

typedef struct {
    uint64_t start_ms, end_ms;
    size_t word;
} stretch_t;

static int by_start(const void *a, const void *b)
{
    const stretch_t *x = a, *y = b;
    if (x->start_ms != y->start_ms) return x->start_ms < y->start_ms ? -1 : 1;
    return x->word < y->word ? -1 : x->word > y->word;
}

static void note_pause(const es_pause_t *pause, es_pause_t *longest, size_t max, size_t *found)
{
    if (max == 0 || (*found == max && longest[max - 1].length_ms >= pause->length_ms)) return;
    size_t at = *found < max ? (*found)++ : max - 1;
    for (; at > 0 && longest[at - 1].length_ms < pause->length_ms; at--) longest[at] = longest[at - 1];
    longest[at] = *pause;
}

static stretch_t *stretches(const es_document_t *doc)
{
    stretch_t *list = es_alloc((doc->n_words + 1) * sizeof *list);
    for (size_t i = 0; i < doc->n_words; i++)
        list[i] = (stretch_t){.start_ms = doc->words[i].start_ms, .end_ms = doc->words[i].end_ms, .word = i};
    qsort(list, doc->n_words, sizeof *list, by_start);
    return list;
}

es_speech_t es_speech_measure(const es_document_t *doc, es_pause_t *longest, size_t max, size_t *found)
{
    es_speech_t out = {.speech_ms = 0};
    *found = 0;
    if (doc->n_words == 0) return out;
    stretch_t *list = stretches(doc), run = list[0];
    for (size_t i = 1; i < doc->n_words; i++) {
        const stretch_t *next = &list[i];
        if (next->start_ms >= run.end_ms + ES_PAUSE_MS) {
            es_pause_t pause = {.start_ms = run.end_ms, .length_ms = next->start_ms - run.end_ms, .word = run.word};
            out.pauses++;
            out.speech_ms += run.end_ms - run.start_ms;
            note_pause(&pause, longest, max, found);
            run = *next;
            continue;
        }
        run.word = next->word;
        if (next->end_ms > run.end_ms) run.end_ms = next->end_ms;
    }
    out.speech_ms += run.end_ms - run.start_ms;
    free(list);
    return out;
}
