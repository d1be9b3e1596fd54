#include <sndfile.h>
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "audio_file.h"

static const struct {
    int format, mask;
    const char *name;
} formats[] = {
    {SF_FORMAT_OPUS, SF_FORMAT_SUBMASK, "Ogg Opus"}, {SF_FORMAT_VORBIS, SF_FORMAT_SUBMASK, "Ogg Vorbis"},
    {SF_FORMAT_FLAC, SF_FORMAT_TYPEMASK, "FLAC"},    {SF_FORMAT_WAV, SF_FORMAT_TYPEMASK, "WAV"},
    {SF_FORMAT_WAVEX, SF_FORMAT_TYPEMASK, "WAV"},    {SF_FORMAT_AIFF, SF_FORMAT_TYPEMASK, "AIFF"},
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

/* A length that nobody knows is written as the greatest one. */
static void describe(const SF_INFO *from, es_audio_info_t *info)
{
    SF_FORMAT_INFO other = {.format = from->format & SF_FORMAT_TYPEMASK};
    const char *name = container(from->format);
    if (!name && sf_command(NULL, SFC_GET_FORMAT_INFO, &other, sizeof other) == 0) name = other.name;
    *info = (es_audio_info_t){
        .rate = from->samplerate,
        .channels = from->channels,
        .original = from->channels,
        .frames = from->frames > 0 && from->frames < SF_COUNT_MAX / 2 ? (uint64_t)from->frames : 0,
        .mpeg = (from->format & SF_FORMAT_TYPEMASK) == SF_FORMAT_MPEG,
    };
    snprintf(info->name, sizeof info->name, "%.60s%s", name ? name : "unknown", sample(from->format));
}

/* The library closes the descriptor when it is done with it, and when it cannot open the file. */
static void *sound_open(int fd, es_audio_info_t *info, char *err, size_t err_len)
{
    SF_INFO found = {0};
    SNDFILE *file = sf_open_fd(fd, SFM_READ, &found, SF_TRUE);
    if (file)
        describe(&found, info);
    else
        snprintf(err, err_len, "%s", sf_error(NULL) == SF_ERR_UNRECOGNISED_FORMAT ? "" : sf_strerror(NULL));
    return file;
}

static size_t sound_read(void *file, float *frames, size_t n, unsigned *holes)
{
    for (int tries = 0; tries < ES_AUDIO_TRIES; tries++) {
        sf_count_t got = sf_readf_float(file, frames, (sf_count_t)n);
        if (got > 0) return (size_t)got;
        if (sf_error(file) == SF_ERR_NO_ERROR) return 0;
        if (tries == 0) ++*holes;
    }
    return 0;
}

static void sound_close(void *file)
{
    sf_close(file);
}

const es_audio_reader_t es_sound_reader = {.open = sound_open, .read = sound_read, .close = sound_close};
