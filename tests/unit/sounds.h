/* Sounds for tests, the same on every machine: an integer generator, no files. */
#ifndef ES_TEST_SOUNDS_H
#define ES_TEST_SOUNDS_H

#include <stdint.h>
#include <stdlib.h>

typedef struct {
    int16_t *pcm;
    size_t n;
    uint32_t seed;
} sound_t;

static inline uint32_t sound_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* Appends `ms` of white noise of that amplitude around `offset`. */
static inline void sound_noise(sound_t *s, unsigned ms, int amplitude, int offset)
{
    size_t n = (size_t)ms * 16;
    s->pcm = realloc(s->pcm, (s->n + n + 1) * sizeof *s->pcm);
    if (!s->pcm) abort();
    for (size_t i = 0; i < n; i++) {
        int value = amplitude > 0 ? (int)(sound_random(&s->seed) % (2u * (unsigned)amplitude + 1u)) - amplitude : 0;
        s->pcm[s->n++] = (int16_t)(value + offset);
    }
}

/* Appends something with the rhythm of a talk: bursts of 60 to 400 ms, short gaps, now and then a pause or a long passage. */
static inline void sound_talk(sound_t *s, unsigned bursts)
{
    for (unsigned i = 0; i < bursts; i++) {
        uint32_t kind = sound_random(&s->seed) % 12;
        sound_noise(s, 60 + sound_random(&s->seed) % 340, 600 + (int)(sound_random(&s->seed) % 6000), 0);
        if (kind == 0)
            sound_noise(s, 600 + sound_random(&s->seed) % 2600, 25, 0);
        else if (kind == 1)
            sound_noise(s, 3000, 4000, 0);
        else
            sound_noise(s, 20 + sound_random(&s->seed) % 300, 30, 0);
    }
}

#endif
