/* Counts words, and tells which are most frequent. Pure. */
#ifndef ES_FREQUENCY_H
#define ES_FREQUENCY_H

#include "envelope.h"

typedef struct es_frequency es_frequency_t;

typedef struct {
    const char *first, *second; /* second NULL: a single word */
    uint64_t count;
} es_frequent_t;

es_frequency_t *es_frequency_new(void);
void es_frequency_destroy(es_frequency_t **self_p);
/* A word, or a pair. Texts are not copied: they must live as long as this. At most 60 bytes each. */
void es_frequency_add(es_frequency_t *self, const char *first, const char *second);
/* The most frequent ones that came at least `least` times, at most max; among equals those that came first. Returns how many. */
size_t es_frequency_top(const es_frequency_t *self, uint64_t least, es_frequent_t *out, size_t max);

#endif
