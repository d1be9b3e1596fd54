#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "wav.h"

typedef struct {
    uint8_t bytes[512];
    size_t len;
} file_t;

static void put(file_t *f, const void *bytes, size_t n)
{
    assert_true(f->len + n <= sizeof f->bytes);
    memcpy(f->bytes + f->len, bytes, n);
    f->len += n;
}
static void put_int(file_t *f, uint64_t value, size_t n)
{
    for (size_t i = 0; i < n; i++, value >>= 8) put(f, &(uint8_t){(uint8_t)value}, 1);
}
static void chunk(file_t *f, const char *id, uint32_t size)
{
    put(f, id, 4);
    put_int(f, size, 4);
}
static void fmt(file_t *f, uint32_t format, uint32_t channels, uint32_t rate, uint32_t bits)
{
    chunk(f, "fmt ", 16);
    put_int(f, format, 2);
    put_int(f, channels, 2);
    put_int(f, rate, 4);
    put_int(f, (uint64_t)rate * channels * bits / 8, 4);
    put_int(f, channels * bits / 8, 2);
    put_int(f, bits, 2);
}
static file_t riff(const char *id)
{
    file_t f = {.len = 0};
    chunk(&f, id, 36);
    put(&f, "WAVE", 4);
    return f;
}

/* Feeds in pieces of `step`; the answer must not depend on it. */
static es_wav_result_t parse(es_wav_t *wav, const file_t *f, size_t step, size_t *at)
{
    es_wav_result_t result = ES_WAV_MORE;
    es_wav_init(wav);
    for (*at = 0; *at < f->len && result == ES_WAV_MORE;) {
        size_t n = f->len - *at < step ? f->len - *at : step, used;
        result = es_wav_feed(wav, f->bytes + *at, n, &used);
        *at += used;
    }
    return result;
}

static void expect_audio(const file_t *f, size_t head, uint32_t rate, uint32_t channels, uint64_t bytes)
{
    for (size_t step = 1; step <= f->len; step++) {
        es_wav_t wav;
        size_t at;
        assert_int_equal(parse(&wav, f, step, &at), ES_WAV_AUDIO);
        assert_int_equal(at, head);
        assert_int_equal(wav.rate, rate);
        assert_int_equal(wav.channels, channels);
        assert_true(wav.data_bytes == bytes);
        assert_int_equal(es_wav_feed(&wav, "xx", 2, &at), ES_WAV_AUDIO);
        assert_int_equal(at, 0);
    }
}

static void expect_error(const file_t *f, const char *words)
{
    es_wav_t wav;
    size_t at;
    assert_int_equal(parse(&wav, f, f->len, &at), ES_WAV_ERROR);
    if (!strstr(wav.error, words)) fail_msg("\"%s\" does not speak of \"%s\"", wav.error, words);
}

static void plain(void **state)
{
    (void)state;
    file_t f = riff("RIFF");
    fmt(&f, 1, 1, 16000, 16);
    chunk(&f, "data", 4);
    put(&f, "abcd", 4);
    expect_audio(&f, 44, 16000, 1, 4);
}

static void other_chunks_are_skipped(void **state)
{
    (void)state;
    file_t f = riff("RIFF");
    chunk(&f, "LIST", 5); /* odd: padded */
    put(&f, "INFO!\0", 6);
    fmt(&f, 1, 2, 48000, 16);
    chunk(&f, "fact", 4);
    put_int(&f, 7, 4);
    chunk(&f, "junk", 0);
    chunk(&f, "data", 100);
    expect_audio(&f, f.len, 48000, 2, 100);
}

static void sizes_left_unknown_by_a_pipe(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        file_t f = riff("RIFF");
        fmt(&f, 1, 1, 8000, 16);
        chunk(&f, "data", i ? UINT32_MAX : 0);
        expect_audio(&f, f.len, 8000, 1, ES_WAV_UNKNOWN);
    }
}

static void rf64(void **state)
{
    (void)state;
    file_t f = riff("RF64");
    chunk(&f, "ds64", 28);
    put_int(&f, UINT64_C(1) << 40, 8);
    put_int(&f, UINT64_C(1) << 39, 8);
    put_int(&f, 0, 12);
    fmt(&f, 1, 1, 44100, 16);
    chunk(&f, "data", UINT32_MAX);
    expect_audio(&f, f.len, 44100, 1, UINT64_C(1) << 39);
}

static void extensible(void **state)
{
    (void)state;
    file_t f = riff("RIFF");
    fmt(&f, 0xFFFE, 6, 24000, 16);
    f.bytes[16] = 40; /* size of fmt */
    put_int(&f, 22, 2);
    put_int(&f, 16, 2);
    put_int(&f, 0x3f, 4);
    put_int(&f, 1, 2);
    put(&f, "\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71", 14);
    chunk(&f, "data", 12);
    expect_audio(&f, f.len, 24000, 6, 12);
}

static void what_is_refused_and_what_is_said(void **state)
{
    (void)state;
    static const struct {
        uint32_t format, channels, rate, bits;
        const char *words;
    } cases[] = {{3, 1, 16000, 32, "32-bit floating point"},
                 {1, 1, 16000, 8, "8-bit PCM"},
                 {1, 2, 48000, 24, "24-bit PCM"},
                 {7, 1, 8000, 8, "mu-law"},
                 {6, 1, 8000, 8, "A-law"},
                 {2, 1, 8000, 4, "ADPCM"},
                 {0x55, 1, 8000, 0, "MP3"},
                 {0x1234, 1, 8000, 16, "0x1234"},
                 {1, 1, 22050, 16, "22050 Hz"},
                 {1, 0, 16000, 16, "0 channels"},
                 {1, 65, 16000, 16, "65 channels"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        file_t f = riff("RIFF");
        fmt(&f, cases[i].format, cases[i].channels, cases[i].rate, cases[i].bits);
        chunk(&f, "data", 0);
        expect_error(&f, cases[i].words);
        expect_error(&f, "ffmpeg -i FILE");
    }
    file_t f = {.len = 0};
    put(&f, "OggS\0\2\0\0\0\0\0\0\0\0", 14);
    expect_error(&f, "not a WAV file");
    f = riff("RIFX");
    expect_error(&f, "big-endian");
    f = riff("RIFF");
    chunk(&f, "data", 4);
    expect_error(&f, "before its format");
    f = riff("RIFF");
    chunk(&f, "fmt ", 14);
    expect_error(&f, "14 bytes");
}

static void a_head_without_end(void **state)
{
    (void)state;
    static uint8_t zeros[1 << 20];
    es_wav_t wav;
    size_t at;
    file_t f = riff("RIFF");
    chunk(&f, "LIST", UINT32_MAX - 1);
    assert_int_equal(parse(&wav, &f, f.len, &at), ES_WAV_MORE);
    es_wav_result_t result = ES_WAV_MORE;
    for (int i = 0; i < 20 && result == ES_WAV_MORE; i++) result = es_wav_feed(&wav, zeros, sizeof zeros, &at);
    assert_int_equal(result, ES_WAV_ERROR);
}

static void an_early_end(void **state)
{
    (void)state;
    es_wav_t wav;
    size_t at;
    es_wav_init(&wav);
    assert_non_null(strstr(es_wav_short(&wav), "empty"));
    es_wav_feed(&wav, "RIF", 3, &at);
    assert_non_null(strstr(es_wav_short(&wav), "--rate"));
    file_t f = riff("RIFF");
    parse(&wav, &f, f.len, &at);
    assert_non_null(strstr(es_wav_short(&wav), "before its audio"));
}

static void channels_are_averaged(void **state)
{
    (void)state;
    const uint8_t pcm[] = {0xff, 0x7f, 0xff, 0x7f, 0x00, 0x80, 0x00, 0x80, 10, 0, 0xf6, 0xff};
    int16_t out[6];
    es_wav_mono(pcm, 3, 2, out);
    assert_int_equal(out[0], 32767);
    assert_int_equal(out[1], -32768);
    assert_int_equal(out[2], 0);
    es_wav_mono(pcm, 6, 1, out);
    assert_int_equal(out[4], 10);
    assert_int_equal(out[5], -10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain),
        cmocka_unit_test(other_chunks_are_skipped),
        cmocka_unit_test(sizes_left_unknown_by_a_pipe),
        cmocka_unit_test(rf64),
        cmocka_unit_test(extensible),
        cmocka_unit_test(what_is_refused_and_what_is_said),
        cmocka_unit_test(a_head_without_end),
        cmocka_unit_test(an_early_end),
        cmocka_unit_test(channels_are_averaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
