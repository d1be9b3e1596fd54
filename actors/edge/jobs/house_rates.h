/* How fast counters grow that others say now and then, each by its key (an incarnation). Several may say the same counter, some a little later: only growth counts. Pure. */
#ifndef ES_HOUSE_RATES_H
#define ES_HOUSE_RATES_H

#include "keymap.h"

typedef struct es_house_rates es_house_rates_t;

es_house_rates_t *es_house_rates_new(void);
void es_house_rates_destroy(es_house_rates_t **self_p);
/* The counter stands at `count`. Returns by how much it has grown since it was said last; 0 the first time. */
uint64_t es_house_rates_take(es_house_rates_t *self, es_span_t key, uint64_t count, uint64_t now_us);
/* Growth a second over the last seconds; 0 where it is not known yet. */
double es_house_rates_of(const es_house_rates_t *self, es_span_t key);
/* Forgets counters that nobody has said for 10 s. */
void es_house_rates_trim(es_house_rates_t *self, uint64_t now_us);

#endif
