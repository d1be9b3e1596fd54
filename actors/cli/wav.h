/* The head of a WAV file, read as a stream: RIFF, RF64 and files whose sizes a pipe left unknown (0 or all ones: read to the end).
 *
 * Pure: bytes come in, in pieces of any size; nothing is allocated. Only 16-bit PCM at the rates the edge understands is taken; for all
 * else `error` says what the file is and how to convert it.
 */
#ifndef ES_WAV_H
#define ES_WAV_H

#include <stddef.h>
#include <stdint.h>

#define ES_WAV_CHANNELS_MAX 64u
#define ES_WAV_UNKNOWN UINT64_MAX

typedef enum { ES_WAV_MORE, ES_WAV_AUDIO, ES_WAV_ERROR } es_wav_result_t;

typedef struct {
    /* valid after ES_WAV_AUDIO */
    uint32_t rate;       /* Hz */
    uint32_t channels;   /* from 1 */
    uint64_t data_bytes; /* of audio, or ES_WAV_UNKNOWN */
    char error[256];     /* valid after ES_WAV_ERROR */
    /* the parser's own */
    int state;
    uint8_t head[40];
    uint32_t need, have; /* of head */
    uint64_t skip;       /* bytes of an uninteresting chunk */
    uint64_t ds64_bytes;
    uint32_t chunk_bytes;
    uint64_t seen; /* bytes of head so far */
} es_wav_t;

void es_wav_init(es_wav_t *self);
/* Takes bytes; *used_p tells how many. ES_WAV_MORE: all were used, give more. ES_WAV_AUDIO: what follows *used_p is audio. ES_WAV_ERROR: see
 * error. After the last two the parser is at its end and uses nothing. */
es_wav_result_t es_wav_feed(es_wav_t *self, const void *data, size_t len, size_t *used_p);
/* Why the input ended too soon, for error messages: call where the end came during ES_WAV_MORE. */
const char *es_wav_short(es_wav_t *self);

/* Is this a sample rate that the edge takes? */
int es_rate_known(uint64_t rate);
/* "8000, 16000, 24000, 44100 or 48000" */
#define ES_RATES_TEXT "8000, 16000, 24000, 44100 or 48000"

/* Averages the channels of `frames` interleaved little-endian 16-bit frames into out (host order; frames values). In place is fine. */
void es_wav_mono(const void *pcm, size_t frames, uint32_t channels, int16_t *out);

#endif
