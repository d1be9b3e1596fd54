#include "recording.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "audio_file.h"
#include "file_kind.h"
#include "pcm16k.h"

enum { FORMAT_BYTES = 160, REASON_BYTES = 160, CHANNELS_MAX = 1024, FLOATS_AT_ONCE = 65536, GOOD_RATE = 16000 };
static const char taken[] = "Taken are wav, flac, ogg, opus, mp3 and aiff";

struct es_recording {
    const es_audio_reader_t *reader;
    void *file;
    es_audio_info_t info;
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

/* ---- what it is not */

static void say_kind(const char *head, size_t len, char *err, size_t err_len)
{
    bool sound;
    const char *kind = es_file_kind(head, len, &sound);
    if (sound)
        snprintf(err, err_len,
                 "This is %s, which cannot be read. %s; convert it, for instance with: ffmpeg -i FILE out.flac", kind,
                 taken);
    else
        snprintf(err, err_len, "This is %s. %s.", kind ? kind : "not a recording, or of an unknown kind", taken);
}

static bool fits(const es_audio_info_t *info, char *err, size_t err_len)
{
    if (info->rate < (int)ES_PCM16K_RATE_MIN || info->rate > (int)ES_PCM16K_RATE_MAX)
        snprintf(err, err_len, "The file has %d samples a second; %u to %u are taken.", info->rate, ES_PCM16K_RATE_MIN,
                 ES_PCM16K_RATE_MAX);
    else if (info->channels < 1 || info->channels > CHANNELS_MAX)
        snprintf(err, err_len, "The file has %d channels; 1 to %d are taken.", info->channels, CHANNELS_MAX);
    else
        return true;
    return false;
}

/* ---- opening */

static void describe(es_recording_t *self)
{
    snprintf(self->format, sizeof self->format, "%s, %d Hz, %d channel%s%s", self->info.name, self->info.rate,
             self->info.original, self->info.original == 1 ? "" : "s",
             self->info.rate < GOOD_RATE ? "; below 16000 Hz more words are misheard" : "");
}

static int open_by(es_recording_t *self, const es_audio_reader_t *reader, int fd, char *why)
{
    *why = '\0';
    self->reader = reader;
    self->file = reader->open(fd, &self->info, why, REASON_BYTES);
    return self->file ? 0 : -1;
}

/* The one library tells what it is, the other reads MPEG better. */
static int open_file(es_recording_t *self, int fd, char *why)
{
    int again = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    int rc = open_by(self, &es_sound_reader, fd, why);
    if (rc != 0 || !self->info.mpeg || again < 0) {
        if (again >= 0) close(again);
        return rc;
    }
    self->reader->close(self->file);
    lseek(again, 0, SEEK_SET);
    return open_by(self, &es_mpeg_reader, again, why);
}

es_recording_t *es_recording_open(int fd, char *err, size_t err_len)
{
    char head[ES_FILE_KIND_HEAD], why[REASON_BYTES];
    ssize_t n = pread(fd, head, sizeof head, 0);
    es_recording_t *self = es_alloc_zero(sizeof *self);
    if (open_file(self, fd, why) != 0) {
        if (*why)
            snprintf(err, err_len, "The file cannot be read (%s): it is damaged or cut off.", why);
        else
            say_kind(head, n > 0 ? (size_t)n : 0, err, err_len);
    } else if (fits(&self->info, err, err_len)) {
        self->at_once = FLOATS_AT_ONCE / (size_t)self->info.channels;
        if (self->at_once > ES_PCM16K_IN) self->at_once = ES_PCM16K_IN;
        self->pcm = es_pcm16k_new((uint32_t)self->info.rate);
        describe(self);
        return self;
    }
    es_recording_close(&self);
    return NULL;
}

void es_recording_close(es_recording_t **self_p)
{
    es_recording_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    es_pcm16k_destroy(&self->pcm);
    if (self->file) self->reader->close(self->file);
    free(self);
}

uint64_t es_recording_duration(const es_recording_t *self)
{
    return es_pcm16k_count(self->info.frames, (uint32_t)self->info.rate);
}

const char *es_recording_format(const es_recording_t *self)
{
    return self->format;
}

/* ---- reading */

static double seconds(const es_recording_t *self, uint64_t frames)
{
    return (double)frames / self->info.rate;
}

static void judge_end(es_recording_t *self)
{
    uint64_t said = self->info.frames;
    if (self->taken < said && said - self->taken > said / 100)
        snprintf(self->damage, sizeof self->damage, "damaged: %.1f of %.1f s could be read", seconds(self, self->taken),
                 seconds(self, said));
    else if (self->holes > 0)
        snprintf(self->damage, sizeof self->damage, "damaged: what could not be read was left out");
    self->ended = true;
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
        size_t n = self->reader->read(self->file, self->frames, self->at_once, &self->holes);
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
