/* Where `earshot stream` takes its samples from: a WAV file or raw samples, from a file or a pipe, as mono chunks of one size.
 *
 * Opening may wait for the head of a WAV on a pipe; reading never waits. */
#ifndef ES_PCM_SOURCE_H
#define ES_PCM_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct es_pcm_source es_pcm_source_t;
typedef enum { ES_PCM_NONE_YET, ES_PCM_CHUNK, ES_PCM_END, ES_PCM_ERROR } es_pcm_result_t;

/* path "-" is standard input. raw_rate: samples a second of raw s16le mono, or 0 for a WAV. chunk_ms: length of a chunk. NULL with a
 * sentence in err. */
es_pcm_source_t *es_pcm_source_open(const char *path, uint32_t raw_rate, uint32_t chunk_ms, char *err, size_t err_len);
void es_pcm_source_close(es_pcm_source_t **self_p);

uint32_t es_pcm_source_rate(const es_pcm_source_t *self);
/* Samples of one chunk (the last one may have fewer). */
size_t es_pcm_source_chunk(const es_pcm_source_t *self);
/* Length in samples, or UINT64_MAX where it is not known. */
uint64_t es_pcm_source_length(const es_pcm_source_t *self);

/* The next chunk: *pcm (little-endian, valid until the next call) and *bytes where ES_PCM_CHUNK. ES_PCM_ERROR: es_pcm_source_error tells. */
es_pcm_result_t es_pcm_source_read(es_pcm_source_t *self, const void **pcm, size_t *bytes);
/* The recording ends here: of a pipe comes what it holds of the next chunk, of a file nothing more. */
void es_pcm_source_stop(es_pcm_source_t *self);
const char *es_pcm_source_error(const es_pcm_source_t *self);
/* Samples that the head promised and the file did not have; 0 where all is well. Valid after ES_PCM_END. */
uint64_t es_pcm_source_missing(const es_pcm_source_t *self);

#endif
