#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pcm_source.h"

/* A WAV of `channels` with `frames` frames; every sample of frame i is i. `claim`: what its head says it has. */
static void write_wav(FILE *f, uint32_t rate, uint16_t channels, size_t frames, uint32_t claim)
{
    uint32_t words[] = {0x46464952,
                        36,
                        0x45564157,
                        0x20746d66,
                        16,
                        1u | (uint32_t)channels << 16,
                        rate,
                        rate * channels * 2,
                        (uint32_t)channels * 2 | 16u << 16,
                        0x61746164,
                        claim};
    fwrite(words, sizeof words, 1, f);
    for (size_t i = 0; i < frames; i++)
        for (uint16_t c = 0; c < channels; c++) fwrite(&(int16_t){(int16_t)i}, 2, 1, f);
}

static char *file_with(uint32_t rate, uint16_t channels, size_t frames, uint32_t claim)
{
    static char path[32];
    strncpy(path, "/tmp/es-wav-XXXXXX", sizeof path);
    FILE *f = fdopen(mkstemp(path), "w");
    assert_non_null(f);
    if (rate)
        write_wav(f, rate, channels, frames, claim);
    else
        for (size_t i = 0; i < frames; i++) fwrite(&(int16_t){(int16_t)i}, 2, 1, f);
    fclose(f);
    return path;
}

static size_t read_all(es_pcm_source_t *source, size_t *chunks)
{
    const void *pcm;
    size_t bytes, samples = 0;
    *chunks = 0;
    while (es_pcm_source_read(source, &pcm, &bytes) == ES_PCM_CHUNK) {
        for (size_t i = 0; i < bytes / 2; i++, samples++) assert_int_equal(((const int16_t *)pcm)[i], (int16_t)samples);
        ++*chunks;
    }
    assert_int_equal(es_pcm_source_read(source, &pcm, &bytes), ES_PCM_END);
    return samples;
}

static void a_wav_in_chunks(void **state)
{
    (void)state;
    char err[300], *path = file_with(48000, 3, 10000, 60000);
    es_pcm_source_t *source = es_pcm_source_open(path, 0, 100, err, sizeof err);
    unlink(path);
    size_t chunks;
    assert_non_null(source);
    assert_int_equal(es_pcm_source_rate(source), 48000);
    assert_int_equal(es_pcm_source_chunk(source), 4800);
    assert_int_equal(es_pcm_source_length(source), 10000);
    assert_int_equal(read_all(source, &chunks), 10000);
    assert_int_equal(chunks, 3);
    assert_int_equal(es_pcm_source_missing(source), 0);
    es_pcm_source_close(&source);
    assert_null(source);
}

static void a_wav_that_was_cut(void **state)
{
    (void)state;
    char err[300], *path = file_with(16000, 1, 500, 2000);
    es_pcm_source_t *source = es_pcm_source_open(path, 0, 10, err, sizeof err);
    unlink(path);
    size_t chunks;
    assert_int_equal(read_all(source, &chunks), 500);
    assert_int_equal(es_pcm_source_missing(source), 500);
    es_pcm_source_close(&source);
}

static void what_follows_the_audio_is_not_audio(void **state)
{
    (void)state;
    char err[300], *path = file_with(16000, 1, 500, 600); /* 300 samples, then something else */
    es_pcm_source_t *source = es_pcm_source_open(path, 0, 10, err, sizeof err);
    unlink(path);
    size_t chunks;
    assert_int_equal(read_all(source, &chunks), 300);
    es_pcm_source_close(&source);
}

static void raw_samples(void **state)
{
    (void)state;
    char err[300], *path = file_with(0, 1, 250, 0);
    es_pcm_source_t *source = es_pcm_source_open(path, 8000, 20, err, sizeof err);
    unlink(path);
    size_t chunks;
    assert_int_equal(es_pcm_source_length(source), 250);
    assert_int_equal(read_all(source, &chunks), 250);
    assert_int_equal(chunks, 2);
    es_pcm_source_close(&source);
}

/* Standard input as a pipe whose writer takes its time: reading never waits. */
static void a_pipe_gives_when_it_has(void **state)
{
    (void)state;
    int ends[2], saved = dup(STDIN_FILENO);
    char err[300];
    const void *pcm;
    size_t bytes;
    assert_int_equal(pipe(ends), 0);
    dup2(ends[0], STDIN_FILENO);
    FILE *writer = fdopen(ends[1], "w");
    write_wav(writer, 16000, 1, 100, UINT32_MAX);
    fflush(writer);
    es_pcm_source_t *source = es_pcm_source_open("-", 0, 10, err, sizeof err);
    assert_non_null(source);
    assert_true(es_pcm_source_length(source) == UINT64_MAX);
    assert_int_equal(es_pcm_source_read(source, &pcm, &bytes), ES_PCM_NONE_YET);
    for (int16_t i = 100; i < 161; i++) fwrite(&i, 2, 1, writer);
    fflush(writer);
    assert_int_equal(es_pcm_source_read(source, &pcm, &bytes), ES_PCM_CHUNK);
    assert_int_equal(bytes, 320);
    assert_int_equal(es_pcm_source_read(source, &pcm, &bytes), ES_PCM_NONE_YET);
    fclose(writer);
    assert_int_equal(es_pcm_source_read(source, &pcm, &bytes), ES_PCM_CHUNK);
    assert_int_equal(bytes, 2);
    assert_int_equal(es_pcm_source_read(source, &pcm, &bytes), ES_PCM_END);
    assert_int_equal(es_pcm_source_missing(source), 0);
    es_pcm_source_close(&source);
    dup2(saved, STDIN_FILENO);
    close(saved);
    close(ends[0]);
}

static void what_cannot_be_opened(void **state)
{
    (void)state;
    char err[300];
    assert_null(es_pcm_source_open("/nonexistent", 0, 100, err, sizeof err));
    assert_non_null(strstr(err, "/nonexistent"));
    assert_null(es_pcm_source_open("/tmp", 0, 100, err, sizeof err));
    char *path = file_with(0, 1, 0, 0);
    assert_null(es_pcm_source_open(path, 0, 100, err, sizeof err));
    assert_non_null(strstr(err, "empty"));
    unlink(path);
    path = file_with(11025, 1, 0, 0);
    assert_null(es_pcm_source_open(path, 0, 100, err, sizeof err));
    assert_non_null(strstr(err, "11025"));
    unlink(path);
}

static void a_device_has_no_known_end(void **state)
{
    char err[512];
    const void *pcm;
    size_t bytes;
    (void)state;
    es_pcm_source_t *source = es_pcm_source_open("/dev/zero", 8000, 100, err, sizeof err);
    assert_non_null(source);
    assert_true(es_pcm_source_length(source) == UINT64_MAX);
    assert_int_equal(es_pcm_source_read(source, &pcm, &bytes), ES_PCM_CHUNK);
    assert_int_equal(bytes, 1600);
    es_pcm_source_close(&source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wav_in_chunks),
        cmocka_unit_test(a_wav_that_was_cut),
        cmocka_unit_test(what_follows_the_audio_is_not_audio),
        cmocka_unit_test(raw_samples),
        cmocka_unit_test(a_pipe_gives_when_it_has),
        cmocka_unit_test(a_device_has_no_known_end),
        cmocka_unit_test(what_cannot_be_opened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
