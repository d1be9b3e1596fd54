#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "map.h"

static void test_empty(void **state)
{
    (void)state;
    es_map_t *map = es_map_new(7);
    assert_null(es_map_get(map, es_span("a")));
    assert_null(es_map_remove(map, es_span("a")));
    assert_int_equal(es_map_count(map), 0);
    es_map_destroy(&map);
    assert_null(map);
    es_map_destroy(&map);
    es_map_destroy(NULL);
}

static void test_keys_of_all_lengths(void **state)
{
    (void)state;
    static char keys[ES_KEY_MAX + 1][ES_KEY_MAX];
    es_map_t *map = es_map_new(1);
    for (size_t n = 0; n <= ES_KEY_MAX; n++) {
        memset(keys[n], 'k', n);
        es_map_put(map, es_span_of(keys[n], n), keys[n]);
    }
    assert_int_equal(es_map_count(map), ES_KEY_MAX + 1);
    for (size_t n = 0; n <= ES_KEY_MAX; n++) assert_ptr_equal(es_map_get(map, es_span_of(keys[n], n)), keys[n]);
    es_map_destroy(&map);
}

/* SipHash is keyed: another seed, another order; and a key that differs only in its last byte hashes elsewhere. */
static void test_hash(void **state)
{
    (void)state;
    es_map_t *a = es_map_new(1), *b = es_map_new(2), *c = es_map_new(1);
    assert_true(es_map_hash(a, es_span("client")) == es_map_hash(c, es_span("client")));
    assert_true(es_map_hash(a, es_span("client")) != es_map_hash(b, es_span("client")));
    assert_true(es_map_hash(a, es_span("clienu")) != es_map_hash(a, es_span("client")));
    assert_true(es_map_hash(a, es_span_of("a\0", 2)) != es_map_hash(a, es_span("a")));
    es_map_destroy(&a);
    es_map_destroy(&b);
    es_map_destroy(&c);
}

/* Against an array that knows the truth: 200 000 steps over 2 000 keys, deletions in the middle of clusters included. */
static void test_against_model(void **state)
{
    (void)state;
    enum { KEYS = 2000, STEPS = 200000 };
    static char keys[KEYS][17];
    static bool present[KEYS];
    size_t count = 0;
    uint64_t x = 88172645463325252u;
    es_map_t *map = es_map_new(3);
    for (int i = 0; i < KEYS; i++) snprintf(keys[i], sizeof keys[i], "%016x", i);
    for (int step = 0; step < STEPS; step++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        size_t i = (size_t)(x % KEYS);
        es_span_t key = es_span(keys[i]);
        assert_ptr_equal(es_map_get(map, key), present[i] ? keys[i] : NULL);
        if (present[i]) {
            assert_ptr_equal(es_map_remove(map, key), keys[i]);
            count--;
        } else {
            es_map_put(map, key, keys[i]);
            count++;
        }
        present[i] = !present[i];
        assert_int_equal(es_map_count(map), count);
    }
    for (int i = 0; i < KEYS; i++) assert_ptr_equal(es_map_get(map, es_span(keys[i])), present[i] ? keys[i] : NULL);
    es_map_destroy(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_empty), cmocka_unit_test(test_keys_of_all_lengths),
                                       cmocka_unit_test(test_hash), cmocka_unit_test(test_against_model)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
