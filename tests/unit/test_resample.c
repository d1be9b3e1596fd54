#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "resample.h"

static const uint32_t rates[] = {8000, 24000, 44100, 48000};

/* One second of a 440 Hz tone in chunks of `chunk` samples. Returns the samples made. */
static size_t tone(uint32_t rate, size_t chunk, int16_t *out)
{
    es_resampler_t *self = es_resampler_new(rate);
    int16_t *in = malloc(rate * 2);
    size_t made = 0;
    for (uint32_t i = 0; i < rate; i++) in[i] = (int16_t)(10000 * sin(2 * M_PI * 440 * i / rate));
    for (size_t at = 0; at < rate; at += chunk) {
        size_t n = rate - at < chunk ? rate - at : chunk;
        size_t got = es_resampler_run(self, in + at, n, out + made);
        assert_true(got * 2 <= es_resampler_bound(rate, n * 2));
        made += got;
    }
    made += es_resampler_flush(self, out + made);
    free(in);
    es_resampler_destroy(&self);
    assert_null(self);
    return made;
}

static void a_tone_stays_itself(void **state)
{
    (void)state;
    int16_t *out = malloc(2 * (ES_RATE + 8 * ES_RESAMPLER_TAIL));
    for (size_t r = 0; r < 4; r++) {
        size_t made = tone(rates[r], rates[r] / 50, out);
        assert_in_range(made, ES_RATE - 4, ES_RATE + 4);
        /* In step with the ideal tone, so that times are right: the filter's delay is taken off. */
        double wrong = 0;
        for (size_t i = 400; i < 15600; i++) wrong += fabs(out[i] - 10000 * sin(2 * M_PI * 440 * (double)i / ES_RATE));
        assert_true(wrong / 15200 < 400);
    }
    free(out);
}

static void chunks_make_no_difference(void **state)
{
    (void)state;
    int16_t *a = malloc(2 * (ES_RATE + 8 * ES_RESAMPLER_TAIL)), *b = malloc(2 * (ES_RATE + 8 * ES_RESAMPLER_TAIL));
    for (size_t r = 0; r < 4; r++) {
        size_t n = tone(rates[r], rates[r], a);
        assert_int_equal(tone(rates[r], 7, b), n);
        assert_memory_equal(a, b, n * 2);
    }
    free(a);
    free(b);
}

static void our_own_rate_needs_nothing(void **state)
{
    (void)state;
    assert_null(es_resampler_new(ES_RATE));
    assert_true(es_rate_supported(ES_RATE));
    assert_false(es_rate_supported(11025));
    assert_false(es_rate_supported(0));
    es_resampler_t *none = NULL;
    es_resampler_destroy(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_tone_stays_itself),
                                       cmocka_unit_test(chunks_make_no_difference),
                                       cmocka_unit_test(our_own_rate_needs_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
