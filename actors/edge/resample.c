#include "resample.h"

#include <assert.h>
#include <speex/speex_resampler.h>
#include <stdlib.h>

#include "alloc.h"

enum { QUALITY = 4, SLACK = 64 }; /* samples of rounding, a call */

struct es_resampler {
    SpeexResamplerState *state;
};

bool es_rate_supported(uint64_t rate)
{
    return rate == 8000 || rate == 16000 || rate == 24000 || rate == 44100 || rate == 48000;
}

es_resampler_t *es_resampler_new(uint32_t rate)
{
    assert(es_rate_supported(rate));
    if (rate == ES_RATE) return NULL;
    int err = 0;
    es_resampler_t *self = es_alloc(sizeof *self);
    self->state = speex_resampler_init(1, rate, ES_RATE, QUALITY, &err);
    assert(self->state); /* fails for wrong arguments, or for lack of memory */
    speex_resampler_skip_zeros(self->state);
    return self;
}

void es_resampler_destroy(es_resampler_t **self_p)
{
    if (!*self_p) return;
    speex_resampler_destroy((*self_p)->state);
    free(*self_p);
    *self_p = NULL;
}

size_t es_resampler_bound(uint32_t rate, size_t bytes)
{
    return (bytes / 2 * ES_RATE / rate + SLACK) * 2;
}

size_t es_resampler_run(es_resampler_t *self, const int16_t *in, size_t samples, int16_t *out)
{
    spx_uint32_t in_rate, out_rate;
    speex_resampler_get_rate(self->state, &in_rate, &out_rate);
    size_t room = es_resampler_bound(in_rate, samples * 2) / 2, made = 0;
    while (samples) {
        spx_uint32_t n = samples > UINT32_MAX ? UINT32_MAX : (spx_uint32_t)samples;
        spx_uint32_t m = (spx_uint32_t)(room - made);
        speex_resampler_process_int(self->state, 0, in, &n, out + made, &m);
        if (!n && !m) break;
        in += n;
        samples -= n;
        made += m;
    }
    return made;
}

size_t es_resampler_flush(es_resampler_t *self, int16_t *out)
{
    static const int16_t zeros[ES_RESAMPLER_TAIL];
    spx_uint32_t n = (spx_uint32_t)speex_resampler_get_input_latency(self->state), m = ES_RESAMPLER_TAIL;
    assert(n <= ES_RESAMPLER_TAIL);
    speex_resampler_process_int(self->state, 0, zeros, &n, out, &m);
    return m;
}
