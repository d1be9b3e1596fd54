#include "engine.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "envelope.h"

static uint64_t mix(uint64_t x)
{
    x ^= x >> 30;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    x ^= x >> 27;
    x *= UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

void engine_begin(engine_t *self, uint64_t base, uint64_t carry, uint32_t max_segment, uint64_t whim)
{
    self->committed = base;
    self->carry = carry;
    self->whim = whim;
    self->max_segment = max_segment;
    self->n = self->seen = 0;
}

bool engine_silent(uint32_t word, uint8_t flags)
{
    return (flags & ES_F_MARK) || (word & 3) == 0;
}

void engine_append(char text[ENGINE_TEXT], uint32_t word, uint8_t flags)
{
    static const char digits[] = "0123456789abcdef";
    if (engine_silent(word, flags)) return;
    size_t at = strlen(text);
    assert(at + 10 < ENGINE_TEXT);
    if (at > 0) text[at++] = ' ';
    for (int shift = 28; shift >= 0; shift -= 4) text[at++] = digits[word >> shift & 15];
    text[at] = '\0';
}

void engine_feed(engine_t *self, uint32_t word, uint8_t flags, uint64_t pos)
{
    assert(self->n < (int)(sizeof self->items / sizeof self->items[0]));
    self->items[self->n++] = (engine_item_t){.word = word, .flags = flags, .pos = pos};
}

static bool all_silent(const engine_t *self)
{
    for (int i = 0; i < self->seen; i++)
        if (!engine_silent(self->items[i].word, self->items[i].flags)) return false;
    return true;
}

/* How many frames a final covers now that `seen` frames are known; 0: none yet. */
static int cut(const engine_t *self)
{
    uint64_t h = mix(self->carry ^ self->whim);
    int length = 1 + (int)(h % self->max_segment), ahead = (int)(h >> 20 & 0xff) % (ENGINE_AHEAD_MAX + 1);
    uint8_t flags = self->items[self->seen - 1].flags;
    if (flags & ES_F_EOS) return self->seen;
    if ((flags & ES_F_MARK) && all_silent(self)) return self->seen;
    return self->seen == length + ahead ? length : 0;
}

static void cover(engine_t *self, int n, engine_final_t *out)
{
    out->text[0] = '\0';
    out->start = self->items[0].pos;
    out->end = self->items[n - 1].pos;
    for (int i = 0; i < n; i++) {
        engine_append(out->text, self->items[i].word, self->items[i].flags);
        self->carry = mix(self->carry * 31 + self->items[i].word + 1);
    }
    self->committed += (uint64_t)n;
    self->n -= n;
    memmove(self->items, self->items + n, (size_t)self->n * sizeof self->items[0]);
    self->seen = 0;
    out->to_seq = self->committed;
    out->carry = self->carry;
    out->silence = out->text[0] == '\0';
}

bool engine_next(engine_t *self, engine_final_t *out)
{
    while (self->seen < self->n) {
        self->seen++;
        int n = cut(self);
        if (n == 0) continue;
        cover(self, n, out);
        return true;
    }
    return false;
}
