/* A WAV head from anywhere, in one piece and byte by byte: both must agree, and never read past the end. */
#include <stdlib.h>
#include <string.h>

#include "wav.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    es_wav_t whole, pieces;
    es_wav_init(&whole);
    es_wav_init(&pieces);
    size_t used, n, total = 0;
    es_wav_result_t result = es_wav_feed(&whole, data, size, &used), piecewise = ES_WAV_MORE;
    while (total < size && piecewise == ES_WAV_MORE) {
        piecewise = es_wav_feed(&pieces, data + total, 1, &n);
        total += n;
    }
    if (result != piecewise || used != total || used > size) abort();
    if (result == ES_WAV_MORE && !es_wav_short(&whole)) abort();
    if (result == ES_WAV_ERROR && (!whole.error[0] || strcmp(whole.error, pieces.error) != 0)) abort();
    if (result != ES_WAV_AUDIO) return 0;
    if (whole.channels < 1 || !es_rate_known(whole.rate) || whole.data_bytes != pieces.data_bytes) abort();
    size_t frames = (size - used) / 2 / whole.channels;
    int16_t *out = malloc(frames * sizeof *out + 1);
    if (out) es_wav_mono(data + used, frames, whole.channels, out);
    free(out);
    return 0;
}
