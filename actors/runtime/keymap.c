#include "keymap.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "wire.h"

enum { SLOTS_MIN = 16 };

typedef struct {
    void *value; /* NULL: free */
    uint64_t hash;
    uint8_t len;
    char key[ES_KEYMAP_KEY];
} slot_t;

struct es_keymap {
    slot_t *slots;
    size_t mask, count; /* at most three quarters full */
    uint64_t seed;
};

static uint64_t mix(uint64_t x)
{
    x ^= x >> 32;
    x *= UINT64_C(0xd6e8feb86659fd93);
    x ^= x >> 32;
    x *= UINT64_C(0xd6e8feb86659fd93);
    return x ^ (x >> 32);
}

uint64_t es_keymap_hash(uint64_t seed, es_span_t key)
{
    uint64_t hash = mix(seed ^ key.len);
    for (size_t i = 0; i < key.len; i += 8) {
        uint64_t word = 0;
        memcpy(&word, key.ptr + i, key.len - i < 8 ? key.len - i : 8);
        hash = mix(hash ^ word) + seed;
    }
    return mix(hash);
}

es_keymap_t *es_keymap_new(void)
{
    es_keymap_t *self = es_alloc_zero(sizeof *self);
    self->slots = es_alloc_zero(SLOTS_MIN * sizeof *self->slots);
    self->mask = SLOTS_MIN - 1;
    self->seed = es_random_u64();
    return self;
}

void es_keymap_destroy(es_keymap_t **self_p)
{
    if (!*self_p) return;
    free((*self_p)->slots);
    free(*self_p);
    *self_p = NULL;
}

/* The slot of the key, or the free one where it would go. */
static size_t find(const es_keymap_t *self, uint64_t hash, es_span_t key)
{
    size_t i = hash & self->mask;
    for (; self->slots[i].value; i = (i + 1) & self->mask) {
        const slot_t *slot = &self->slots[i];
        if (slot->hash == hash && slot->len == key.len && memcmp(slot->key, key.ptr, key.len) == 0) break;
    }
    return i;
}

static bool key_fits(es_span_t key)
{
    return key.len > 0 && key.len <= ES_KEYMAP_KEY;
}

void *es_keymap_get(const es_keymap_t *self, es_span_t key)
{
    if (!key_fits(key)) return NULL;
    return self->slots[find(self, es_keymap_hash(self->seed, key), key)].value;
}

static void grow(es_keymap_t *self)
{
    slot_t *old = self->slots;
    size_t old_slots = self->mask + 1;
    self->slots = es_alloc_zero(2 * old_slots * sizeof *self->slots);
    self->mask = 2 * old_slots - 1;
    for (size_t i = 0; i < old_slots; i++)
        if (old[i].value) self->slots[find(self, old[i].hash, es_span_of(old[i].key, old[i].len))] = old[i];
    free(old);
}

void es_keymap_put(es_keymap_t *self, es_span_t key, void *value)
{
    assert(key_fits(key) && value);
    if (4 * (self->count + 1) > 3 * (self->mask + 1)) grow(self);
    uint64_t hash = es_keymap_hash(self->seed, key);
    slot_t *slot = &self->slots[find(self, hash, key)];
    assert(!slot->value);
    *slot = (slot_t){.value = value, .hash = hash, .len = (uint8_t)key.len};
    memcpy(slot->key, key.ptr, key.len);
    self->count++;
}

/* Moves later entries of the probe sequence into the hole, so that no search stops at it. */
static void close_hole(es_keymap_t *self, size_t hole)
{
    for (size_t i = (hole + 1) & self->mask; self->slots[i].value; i = (i + 1) & self->mask) {
        size_t home = self->slots[i].hash & self->mask;
        if (((i - home) & self->mask) < ((i - hole) & self->mask)) continue;
        self->slots[hole] = self->slots[i];
        hole = i;
    }
    self->slots[hole].value = NULL;
}

void *es_keymap_remove(es_keymap_t *self, es_span_t key)
{
    if (!key_fits(key)) return NULL;
    size_t i = find(self, es_keymap_hash(self->seed, key), key);
    void *value = self->slots[i].value;
    if (!value) return NULL;
    close_hole(self, i);
    self->count--;
    return value;
}

size_t es_keymap_count(const es_keymap_t *self)
{
    return self->count;
}

void *es_keymap_next(const es_keymap_t *self, size_t *at)
{
    while (*at <= self->mask) {
        void *value = self->slots[(*at)++].value;
        if (value) return value;
    }
    return NULL;
}
