#include <mpg123.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "alloc.h"
#include "audio_file.h"

typedef struct {
    mpg123_handle *decoder;
    int fd;
} mpeg_t;

static void mpeg_close(void *file)
{
    mpeg_t *self = file;
    mpg123_delete(self->decoder);
    close(self->fd);
    free(self);
}

/* Channels are averaged by the decoder, since a file may change their number in the middle. Gaps at the ends that an encoder names are kept: they are some milliseconds, and a second recording
 * that follows the first in one file would be cut off with them. */
static int prepare(mpeg_t *self)
{
    mpg123_handle *decoder = self->decoder;
    long flags = MPG123_QUIET | MPG123_MONO_MIX | MPG123_FORCE_FLOAT | MPG123_SKIP_ID3V2;
    if (mpg123_param(decoder, MPG123_ADD_FLAGS, flags, 0) != MPG123_OK ||
        mpg123_param(decoder, MPG123_REMOVE_FLAGS, MPG123_GAPLESS, 0) != MPG123_OK ||
        mpg123_param(decoder, MPG123_RESYNC_LIMIT, -1, 0) != MPG123_OK)
        return -1;
    return mpg123_open_fd(decoder, self->fd) == MPG123_OK && mpg123_scan(decoder) == MPG123_OK ? 0 : -1;
}

static int describe(const mpeg_t *self, es_audio_info_t *info)
{
    static const char *const layers[] = {"?", "1", "2", "3"};
    struct mpg123_frameinfo frame;
    long rate;
    int channels, encoding;
    if (mpg123_getformat(self->decoder, &rate, &channels, &encoding) != MPG123_OK ||
        mpg123_info(self->decoder, &frame) != MPG123_OK || encoding != MPG123_ENC_FLOAT_32 || channels != 1)
        return -1;
    off_t length = mpg123_length(self->decoder);
    *info = (es_audio_info_t){.rate = (int)rate,
                              .channels = 1,
                              .original = frame.mode == MPG123_M_MONO ? 1 : 2,
                              .frames = length > 0 ? (uint64_t)length : 0};
    snprintf(info->name, sizeof info->name, "MPEG layer %s",
             layers[frame.layer >= 1 && frame.layer <= 3 ? frame.layer : 0]);
    return 0;
}

static void *mpeg_open(int fd, es_audio_info_t *info, char *err, size_t err_len)
{
    mpeg_t *self = es_alloc_zero(sizeof *self);
    self->fd = fd;
    self->decoder = mpg123_new(NULL, NULL);
    if (self->decoder && prepare(self) == 0 && describe(self, info) == 0) return self;
    snprintf(err, err_len, "%s", self->decoder ? mpg123_strerror(self->decoder) : "no decoder");
    mpeg_close(self);
    return NULL;
}

static size_t mpeg_read(void *file, float *frames, size_t n, unsigned *holes)
{
    mpeg_t *self = file;
    for (int tries = 0; tries < ES_AUDIO_TRIES; tries++) {
        size_t bytes = 0;
        int rc = mpg123_read(self->decoder, (void *)frames, n * sizeof *frames, &bytes);
        if (bytes > 0) return bytes / sizeof *frames;
        if (rc == MPG123_DONE) return 0;
        if (rc != MPG123_OK && rc != MPG123_NEW_FORMAT && tries == 0) ++*holes;
    }
    return 0;
}

const es_audio_reader_t es_mpeg_reader = {.open = mpeg_open, .read = mpeg_read, .close = mpeg_close};
