#include "segmenter.h"

#include <string.h>

enum {
    FLOOR_MIN = 18000,       /* thousandths of a dB: faint hiss and digital silence are the same */
    FLOOR_FIRST_MAX = 50000, /* a stream may begin in the middle of a word: down is learned fast, up is not */
    DEAD = 10000,            /* no microphone is so quiet: muted, or not yet begun; says nothing about the room */
    FLOOR_RISE = 20,         /* a frame: 1 dB a second */
    FLOOR_MAX = 100000,
    ABOVE = 9000, /* speech is so far above the floor */
    VERSION = 1,
    AHEAD_MAX = 120 * ES_SEG_RATE /* the analysis may be ahead of the retained audio: a frame of a minute, a segment */
};
#define POSITION_MAX (UINT64_C(1) << 60)

void es_segmenter_init(es_segmenter_t *self, uint64_t pos)
{
    memset(self, 0, sizeof *self);
    self->at = self->said = self->start = pos;
    self->floor = -1;
}

/* 1000 * 10 * log10(value), from the binary logarithm with 16 bits behind the point, found by squaring. */
static int32_t decibel(uint64_t value)
{
    if (value < 2) return 0;
    uint32_t whole = 63u - (uint32_t)__builtin_clzll(value);
    uint64_t x = whole > 31 ? value >> (whole - 31) : value << (31 - whole); /* 1.31 fixed point, 1 <= x < 2 */
    uint32_t part = 0;
    for (int bit = 0; bit < 16; bit++) {
        x = x * x >> 31;
        part <<= 1;
        if (x >> 32) {
            part |= 1;
            x >>= 1;
        }
    }
    return (int32_t)(((uint64_t)whole << 16 | part) * 301030 / 6553600);
}

static int32_t energy(const es_segmenter_t *self)
{
    uint64_t total = self->squares * ES_SEG_FRAME - (uint64_t)((int64_t)self->sum * self->sum);
    return decibel(total / ((uint64_t)ES_SEG_FRAME * ES_SEG_FRAME));
}

/* Is this frame speech? Moves the floor. */
static bool speech(es_segmenter_t *self, int32_t level)
{
    if (level < DEAD) return false;
    if (self->floor < 0) self->floor = level < FLOOR_FIRST_MAX ? level : FLOOR_FIRST_MAX;
    bool above = level > self->floor + ABOVE;
    if (level < self->floor)
        self->floor -= (self->floor - level + 1) / 2;
    else
        self->floor += level - self->floor < FLOOR_RISE ? level - self->floor : FLOOR_RISE;
    if (self->floor < FLOOR_MIN) self->floor = FLOOR_MIN;
    return above;
}

static es_segmenter_event_t listen(es_segmenter_t *self, bool above)
{
    if (above)
        self->onset++;
    else if (self->onset > 0)
        self->onset--;
    if (self->onset < ES_SEG_ONSET) return ES_SEG_NOTHING;
    self->start = self->at > ES_SEG_LEAD ? self->at - ES_SEG_LEAD : 0;
    if (self->start < self->said) self->start = self->said;
    self->open = true;
    self->onset = self->silent = 0;
    return ES_SEG_OPENED;
}

/* The middle of the quietest place among the last frames. */
static uint64_t quietest(const es_segmenter_t *self)
{
    uint64_t last = self->at / ES_SEG_FRAME, first = last - ES_SEG_REVIEW, best = first;
    int64_t least = INT64_MAX;
    for (uint64_t i = first; i + ES_SEG_QUIET <= last; i++) {
        int64_t sum = 0;
        for (uint64_t k = i; k < i + ES_SEG_QUIET; k++) sum += self->energies[k % ES_SEG_REVIEW];
        if (sum >= least) continue;
        least = sum;
        best = i;
    }
    return best * ES_SEG_FRAME + ES_SEG_QUIET * ES_SEG_FRAME / 2;
}

static void cut_at(es_segmenter_t *self, uint64_t end, bool more, es_segment_cut_t *cut)
{
    uint64_t heard = self->at - self->at % ES_SEG_FRAME - (uint64_t)self->silent * ES_SEG_FRAME + ES_SEG_TAIL;
    *cut = (es_segment_cut_t){.start = self->start, .end = end, .heard = heard < end ? heard : end};
    self->said = self->start = end;
    self->open = more;
}

static es_segmenter_event_t follow(es_segmenter_t *self, bool above, es_segment_cut_t *cut)
{
    self->silent = above ? 0 : self->silent + 1;
    if (self->silent >= ES_SEG_SILENT)
        cut_at(self, self->at, false, cut);
    else if (self->at - self->start >= ES_SEG_CAP)
        cut_at(self, quietest(self), true, cut);
    else
        return ES_SEG_NOTHING;
    return ES_SEG_CUT;
}

/* A frame is over. One whose head was missed counts for nothing. */
static es_segmenter_event_t frame_done(es_segmenter_t *self, es_segment_cut_t *cut)
{
    bool whole = self->n == ES_SEG_FRAME;
    int32_t level = whole ? energy(self) : 0;
    self->n = 0;
    self->sum = 0;
    self->squares = 0;
    if (!whole) return ES_SEG_NOTHING;
    self->energies[(self->at / ES_SEG_FRAME - 1) % ES_SEG_REVIEW] = level;
    bool above = speech(self, level);
    return self->open ? follow(self, above, cut) : listen(self, above);
}

size_t es_segmenter_feed(es_segmenter_t *self, const int16_t *pcm, size_t n, es_segmenter_event_t *event,
                         es_segment_cut_t *cut)
{
    size_t left = ES_SEG_FRAME - (size_t)(self->at % ES_SEG_FRAME);
    if (n > left) n = left;
    int32_t sum = 0;
    uint64_t squares = 0;
    for (size_t i = 0; i < n; i++) {
        sum += pcm[i];
        squares += (uint64_t)((int32_t)pcm[i] * pcm[i]);
    }
    self->sum += sum;
    self->squares += squares;
    self->n += (uint32_t)n;
    self->at += n;
    *event = n == left ? frame_done(self, cut) : ES_SEG_NOTHING;
    return n;
}

bool es_segmenter_flush(es_segmenter_t *self)
{
    if (self->open || self->onset > 0) return false;
    self->said = self->at;
    return true;
}

bool es_segmenter_close(es_segmenter_t *self, bool more, es_segment_cut_t *cut)
{
    if (!self->open) return false;
    cut_at(self, self->at, more, cut);
    return true;
}

uint64_t es_segmenter_needs(const es_segmenter_t *self)
{
    uint64_t done = self->at - self->at % ES_SEG_FRAME;
    if (self->open) return self->start;
    uint64_t back = done > ES_SEG_LEAD ? done - ES_SEG_LEAD : 0;
    return back > self->said ? back : self->said;
}

/* Little-endian, fixed widths. */
static uint8_t *put(uint8_t *to, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) to[i] = (uint8_t)(value >> (8 * i));
    return to + bytes;
}

static uint64_t get(const uint8_t **from, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++) value |= (uint64_t)(*from)[i] << (8 * i);
    *from += bytes;
    return value;
}

/* FNV-1a: against accidents, not against malice. */
static uint32_t checksum(const uint8_t *data, size_t len)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < len; i++) hash = (hash ^ data[i]) * 16777619u;
    return hash;
}

size_t es_segmenter_encode(const es_segmenter_t *self, uint8_t out[ES_SEG_CHECKPOINT])
{
    uint8_t *to = put(out, VERSION, 1);
    to = put(to, self->at, 8);
    to = put(to, self->said, 8);
    to = put(to, self->start, 8);
    to = put(to, self->open, 1);
    to = put(to, self->onset, 1);
    to = put(to, self->silent, 1);
    to = put(to, (uint32_t)self->floor, 4);
    to = put(to, self->n, 2);
    to = put(to, (uint32_t)self->sum, 4);
    to = put(to, self->squares, 8);
    size_t len = (size_t)(to - out);
    put(to, checksum(out, len), 4);
    memset(out + len + 4, 0, ES_SEG_CHECKPOINT - len - 4);
    return ES_SEG_CHECKPOINT;
}

static bool unfinished_ok(const es_segmenter_t *s)
{
    int64_t limit = (int64_t)s->n * 32768;
    return s->n <= s->at % ES_SEG_FRAME && s->sum >= -limit && s->sum <= limit &&
           s->squares <= (uint64_t)s->n * (UINT64_C(1) << 30);
}

static bool plausible(const es_segmenter_t *s, uint64_t pos)
{
    if (s->at > POSITION_MAX || s->at < pos || s->at - pos > AHEAD_MAX) return false;
    if (s->said > s->at || s->start > s->at || s->at - s->start > (s->open ? (uint64_t)ES_SEG_CAP : s->at))
        return false;
    if (s->onset >= ES_SEG_ONSET || s->silent > ES_SEG_SILENT) return false;
    return s->floor >= -1 && s->floor <= FLOOR_MAX && unfinished_ok(s) && es_segmenter_needs(s) >= pos;
}

int es_segmenter_decode(es_segmenter_t *self, const void *data, size_t len, uint64_t pos)
{
    const uint8_t *bytes = data, *from = bytes;
    if (len != ES_SEG_CHECKPOINT || get(&from, 1) != VERSION) return -1;
    memset(self, 0, sizeof *self);
    self->at = get(&from, 8);
    self->said = get(&from, 8);
    self->start = get(&from, 8);
    uint64_t open = get(&from, 1);
    self->open = open == 1;
    self->onset = (uint32_t)get(&from, 1);
    self->silent = (uint32_t)get(&from, 1);
    self->floor = (int32_t)(uint32_t)get(&from, 4);
    self->n = (uint32_t)get(&from, 2);
    self->sum = (int32_t)(uint32_t)get(&from, 4);
    self->squares = get(&from, 8);
    uint32_t sum = checksum(bytes, (size_t)(from - bytes));
    if (get(&from, 4) != sum || open > 1) return -1;
    return plausible(self, pos) ? 0 : -1;
}
