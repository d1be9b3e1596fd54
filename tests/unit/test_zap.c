/* Requests of ZAP: the right ones, and every way in which one is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "zap.h"

typedef struct {
    es_allowed_t allowed;
    uint8_t raw[ES_KEY_BYTES];
    es_span_t frames[ES_ZAP_FRAMES + 1];
} world_t;

static int setup(void **state)
{
    static world_t w;
    static const es_allowed_ops_t nobody = {.added = NULL};
    char err[200];
    es_key_t key;
    memset(&w, 0, sizeof w);
    assert_int_equal(es_key_make(&key, ES_ROLE_TRANSCRIBER, "t", err, sizeof err), 0);
    es_key_public_bytes(&key, w.raw);
    es_allowed_replace(&w.allowed, &(es_keys_t){.list = &key, .count = 1}, &nobody, NULL);
    const es_span_t frames[] = {es_span("1.0"),
                                es_span("1"),
                                es_span("backend"),
                                es_span("10.0.0.2"),
                                es_span(""),
                                es_span("CURVE"),
                                es_span_of(w.raw, ES_KEY_BYTES),
                                es_span("more")};
    memcpy(w.frames, frames, sizeof frames);
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    es_allowed_fini(&((world_t *)*state)->allowed);
    return 0;
}

static es_zap_verdict_t judge(world_t *w, size_t n)
{
    const es_allowed_entry_t *who = NULL;
    es_zap_verdict_t verdict = es_zap_judge(w->frames, n, &w->allowed, &who);
    assert_int_equal(verdict == ES_ZAP_OK, who != NULL);
    return verdict;
}

static es_zap_verdict_t with(world_t *w, size_t frame, es_span_t value)
{
    es_span_t was = w->frames[frame];
    w->frames[frame] = value;
    es_zap_verdict_t verdict = judge(w, ES_ZAP_FRAMES);
    w->frames[frame] = was;
    return verdict;
}

static void the_right_request_is_answered(void **state)
{
    world_t *w = *state;
    assert_int_equal(judge(w, ES_ZAP_FRAMES), ES_ZAP_OK);
    assert_int_equal(with(w, 2, es_span("results")), ES_ZAP_OK);
}

static void another_number_of_frames_is_none(void **state)
{
    world_t *w = *state;
    for (size_t n = 0; n <= ES_ZAP_FRAMES + 1; n++)
        if (n != ES_ZAP_FRAMES) assert_int_equal(judge(w, n), ES_ZAP_MALFORMED);
}

static void each_frame_is_looked_at(void **state)
{
    world_t *w = *state;
    uint8_t other[ES_KEY_BYTES + 1] = {1, 2, 3};
    assert_int_equal(with(w, 0, es_span("1.1")), ES_ZAP_MALFORMED);
    assert_int_equal(with(w, 0, es_span("")), ES_ZAP_MALFORMED);
    assert_int_equal(with(w, 5, es_span("PLAIN")), ES_ZAP_MECHANISM);
    assert_int_equal(with(w, 5, es_span("NULL")), ES_ZAP_MECHANISM);
    assert_int_equal(with(w, 5, es_span("CURVES")), ES_ZAP_MECHANISM);
    assert_int_equal(with(w, 6, es_span_of(other, ES_KEY_BYTES)), ES_ZAP_UNKNOWN);
    assert_int_equal(with(w, 6, es_span_of(w->raw, ES_KEY_BYTES - 1)), ES_ZAP_MALFORMED);
    assert_int_equal(with(w, 6, es_span_of(other, ES_KEY_BYTES + 1)), ES_ZAP_MALFORMED);
    assert_int_equal(with(w, 6, es_span("")), ES_ZAP_MALFORMED);
}

static void the_domain_decides_with_the_role(void **state)
{
    world_t *w = *state;
    static const char *const wrong[] = {"frontend", "publish", "", "backend ", "global"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(with(w, 2, es_span(wrong[i])), ES_ZAP_ROLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_right_request_is_answered, setup, teardown),
        cmocka_unit_test_setup_teardown(another_number_of_frames_is_none, setup, teardown),
        cmocka_unit_test_setup_teardown(each_frame_is_looked_at, setup, teardown),
        cmocka_unit_test_setup_teardown(the_domain_decides_with_the_role, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
