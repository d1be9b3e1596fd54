/* Provisional words of segments that are still being spoken, from decoders used for nothing else. Best effort: a fixed number of segments at a time, the
 * others go without; dropped where decoders cannot keep up. Never delays a final (these decoders are nicer). One thread. */
#ifndef ES_PARTIALS_H
#define ES_PARTIALS_H

#include "loop.h"
#include "metrics.h"
#include "zygote.h"

typedef struct es_partials es_partials_t;

/* Words so far of that owner's segment; spans valid during the call. `samples`: how much of the segment they come from. */
typedef void (*es_partials_fn)(void *owner, es_span_t text, size_t samples);

/* slots: segments at a time, at most ES_ZYGOTE_CHILDREN / 2. */
es_partials_t *es_partials_new(uint32_t slots, es_zygote_t *zygote, es_loop_t *loop, es_partials_fn fn);
void es_partials_destroy(es_partials_t **self_p);
/* The owner's open segment, from its start to what was heard: feeds what is new. `start` tells segments apart. Nothing happens where no slot is free or
 * the owner's was dropped for this segment. */
void es_partials_hear(es_partials_t *self, void *owner, uint64_t start, const int16_t *pcm, size_t samples);
/* The owner's segment is over. */
void es_partials_end(es_partials_t *self, const void *owner);

es_metric_t *const *es_partials_metrics(void);

#endif
