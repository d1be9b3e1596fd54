/* What is said between the words, and what says nothing about the matter: filler words and stop words by language. Pure.
 *
 * Whether "like" fills or compares cannot be told from the word; it is counted. */
#ifndef ES_VOCABULARY_H
#define ES_VOCABULARY_H

#include "envelope.h"

typedef struct es_vocabulary es_vocabulary_t;

/* Of a language tag ("en", "de-CH"); absent: English. A language without a table has no such words. */
es_vocabulary_t *es_vocabulary_new(const char *language);
void es_vocabulary_destroy(es_vocabulary_t **self_p);
bool es_vocabulary_stops(const es_vocabulary_t *self, const char *word);
/* How many of the words, of which `next` (NULL: none) follows `word`, are one filler: 0, 1, or 2 for "you know". */
unsigned es_vocabulary_fills(const es_vocabulary_t *self, const char *word, const char *next);

#endif
