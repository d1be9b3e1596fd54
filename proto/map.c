#include "map.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

enum { ES_MAP_INITIAL = 64 }; /* slots; always a power of two */

typedef struct {
    uint64_t hash;
    es_span_t key;
    void *value; /* NULL: free */
} slot_t;

struct es_map {
    slot_t *slots;
    size_t mask, count;
    uint64_t k0, k1;
};

static inline uint64_t rotl(uint64_t x, unsigned n)
{
    return (x << n) | (x >> (64 - n));
}

typedef struct {
    uint64_t v0, v1, v2, v3;
} sip_t;

static inline void sip_round(sip_t *s)
{
    s->v0 += s->v1;
    s->v1 = rotl(s->v1, 13) ^ s->v0;
    s->v0 = rotl(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = rotl(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = rotl(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = rotl(s->v1, 17) ^ s->v2;
    s->v2 = rotl(s->v2, 32);
}

static inline void sip_word(sip_t *s, uint64_t word)
{
    s->v3 ^= word;
    sip_round(s);
    s->v0 ^= word;
}

uint64_t es_map_hash(const es_map_t *self, es_span_t key)
{
    sip_t s = {UINT64_C(0x736f6d6570736575) ^ self->k0, UINT64_C(0x646f72616e646f6d) ^ self->k1,
               UINT64_C(0x6c7967656e657261) ^ self->k0, UINT64_C(0x7465646279746573) ^ self->k1};
    size_t i = 0;
    for (; i + 8 <= key.len; i += 8) {
        uint64_t word;
        memcpy(&word, key.ptr + i, 8);
        sip_word(&s, word);
    }
    uint64_t last = (uint64_t)key.len << 56;
    for (unsigned shift = 0; i < key.len; i++, shift += 8) last |= (uint64_t)(unsigned char)key.ptr[i] << shift;
    sip_word(&s, last);
    s.v2 ^= 0xff;
    sip_round(&s);
    sip_round(&s);
    sip_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

es_map_t *es_map_new(uint64_t seed)
{
    es_map_t *self = es_alloc_zero(sizeof *self);
    self->slots = es_alloc_zero(ES_MAP_INITIAL * sizeof *self->slots);
    self->mask = ES_MAP_INITIAL - 1;
    self->k0 = seed;
    self->k1 = rotl(seed, 29) * UINT64_C(0x9e3779b97f4a7c15);
    return self;
}

void es_map_destroy(es_map_t **self_p)
{
    if (!self_p || !*self_p) return;
    free((*self_p)->slots);
    free(*self_p);
    *self_p = NULL;
}

/* The slot of the key, or the free one where it would go. */
static slot_t *probe(const es_map_t *self, uint64_t hash, es_span_t key)
{
    size_t i = hash & self->mask;
    while (self->slots[i].value && !(self->slots[i].hash == hash && es_span_eq(self->slots[i].key, key)))
        i = (i + 1) & self->mask;
    return &self->slots[i];
}

void *es_map_get(const es_map_t *self, es_span_t key)
{
    return probe(self, es_map_hash(self, key), key)->value;
}

static void grow(es_map_t *self)
{
    slot_t *old = self->slots;
    size_t n = self->mask + 1;
    self->mask = n * 2 - 1;
    self->slots = es_alloc_zero(n * 2 * sizeof *self->slots);
    for (size_t i = 0; i < n; i++)
        if (old[i].value) *probe(self, old[i].hash, old[i].key) = old[i];
    free(old);
}

void es_map_put(es_map_t *self, es_span_t key, void *value)
{
    assert(value);
    if ((self->count + 1) * 2 > self->mask) grow(self);
    uint64_t hash = es_map_hash(self, key);
    slot_t *slot = probe(self, hash, key);
    assert(!slot->value);
    *slot = (slot_t){.hash = hash, .key = key, .value = value};
    self->count++;
}

void *es_map_remove(es_map_t *self, es_span_t key)
{
    slot_t *slot = probe(self, es_map_hash(self, key), key);
    void *value = slot->value;
    if (!value) return NULL;
    size_t hole = (size_t)(slot - self->slots);
    for (size_t i = (hole + 1) & self->mask; self->slots[i].value; i = (i + 1) & self->mask) {
        size_t home = self->slots[i].hash & self->mask;
        if (((i - home) & self->mask) < ((i - hole) & self->mask)) continue; /* hole lies before its home */
        self->slots[hole] = self->slots[i];
        hole = i;
    }
    self->slots[hole].value = NULL;
    self->count--;
    return value;
}

size_t es_map_count(const es_map_t *self)
{
    return self->count;
}
