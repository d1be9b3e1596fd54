#include "house_rates.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"

static const uint64_t window_us = 2000000, forgotten_us = 10000000;

typedef struct {
    char key[ES_KEYMAP_KEY + 1];
    uint64_t count, heard_us;
    uint64_t base, base_us; /* where the window began */
    double rate;
} counter_t;

struct es_house_rates {
    es_keymap_t *by_key;
};

es_house_rates_t *es_house_rates_new(void)
{
    es_house_rates_t *self = es_alloc_zero(sizeof *self);
    self->by_key = es_keymap_new();
    return self;
}

static void forget(es_house_rates_t *self, counter_t *counter)
{
    es_keymap_remove(self->by_key, es_span(counter->key));
    free(counter);
}

void es_house_rates_destroy(es_house_rates_t **self_p)
{
    es_house_rates_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    counter_t *counter;
    for (size_t at = 0; (counter = es_keymap_next(self->by_key, &at)); at = 0) forget(self, counter);
    es_keymap_destroy(&self->by_key);
    free(self);
}

static void begin(es_house_rates_t *self, es_span_t key, uint64_t count, uint64_t now_us)
{
    counter_t *counter = es_alloc_zero(sizeof *counter);
    memcpy(counter->key, key.ptr, key.len);
    counter->count = counter->base = count;
    counter->heard_us = counter->base_us = now_us;
    es_keymap_put(self->by_key, key, counter);
}

uint64_t es_house_rates_take(es_house_rates_t *self, es_span_t key, uint64_t count, uint64_t now_us)
{
    if (key.len == 0 || key.len > ES_KEYMAP_KEY) return 0;
    counter_t *counter = es_keymap_get(self->by_key, key);
    if (!counter) {
        begin(self, key, count, now_us);
        return 0;
    }
    uint64_t grown = count > counter->count ? count - counter->count : 0;
    counter->count += grown;
    counter->heard_us = now_us;
    uint64_t passed = now_us - counter->base_us;
    if (passed < window_us) return grown;
    counter->rate = (double)(counter->count - counter->base) * 1e6 / (double)passed;
    counter->base = counter->count;
    counter->base_us = now_us;
    return grown;
}

double es_house_rates_of(const es_house_rates_t *self, es_span_t key)
{
    if (key.len == 0 || key.len > ES_KEYMAP_KEY) return 0;
    const counter_t *counter = es_keymap_get(self->by_key, key);
    return counter ? counter->rate : 0;
}

/* Taking out ends the iteration; the next call goes on. */
void es_house_rates_trim(es_house_rates_t *self, uint64_t now_us)
{
    counter_t *counter;
    for (size_t at = 0; (counter = es_keymap_next(self->by_key, &at));) {
        if (now_us < counter->heard_us + forgotten_us) continue;
        forget(self, counter);
        return;
    }
}
