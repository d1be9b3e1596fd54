#include "wav.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Where in the file we are. A state either fills head[] to `need` bytes or skips. */
enum { AT_RIFF, AT_CHUNK, IN_FMT, IN_DS64, SKIPPING, AT_AUDIO, FAILED };

#define HEAD_LIMIT \
    (UINT64_C(16) << 20) /* a picture in a LIST chunk may be large; a file that never comes to its audio is refused */
#define CONVERT "Convert it: ffmpeg -i FILE -ac 1 -ar 16000 -c:a pcm_s16le out.wav"

static uint32_t u16(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}
static uint32_t u32(const uint8_t *p)
{
    return u16(p) | u16(p + 2) << 16;
}
static uint64_t u64(const uint8_t *p)
{
    return u32(p) | (uint64_t)u32(p + 4) << 32;
}

int es_rate_known(uint64_t rate)
{
    static const uint32_t known[] = {8000, 16000, 24000, 44100, 48000};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i] == rate) return 1;
    return 0;
}

static void expect(es_wav_t *self, int state, uint32_t need)
{
    assert(need <= sizeof self->head);
    self->state = state;
    self->need = need;
    self->have = 0;
}

void es_wav_init(es_wav_t *self)
{
    memset(self, 0, sizeof *self);
    self->ds64_bytes = ES_WAV_UNKNOWN;
    expect(self, AT_RIFF, 12);
}

__attribute__((format(printf, 2, 3))) static void fail(es_wav_t *self, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(self->error, sizeof self->error, format, args);
    va_end(args);
    self->state = FAILED;
}

static void skip(es_wav_t *self, uint64_t bytes)
{
    self->skip = bytes;
    if (bytes)
        self->state = SKIPPING;
    else
        expect(self, AT_CHUNK, 8);
}

static void at_riff(es_wav_t *self)
{
    const uint8_t *h = self->head;
    if (memcmp(h, "RIFX", 4) == 0) {
        fail(self, "big-endian WAV (RIFX) is not understood. " CONVERT);
        return;
    }
    if ((memcmp(h, "RIFF", 4) != 0 && memcmp(h, "RF64", 4) != 0) || memcmp(h + 8, "WAVE", 4) != 0) {
        fail(self, "not a WAV file. For raw 16-bit little-endian samples give --rate; otherwise convert it: "
                   "ffmpeg -i FILE -ac 1 -ar 16000 -c:a pcm_s16le out.wav");
        return;
    }
    expect(self, AT_CHUNK, 8);
}

static void at_data(es_wav_t *self)
{
    if (self->rate == 0) {
        fail(self, "damaged WAV file: audio comes before its format (no fmt chunk). " CONVERT);
        return;
    }
    self->data_bytes = self->chunk_bytes;
    if (self->chunk_bytes == 0 || self->chunk_bytes == UINT32_MAX) self->data_bytes = self->ds64_bytes;
    self->state = AT_AUDIO;
}

static void at_chunk(es_wav_t *self)
{
    const uint8_t *id = self->head;
    self->chunk_bytes = u32(self->head + 4);
    if (memcmp(id, "data", 4) == 0)
        at_data(self);
    else if (memcmp(id, "fmt ", 4) == 0 && self->chunk_bytes >= 16)
        expect(self, IN_FMT, self->chunk_bytes < 26 ? 16 : 26);
    else if (memcmp(id, "fmt ", 4) == 0)
        fail(self, "damaged WAV file: its format takes %u bytes, 16 are needed. " CONVERT, self->chunk_bytes);
    else if (memcmp(id, "ds64", 4) == 0 && self->chunk_bytes >= 24)
        expect(self, IN_DS64, 24);
    else
        skip(self, (uint64_t)self->chunk_bytes + (self->chunk_bytes & 1));
}

static const char *format_name(uint32_t format, uint32_t bits, char *buf, size_t cap)
{
    switch (format) {
    case 1:
        snprintf(buf, cap, "%u-bit PCM", bits);
        break;
    case 2:
        snprintf(buf, cap, "ADPCM");
        break;
    case 3:
        snprintf(buf, cap, "%u-bit floating point", bits);
        break;
    case 6:
        snprintf(buf, cap, "A-law");
        break;
    case 7:
        snprintf(buf, cap, "mu-law");
        break;
    case 0x55:
        snprintf(buf, cap, "MP3");
        break;
    default:
        snprintf(buf, cap, "format 0x%04x", format);
    }
    return buf;
}

static void in_fmt(es_wav_t *self)
{
    const uint8_t *h = self->head;
    char name[40];
    uint32_t format = u16(h), channels = u16(h + 2), rate = u32(h + 4), bits = u16(h + 14);
    if (format == 0xFFFE && self->need >= 26) format = u16(h + 24); /* extensible: first two bytes of the sub-format */
    if (format != 1 || bits != 16)
        fail(self, "the audio is %s; 16-bit PCM is understood. " CONVERT, format_name(format, bits, name, sizeof name));
    else if (channels < 1 || channels > ES_WAV_CHANNELS_MAX)
        fail(self, "the audio has %u channels; 1 to %u are understood. " CONVERT, channels, ES_WAV_CHANNELS_MAX);
    else if (!es_rate_known(rate))
        fail(self, "the audio has %u Hz; " ES_RATES_TEXT " are understood. " CONVERT, rate);
    else {
        self->channels = channels;
        self->rate = rate;
        skip(self, (uint64_t)self->chunk_bytes + (self->chunk_bytes & 1) - self->need);
    }
}

static void in_ds64(es_wav_t *self)
{
    uint64_t bytes = u64(self->head + 8);
    self->ds64_bytes = bytes ? bytes : ES_WAV_UNKNOWN;
    skip(self, (uint64_t)self->chunk_bytes + (self->chunk_bytes & 1) - self->need);
}

static void (*const on_head[])(es_wav_t *) = {
    [AT_RIFF] = at_riff, [AT_CHUNK] = at_chunk, [IN_FMT] = in_fmt, [IN_DS64] = in_ds64};

/* Takes what the present state wants, returns how many bytes that was. */
static size_t take(es_wav_t *self, const uint8_t *data, size_t len)
{
    if (self->state == SKIPPING) {
        size_t n = self->skip < len ? (size_t)self->skip : len;
        skip(self, self->skip - n);
        return n;
    }
    size_t n = self->need - self->have < len ? self->need - self->have : len;
    memcpy(self->head + self->have, data, n);
    self->have += (uint32_t)n;
    if (self->have == self->need) on_head[self->state](self);
    return n;
}

es_wav_result_t es_wav_feed(es_wav_t *self, const void *data, size_t len, size_t *used_p)
{
    const uint8_t *bytes = data;
    size_t used = 0;
    while (used < len && self->state < AT_AUDIO) {
        size_t n = take(self, bytes + used, len - used);
        used += n;
        self->seen += n;
        if (self->seen > HEAD_LIMIT && self->state < AT_AUDIO)
            fail(self, "no audio within the first %llu MiB of the file. " CONVERT,
                 (unsigned long long)(HEAD_LIMIT >> 20));
    }
    *used_p = used;
    if (self->state == FAILED) return ES_WAV_ERROR;
    return self->state == AT_AUDIO ? ES_WAV_AUDIO : ES_WAV_MORE;
}

const char *es_wav_short(es_wav_t *self)
{
    if (self->seen == 0) return "it is empty";
    return self->state == AT_RIFF ? "too short for a WAV file; for raw 16-bit little-endian samples give --rate"
                                  : "the WAV file ends before its audio begins";
}

void es_wav_mono(const void *pcm, size_t frames, uint32_t channels, int16_t *out)
{
    const uint8_t *p = pcm;
    assert(channels > 0);
    for (size_t i = 0; i < frames; i++) {
        int32_t sum = 0;
        for (uint32_t c = 0; c < channels; c++, p += 2) sum += (int16_t)u16(p);
        out[i] = (int16_t)(sum / (int32_t)channels);
    }
}
