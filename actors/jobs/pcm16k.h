/* Mono at any rate in, 16 kHz 16 bit out, with an exact count: n samples in all become n * 16000 / rate, rounded. So a position is the same whoever decodes, from
 * wherever. Pure. */
#ifndef ES_PCM16K_H
#define ES_PCM16K_H

#include <stddef.h>
#include <stdint.h>

#define ES_PCM16K_RATE 16000u
#define ES_PCM16K_RATE_MIN 1000u
#define ES_PCM16K_RATE_MAX 768000u
#define ES_PCM16K_IN 4096u /* samples taken at once, at most */
/* Samples that may come of them. */
#define ES_PCM16K_OUT (ES_PCM16K_IN * (ES_PCM16K_RATE / ES_PCM16K_RATE_MIN) + 64u)

typedef struct es_pcm16k es_pcm16k_t;

/* rate: within the bounds above. */
es_pcm16k_t *es_pcm16k_new(uint32_t rate);
void es_pcm16k_destroy(es_pcm16k_t **self_p);
/* Full scale is 1.0; more is clipped, NaN is silence. n: at most ES_PCM16K_IN. Returns what it wrote to out[ES_PCM16K_OUT]. */
size_t es_pcm16k_run(es_pcm16k_t *self, const float *in, size_t n, int16_t *out);
/* What is left at the end; call it until it returns 0. */
size_t es_pcm16k_flush(es_pcm16k_t *self, int16_t *out);
/* frames at this rate, in samples at 16 kHz; UINT64_MAX where that is beyond all bounds. */
uint64_t es_pcm16k_count(uint64_t frames, uint32_t rate);

#endif
