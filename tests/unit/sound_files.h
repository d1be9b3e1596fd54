/* Recordings made on the spot: a tone whose pitch is known, as WAV, and by the usual encoders as everything else. */
#ifndef ES_SOUND_FILES_H
#define ES_SOUND_FILES_H

#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char sound_dir[64];

static inline int sounds_setup(void **state)
{
    (void)state;
    snprintf(sound_dir, sizeof sound_dir, "/tmp/es-sounds-XXXXXX");
    return mkdtemp(sound_dir) ? 0 : -1;
}

static inline int sounds_teardown(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof command, "rm -r %s", sound_dir);
    return system(command);
}

/* Static, the last four stay. */
static inline const char *sound_path(const char *name)
{
    static char paths[4][128];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", sound_dir, name);
    return path;
}

static inline void put32(unsigned char *to, uint32_t value)
{
    for (int i = 0; i < 4; i++) to[i] = (unsigned char)(value >> (8 * i));
}

/* 16 bit, `frames` of them, a tone of hz at half of full scale in every channel. */
static inline void make_wav(const char *name, uint32_t rate, uint32_t channels, uint32_t frames, double hz)
{
    unsigned char head[44] = "RIFF....WAVEfmt ";
    FILE *file = fopen(sound_path(name), "wb");
    assert_non_null(file);
    put32(head + 4, 36 + frames * channels * 2);
    put32(head + 16, 16);
    put32(head + 20, 1 | channels << 16);
    put32(head + 24, rate);
    put32(head + 28, rate * channels * 2);
    put32(head + 32, channels * 2 | 16u << 16);
    memcpy(head + 36, "data", 4);
    put32(head + 40, frames * channels * 2);
    assert_int_equal(fwrite(head, 1, sizeof head, file), sizeof head);
    for (uint32_t i = 0; i < frames; i++) {
        int16_t sample = (int16_t)lround(16384 * sin(2 * M_PI * hz * i / rate));
        for (uint32_t c = 0; c < channels; c++) assert_int_equal(fwrite(&sample, 2, 1, file), 1);
    }
    assert_int_equal(fclose(file), 0);
}

/* Runs a command in the directory of the sounds. */
static inline void make(const char *command)
{
    char line[512];
    snprintf(line, sizeof line, "cd %s && (%s) >/dev/null 2>&1", sound_dir, command);
    assert_int_equal(system(line), 0);
}

static inline int open_sound(const char *name)
{
    int fd = open(sound_path(name), O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static inline long size_of(const char *name)
{
    struct stat st;
    assert_int_equal(stat(sound_path(name), &st), 0);
    return (long)st.st_size;
}

/* A copy of the file's first `share` of 100, or with that much of it in the middle overwritten by noise. */
static inline void spoil(const char *from, const char *to, int share, int noise)
{
    long size = size_of(from);
    unsigned char *data = malloc((size_t)size);
    FILE *in = fopen(sound_path(from), "rb"), *out = fopen(sound_path(to), "wb");
    assert_true(data && in && out);
    assert_int_equal(fread(data, 1, (size_t)size, in), size);
    uint32_t random = 1;
    for (long i = size / 2; i < size / 2 + size * noise / 100; i++)
        data[i] = (unsigned char)((random = random * 1664525u + 1013904223u) >> 24);
    assert_int_equal(fwrite(data, 1, (size_t)(size * share / 100), out), size * share / 100);
    fclose(in);
    fclose(out);
    free(data);
}

#endif
