#include "speakers.h"

#include <stdlib.h>

#include "alloc.h"
#include "keymap.h"

typedef struct {
    es_speaker_t speaker;
    size_t number; /* in the order of coming */
} entry_t;

static int by_speech(const void *a, const void *b)
{
    const entry_t *x = *(entry_t *const *)a, *y = *(entry_t *const *)b;
    if (x->speaker.speech_ms != y->speaker.speech_ms) return x->speaker.speech_ms > y->speaker.speech_ms ? -1 : 1;
    return x->number < y->number ? -1 : 1;
}

static entry_t *entry_of(es_keymap_t *map, const char *name)
{
    entry_t *entry = es_keymap_get(map, es_span(name));
    if (entry) return entry;
    entry = es_alloc_zero(sizeof *entry);
    *entry = (entry_t){.speaker.name = name, .number = es_keymap_count(map)};
    es_keymap_put(map, es_span(name), entry);
    return entry;
}

size_t es_speakers_measure(const es_document_t *doc, es_speaker_t *out, size_t max, uint64_t *all_ms)
{
    es_keymap_t *map = es_keymap_new();
    *all_ms = 0;
    for (size_t i = 0; i < doc->n_segments; i++) {
        const es_document_segment_t *segment = &doc->segments[i];
        if (!segment->speaker) continue;
        es_speaker_t *speaker = &entry_of(map, segment->speaker)->speaker;
        speaker->speech_ms += segment->end_ms - segment->start_ms;
        speaker->words += segment->words;
        *all_ms += segment->end_ms - segment->start_ms;
    }
    size_t count = es_keymap_count(map), n = 0;
    entry_t **list = es_alloc((count + 1) * sizeof(void *));
    for (size_t at = 0; n < count; n++) list[n] = es_keymap_next(map, &at);
    qsort(list, count, sizeof(void *), by_speech);
    for (size_t i = 0; i < count; i++) {
        if (i < max) out[i] = list[i]->speaker;
        free(list[i]);
    }
    free(list);
    es_keymap_destroy(&map);
    return count < max ? count : max;
}
