#include "pcm16k.h"

#include <assert.h>
#include <math.h>
#include <speex/speex_resampler.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

enum { QUALITY = 4 };

struct es_pcm16k {
    SpeexResamplerState *state; /* NULL: it is 16 kHz already */
    uint32_t rate;
    uint64_t taken, made; /* samples */
    float made_of[ES_PCM16K_OUT];
};

es_pcm16k_t *es_pcm16k_new(uint32_t rate)
{
    assert(rate >= ES_PCM16K_RATE_MIN && rate <= ES_PCM16K_RATE_MAX);
    int err = 0;
    es_pcm16k_t *self = es_alloc_zero(sizeof *self);
    self->rate = rate;
    if (rate == ES_PCM16K_RATE) return self;
    self->state = speex_resampler_init(1, rate, ES_PCM16K_RATE, QUALITY, &err);
    assert(self->state); /* fails for wrong arguments, or for lack of memory */
    speex_resampler_skip_zeros(self->state);
    return self;
}

void es_pcm16k_destroy(es_pcm16k_t **self_p)
{
    es_pcm16k_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    if (self->state) speex_resampler_destroy(self->state);
    free(self);
}

uint64_t es_pcm16k_count(uint64_t frames, uint32_t rate)
{
    if (frames > UINT64_MAX / (2 * (uint64_t)ES_PCM16K_RATE)) return UINT64_MAX;
    return (2 * frames * ES_PCM16K_RATE + rate) / (2 * (uint64_t)rate);
}

static float clean(float x)
{
    return isnan(x) ? 0 : x > 1 ? 1 : x < -1 ? -1 : x;
}

static int16_t to16(float x)
{
    float scaled = roundf(x * 32768);
    return (int16_t)(scaled > 32767 ? 32767 : scaled < -32768 ? -32768 : scaled);
}

static size_t resample(es_pcm16k_t *self, const float *in, size_t n, size_t room, int16_t *out)
{
    size_t made = 0;
    while (n > 0 && made < room) {
        spx_uint32_t in_len = (spx_uint32_t)n, out_len = (spx_uint32_t)(room - made);
        speex_resampler_process_float(self->state, 0, in, &in_len, self->made_of, &out_len);
        if (in_len == 0 && out_len == 0) break;
        for (size_t i = 0; i < out_len; i++) out[made++] = to16(self->made_of[i]);
        in += in_len;
        n -= in_len;
    }
    self->made += made;
    return made;
}

size_t es_pcm16k_run(es_pcm16k_t *self, const float *in, size_t n, int16_t *out)
{
    float cleaned[ES_PCM16K_IN];
    assert(n <= ES_PCM16K_IN);
    for (size_t i = 0; i < n; i++) cleaned[i] = clean(in[i]);
    self->taken += n;
    if (self->state) return resample(self, cleaned, n, ES_PCM16K_OUT, out);
    for (size_t i = 0; i < n; i++) out[i] = to16(cleaned[i]);
    self->made += n;
    return n;
}

/* The filter holds back the last samples: silence pushes them out, and no more of it than the count allows. */
size_t es_pcm16k_flush(es_pcm16k_t *self, int16_t *out)
{
    static const float silence[ES_PCM16K_IN];
    uint64_t want = es_pcm16k_count(self->taken, self->rate);
    size_t made = 0;
    while (self->made < want && made == 0) {
        size_t room = want - self->made < ES_PCM16K_OUT ? (size_t)(want - self->made) : ES_PCM16K_OUT;
        made = resample(self, silence, ES_PCM16K_IN, room, out);
    }
    return made;
}
