/* Words of a segment as captions that can be read: lines of at most ES_CUE_LINE characters, ES_CUE_LINES of them, for at most ES_CUE_MS. Pure. */
#ifndef ES_CUES_H
#define ES_CUES_H

#include "catalogue.h"
#include "text_buf.h"

typedef struct {
    uint64_t start_ms, end_ms;
    es_span_t text; /* its lines, with line feeds between */
} es_cue_t;

/* Words in order; those that are longer than a line are cut. Calls fn for each cue; text is valid during the call. */
void es_cues_make(const es_word_t *words, size_t n, void (*fn)(void *arg, const es_cue_t *cue), void *arg);
/* Text without times of its words, spread evenly by characters from start to end (samples). At most max words; returns the count. */
size_t es_cues_spread(es_span_t text, uint64_t start, uint64_t end, es_word_t *words, size_t max);

#endif
