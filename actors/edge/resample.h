/* PCM16 mono at a client's rate to 16 kHz, over libspeexdsp. The filter's delay is taken off at the start and given back at
 * the end, so that times stay right and no sound is lost. */
#ifndef ES_RESAMPLE_H
#define ES_RESAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ES_RATE 16000u
/* "8000, 16000, 24000, 44100 or 48000", for messages. */
#define ES_RATES_TEXT "8000, 16000, 24000, 44100 or 48000"

typedef struct es_resampler es_resampler_t;

bool es_rate_supported(uint64_t rate);
/* NULL for ES_RATE (nothing to do). Dies on lack of memory. */
es_resampler_t *es_resampler_new(uint32_t rate);
void es_resampler_destroy(es_resampler_t **self_p);
/* Bytes that `bytes` of input can become at most. */
size_t es_resampler_bound(uint32_t rate, size_t bytes);
/* Converts; returns the samples written to out, which holds es_resampler_bound bytes. */
size_t es_resampler_run(es_resampler_t *self, const int16_t *in, size_t samples, int16_t *out);
/* What is still inside the filter. Returns the samples written, at most ES_RESAMPLER_TAIL. Once, at the end. */
#define ES_RESAMPLER_TAIL 1024u
size_t es_resampler_flush(es_resampler_t *self, int16_t *out);

#endif
