/* Words a minute over time. Pure. */
#ifndef ES_PACE_H
#define ES_PACE_H

#include "document.h"

#define ES_PACE_BUCKETS_MAX 120u

typedef struct {
    uint64_t width_ms; /* of all but the last, which may be up to half longer or shorter */
    size_t count;      /* 0: the recording has no length */
    uint64_t words[ES_PACE_BUCKETS_MAX];
} es_pace_t;

/* Buckets of 10 s, 30 s, 1 min ... as short as their number allows. A word counts where it begins. */
void es_pace_measure(es_pace_t *out, const es_document_t *doc);
/* Where bucket number i ends. */
uint64_t es_pace_end(const es_pace_t *self, size_t i, uint64_t duration_ms);

#endif
