#include "recording.h"

#include <sndfile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "file_kind.h"
#include "pcm16k.h"

enum { FORMAT_BYTES = 160, CHANNELS_MAX = 1024, FLOATS_AT_ONCE = 65536, TRIES = 64 };
static const char taken[] = "Taken are wav, flac, ogg, opus, mp3 and aiff";

struct es_recording {
    SNDFILE *file;
    SF_INFO info;
    es_pcm16k_t *pcm;
    size_t at_once;   /* frames */
    size_t from, len; /* of ready, in samples */
    uint64_t taken;   /* frames */
    bool ended;       /* the file is read */
    unsigned holes;   /* places that could not be read */
    char format[FORMAT_BYTES], damage[FORMAT_BYTES];
    float frames[FLOATS_AT_ONCE], mono[ES_PCM16K_IN];
    int16_t ready[ES_PCM16K_OUT];
};

/* ---- what it is */

static const struct {
    int format, mask;
    const char *name;
} formats[] = {
    {SF_FORMAT_MPEG_LAYER_III, SF_FORMAT_SUBMASK, "MPEG layer 3"},
    {SF_FORMAT_MPEG_LAYER_II, SF_FORMAT_SUBMASK, "MPEG layer 2"},
    {SF_FORMAT_MPEG_LAYER_I, SF_FORMAT_SUBMASK, "MPEG layer 1"},
    {SF_FORMAT_OPUS, SF_FORMAT_SUBMASK, "Ogg Opus"},
    {SF_FORMAT_VORBIS, SF_FORMAT_SUBMASK, "Ogg Vorbis"},
    {SF_FORMAT_FLAC, SF_FORMAT_TYPEMASK, "FLAC"},
    {SF_FORMAT_WAV, SF_FORMAT_TYPEMASK, "WAV"},
    {SF_FORMAT_WAVEX, SF_FORMAT_TYPEMASK, "WAV"},
    {SF_FORMAT_AIFF, SF_FORMAT_TYPEMASK, "AIFF"},
};

static const struct {
    int format;
    const char *name;
} samples[] = {
    {SF_FORMAT_PCM_S8, " 8 bit"},        {SF_FORMAT_PCM_U8, " 8 bit"},   {SF_FORMAT_PCM_16, " 16 bit"},
    {SF_FORMAT_PCM_24, " 24 bit"},       {SF_FORMAT_PCM_32, " 32 bit"},  {SF_FORMAT_FLOAT, " 32 bit float"},
    {SF_FORMAT_DOUBLE, " 64 bit float"}, {SF_FORMAT_ULAW, " µ-law"},     {SF_FORMAT_ALAW, " A-law"},
    {SF_FORMAT_IMA_ADPCM, " ADPCM"},     {SF_FORMAT_MS_ADPCM, " ADPCM"}, {SF_FORMAT_GSM610, " GSM"},
};

static const char *container(int format)
{
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if ((format & formats[i].mask) == formats[i].format) return formats[i].name;
    return NULL;
}

static const char *sample(int format)
{
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++)
        if ((format & SF_FORMAT_SUBMASK) == samples[i].format) return samples[i].name;
    return "";
}

static void describe(es_recording_t *self)
{
    int format = self->info.format;
    SF_FORMAT_INFO other = {.format = format & SF_FORMAT_TYPEMASK};
    const char *name = container(format);
    if (!name && sf_command(NULL, SFC_GET_FORMAT_INFO, &other, sizeof other) == 0) name = other.name;
    snprintf(self->format, sizeof self->format, "%.60s%s, %d Hz, %d channel%s%s", name ? name : "unknown",
             sample(format), self->info.samplerate, self->info.channels, self->info.channels == 1 ? "" : "s",
             self->info.samplerate < 16000 ? "; below 16000 Hz more words are misheard" : "");
}

/* ---- what it is not */

static void say_kind(const char *head, size_t len, char *err, size_t err_len)
{
    const char *kind = es_file_kind(head, len);
    if (kind && len > 0)
        snprintf(err, err_len,
                 "This is %s, which cannot be read. %s; convert it, for instance with: ffmpeg -i FILE out.flac", kind,
                 taken);
    else
        snprintf(err, err_len, "This is %s. %s.", kind ? kind : "not a recording, or of an unknown kind", taken);
}

static void say_damaged(const char *why, char *err, size_t err_len)
{
    snprintf(err, err_len, "The file cannot be read (%.160s): it is damaged or cut off.", why);
}

/* ---- opening */

static bool fits(const es_recording_t *self, char *err, size_t err_len)
{
    const SF_INFO *info = &self->info;
    if (info->samplerate < (int)ES_PCM16K_RATE_MIN || info->samplerate > (int)ES_PCM16K_RATE_MAX)
        snprintf(err, err_len, "The file has %d samples a second; %u to %u are taken.", info->samplerate,
                 ES_PCM16K_RATE_MIN, ES_PCM16K_RATE_MAX);
    else if (info->channels < 1 || info->channels > CHANNELS_MAX)
        snprintf(err, err_len, "The file has %d channels; 1 to %d are taken.", info->channels, CHANNELS_MAX);
    else
        return true;
    return false;
}

static es_recording_t *give_up(es_recording_t *self)
{
    if (self->file) sf_close(self->file);
    free(self);
    return NULL;
}

/* The library closes the descriptor when it is done with it, and when it cannot open the file. */
es_recording_t *es_recording_open(int fd, char *err, size_t err_len)
{
    char head[ES_FILE_KIND_HEAD];
    ssize_t n = pread(fd, head, sizeof head, 0);
    es_recording_t *self = es_alloc_zero(sizeof *self);
    self->file = sf_open_fd(fd, SFM_READ, &self->info, SF_TRUE);
    if (!self->file && sf_error(NULL) == SF_ERR_UNRECOGNISED_FORMAT)
        say_kind(head, n > 0 ? (size_t)n : 0, err, err_len);
    else if (!self->file)
        say_damaged(sf_strerror(NULL), err, err_len);
    if (!self->file || !fits(self, err, err_len)) return give_up(self);
    self->at_once = FLOATS_AT_ONCE / (size_t)self->info.channels;
    if (self->at_once > ES_PCM16K_IN) self->at_once = ES_PCM16K_IN;
    self->pcm = es_pcm16k_new((uint32_t)self->info.samplerate);
    describe(self);
    return self;
}

void es_recording_close(es_recording_t **self_p)
{
    es_recording_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    es_pcm16k_destroy(&self->pcm);
    give_up(self);
}

/* A length that nobody knows is written as the greatest one. */
static bool knows_length(const es_recording_t *self)
{
    return self->info.frames > 0 && self->info.frames < SF_COUNT_MAX / 2;
}

uint64_t es_recording_duration(const es_recording_t *self)
{
    return knows_length(self) ? es_pcm16k_count((uint64_t)self->info.frames, (uint32_t)self->info.samplerate) : 0;
}

const char *es_recording_format(const es_recording_t *self)
{
    return self->format;
}

/* ---- reading */

static double seconds(const es_recording_t *self, uint64_t frames)
{
    return (double)frames / self->info.samplerate;
}

static void judge_end(es_recording_t *self)
{
    uint64_t said = knows_length(self) ? (uint64_t)self->info.frames : 0;
    if (self->taken < said && said - self->taken > said / 100)
        snprintf(self->damage, sizeof self->damage, "damaged: %.1f of %.1f s could be read", seconds(self, self->taken),
                 seconds(self, said));
    else if (self->holes > 0)
        snprintf(self->damage, sizeof self->damage, "damaged: what could not be read was left out");
    self->ended = true;
}

/* A reader that lost its place finds it again when it is asked again, or never. */
static size_t take_frames(es_recording_t *self)
{
    for (int tries = 0; tries < TRIES; tries++) {
        sf_count_t n = sf_readf_float(self->file, self->frames, (sf_count_t)self->at_once);
        if (n > 0) return (size_t)n;
        if (sf_error(self->file) == SF_ERR_NO_ERROR) return 0;
        if (tries == 0) self->holes++;
    }
    return 0;
}

static void average(es_recording_t *self, size_t n)
{
    size_t channels = (size_t)self->info.channels;
    for (size_t i = 0; i < n; i++) {
        float sum = 0;
        for (size_t c = 0; c < channels; c++) sum += self->frames[i * channels + c];
        self->mono[i] = sum / (float)channels;
    }
}

static void refill(es_recording_t *self)
{
    self->from = self->len = 0;
    if (!self->ended) {
        size_t n = take_frames(self);
        self->taken += n;
        average(self, n);
        self->len = es_pcm16k_run(self->pcm, self->mono, n, self->ready);
        if (n == 0) judge_end(self);
    }
    if (self->ended) self->len = es_pcm16k_flush(self->pcm, self->ready);
}

size_t es_recording_read(es_recording_t *self, int16_t *out, size_t n)
{
    size_t done = 0;
    while (done < n) {
        if (self->from == self->len) {
            bool last = self->ended;
            refill(self);
            if (last && self->len == 0) break;
        }
        size_t left = self->len - self->from, some = left < n - done ? left : n - done;
        memcpy(out + done, self->ready + self->from, some * sizeof *out);
        self->from += some;
        done += some;
    }
    return done;
}

const char *es_recording_damage(const es_recording_t *self)
{
    return self->damage[0] ? self->damage : NULL;
}
