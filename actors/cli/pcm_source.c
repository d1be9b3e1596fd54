#include "pcm_source.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "wav.h"

struct es_pcm_source {
    int fd;
    uint32_t rate, channels;
    uint64_t left, length; /* bytes of audio still to come, samples in all; UINT64_MAX: not known */
    size_t chunk;          /* samples */
    uint8_t *in;           /* one chunk of interleaved frames, as it fills */
    size_t in_len, in_cap;
    int16_t *out;
    bool end;
    char error[160];
};

static void prepare(es_pcm_source_t *self, uint32_t rate, uint32_t channels, uint64_t bytes, uint32_t chunk_ms)
{
    self->rate = rate;
    self->channels = channels;
    self->left = bytes;
    self->length = bytes == ES_WAV_UNKNOWN ? UINT64_MAX : bytes / 2 / channels;
    self->chunk = (size_t)rate * chunk_ms / 1000;
    self->in_cap = self->chunk * channels * 2;
    self->in = es_alloc_zero(self->in_cap);
    self->out = es_alloc_zero(self->chunk * sizeof *self->out);
}

/* Reads the head, byte by byte so that nothing of the audio is taken with it: heads are short. */
static int read_head(es_pcm_source_t *self, const char *path, uint32_t chunk_ms, char *err, size_t err_len)
{
    es_wav_t wav;
    es_wav_init(&wav);
    for (;;) {
        uint8_t bytes[512];
        size_t used;
        /* The parser says how much it surely still needs. */
        size_t want = wav.skip && wav.skip < sizeof bytes ? (size_t)wav.skip
                      : wav.skip                          ? sizeof bytes
                                                          : wav.need - wav.have;
        ssize_t n = read(self->fd, bytes, want);
        if (n == -1 && errno == EINTR) continue;
        if (n <= 0) {
            snprintf(err, err_len, "cannot read %s: %s", path, n == 0 ? es_wav_short(&wav) : strerror(errno));
            return -1;
        }
        es_wav_result_t result = es_wav_feed(&wav, bytes, (size_t)n, &used);
        if (result == ES_WAV_ERROR) {
            snprintf(err, err_len, "cannot stream %s: %s", path, wav.error);
            return -1;
        }
        if (result != ES_WAV_AUDIO) continue;
        prepare(self, wav.rate, wav.channels, wav.data_bytes, chunk_ms);
        return 0;
    }
}

/* From here to the end; a device or a pipe has none that is known. */
static uint64_t raw_bytes(int fd)
{
    struct stat st;
    off_t at = lseek(fd, 0, SEEK_CUR);
    if (at == -1 || fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) return ES_WAV_UNKNOWN;
    return st.st_size > at ? (uint64_t)(st.st_size - at) : 0;
}

es_pcm_source_t *es_pcm_source_open(const char *path, uint32_t raw_rate, uint32_t chunk_ms, char *err, size_t err_len)
{
    es_pcm_source_t *self = es_alloc_zero(sizeof *self);
    const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
    self->fd = name == path ? open(path, O_RDONLY | O_CLOEXEC) : dup(STDIN_FILENO);
    if (self->fd == -1)
        snprintf(err, err_len, "cannot open %s: %s", name, strerror(errno));
    else if (raw_rate)
        prepare(self, raw_rate, 1, raw_bytes(self->fd), chunk_ms);
    if (self->fd != -1 && (raw_rate || read_head(self, name, chunk_ms, err, err_len) == 0)) return self;
    es_pcm_source_close(&self);
    return NULL;
}

void es_pcm_source_close(es_pcm_source_t **self_p)
{
    es_pcm_source_t *self = *self_p;
    if (!self) return;
    if (self->fd != -1) close(self->fd);
    free(self->in);
    free(self->out);
    free(self);
    *self_p = NULL;
}

uint32_t es_pcm_source_rate(const es_pcm_source_t *self)
{
    return self->rate;
}

size_t es_pcm_source_chunk(const es_pcm_source_t *self)
{
    return self->chunk;
}

uint64_t es_pcm_source_length(const es_pcm_source_t *self)
{
    return self->length;
}

const char *es_pcm_source_error(const es_pcm_source_t *self)
{
    return self->error;
}

uint64_t es_pcm_source_missing(const es_pcm_source_t *self)
{
    return self->left == ES_WAV_UNKNOWN ? 0 : self->left / 2 / self->channels;
}

static bool has_input(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

/* Fills `in` as far as input is there. 0, or -1 with error set. */
static int fill(es_pcm_source_t *self)
{
    while (!self->end && self->in_len < self->in_cap && has_input(self->fd)) {
        size_t want = self->in_cap - self->in_len;
        if (want > self->left) want = (size_t)self->left;
        ssize_t n = want ? read(self->fd, self->in + self->in_len, want) : 0;
        if (n == -1 && (errno == EINTR || errno == EAGAIN)) return 0;
        if (n == -1) {
            snprintf(self->error, sizeof self->error, "reading failed: %s", strerror(errno));
            return -1;
        }
        self->end = n == 0;
        self->in_len += (size_t)n;
        if (self->left != ES_WAV_UNKNOWN) self->left -= (size_t)n;
    }
    return 0;
}

void es_pcm_source_stop(es_pcm_source_t *self)
{
    if (self->left == ES_WAV_UNKNOWN) fill(self); /* an error is told by nobody: the end is wanted */
    self->end = true;
}

es_pcm_result_t es_pcm_source_read(es_pcm_source_t *self, const void **pcm, size_t *bytes)
{
    if (fill(self) == -1) return ES_PCM_ERROR;
    size_t frames = self->in_len / 2 / self->channels;
    if (frames < self->chunk && !self->end) return ES_PCM_NONE_YET;
    if (frames == 0) return ES_PCM_END;
    es_wav_mono(self->in, frames, self->channels, self->out);
    for (size_t i = 0; i < frames; i++) self->out[i] = (int16_t)htole16((uint16_t)self->out[i]);
    self->in_len = 0;
    *pcm = self->out;
    *bytes = frames * 2;
    return ES_PCM_CHUNK;
}
