/* What was said in one or more segments, on the stream's clock, on its way into a final. */
#ifndef ES_SAID_H
#define ES_SAID_H

#include "engine.h"
#include "stream_receiver.h"

/* All zero is "nothing". Owns what it points to. */
typedef struct {
    char *text; /* UTF-8, at most ES_TEXT_MAX bytes */
    size_t text_len;
    char *reason; /* why a segment failed; NULL: none did */
    es_word_t *words;
    size_t n_words;
    uint64_t start, end;          /* of speech */
    uint64_t confidence, weights; /* sum, and of how many */
    char *encoded;                /* words, for the final */
} es_said_t;

/* What an engine said of the segment [start, end). *self was empty. Copies. */
void es_said_set(es_said_t *self, const es_engine_result_t *result, uint64_t start, uint64_t end);
/* Appends `more`, which is left empty. */
void es_said_join(es_said_t *self, es_said_t *more);
/* Fills text, words, reason, times, flags and confidence of *final; where nothing was said, silence at `cut`. Spans point into self. */
void es_said_final(es_said_t *self, es_final_t *final, uint64_t cut);
/* Frees, leaves it empty. */
void es_said_fini(es_said_t *self);

#endif
