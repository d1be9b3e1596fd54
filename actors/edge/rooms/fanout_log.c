#include "fanout_log.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "frame_buf.h"

enum { CHUNK_MIN = 2048, CHUNK_MAX = 65536, PLACES_MIN = 64 };

typedef struct chunk {
    struct chunk *next;
    uint64_t begin; /* place of its first byte */
    size_t len, cap;
    uint8_t *data;
    uint8_t memory[]; /* headroom, then data: a write may use the bytes before it */
} chunk_t;

struct es_fanout_log {
    chunk_t *oldest, *newest;
    uint64_t end;
    uint64_t first_rseq; /* places[head + i] is where event first_rseq + i begins */
    uint64_t *places;
    size_t head, count, cap;
};

es_fanout_log_t *es_fanout_log_new(void)
{
    return es_alloc_zero(sizeof(es_fanout_log_t));
}

void es_fanout_log_destroy(es_fanout_log_t **self_p)
{
    es_fanout_log_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    for (chunk_t *chunk = self->oldest, *next; chunk; chunk = next) {
        next = chunk->next;
        free(chunk);
    }
    free(self->places);
    free(self);
}

/* Each chunk is twice the one before, up to the largest: a quiet room costs little. */
static chunk_t *chunk_for(es_fanout_log_t *self, size_t len)
{
    chunk_t *newest = self->newest;
    if (newest && newest->cap - newest->len >= len) return newest;
    size_t cap = newest ? newest->cap * 2 : CHUNK_MIN;
    if (cap > CHUNK_MAX) cap = CHUNK_MAX;
    if (cap < len) cap = len;
    chunk_t *chunk = es_alloc(sizeof *chunk + ES_FRAME_HEADROOM + cap);
    *chunk = (chunk_t){.begin = self->end, .cap = cap, .data = chunk->memory + ES_FRAME_HEADROOM};
    if (newest)
        newest->next = chunk;
    else
        self->oldest = chunk;
    return self->newest = chunk;
}

static void note(es_fanout_log_t *self, uint64_t rseq)
{
    if (self->count && rseq != self->first_rseq + self->count) es_fanout_log_forget_numbers(self);
    if (!self->count) self->first_rseq = rseq;
    if (self->head + self->count == self->cap) {
        if (self->head > self->cap / 2) {
            memmove(self->places, self->places + self->head, self->count * sizeof *self->places);
        } else {
            self->cap = self->cap ? self->cap * 2 : PLACES_MIN;
            uint64_t *places = es_alloc(self->cap * sizeof *places);
            if (self->count) memcpy(places, self->places + self->head, self->count * sizeof *places);
            free(self->places);
            self->places = places;
        }
        self->head = 0;
    }
    self->places[self->head + self->count++] = self->end;
}

void es_fanout_log_append(es_fanout_log_t *self, const void *frame, size_t len, uint64_t rseq)
{
    assert(len > 0 && len <= ES_FANOUT_FRAME_MAX);
    chunk_t *chunk = chunk_for(self, len);
    if (rseq) note(self, rseq);
    memcpy(chunk->data + chunk->len, frame, len);
    chunk->len += len;
    self->end += len;
}

bool es_fanout_log_find(const es_fanout_log_t *self, uint64_t rseq, uint64_t *place)
{
    if (!self->count || rseq < self->first_rseq || rseq > self->first_rseq + self->count) return false;
    uint64_t i = rseq - self->first_rseq;
    *place = i == self->count ? self->end : self->places[self->head + i];
    return true;
}

uint64_t es_fanout_log_begin(const es_fanout_log_t *self)
{
    return self->oldest ? self->oldest->begin : self->end;
}

uint64_t es_fanout_log_end(const es_fanout_log_t *self)
{
    return self->end;
}

size_t es_fanout_log_read(const es_fanout_log_t *self, uint64_t place, const uint8_t **out)
{
    if (place >= self->end) return 0;
    /* Most members are at the end. */
    const chunk_t *chunk = self->newest;
    if (place < chunk->begin)
        for (chunk = self->oldest; place >= chunk->begin + chunk->len;) chunk = chunk->next;
    assert(place >= chunk->begin);
    size_t skip = (size_t)(place - chunk->begin);
    *out = chunk->data + skip;
    return chunk->len - skip;
}

static void drop_oldest(es_fanout_log_t *self)
{
    chunk_t *gone = self->oldest;
    self->oldest = gone->next;
    free(gone);
    uint64_t begin = self->oldest->begin;
    while (self->count && self->places[self->head] < begin) {
        self->head++;
        self->count--;
        self->first_rseq++;
    }
}

void es_fanout_log_trim(es_fanout_log_t *self, uint64_t needed, size_t keep, size_t max)
{
    while (self->oldest != self->newest) {
        uint64_t size = self->end - self->oldest->begin, rest = self->end - self->oldest->next->begin;
        bool idle = rest > keep && needed >= self->oldest->next->begin;
        if (!idle && size <= max) break;
        drop_oldest(self);
    }
}

void es_fanout_log_forget_numbers(es_fanout_log_t *self)
{
    self->head = self->count = 0;
}
