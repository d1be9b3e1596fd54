#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "keymap.h"

enum { MANY = 5000 };

static es_span_t key(unsigned i, char out[17])
{
    snprintf(out, 17, "%06x%010x", i % 3, i);
    return es_span(out);
}

static void finds_what_was_put(void **state)
{
    es_keymap_t *map = es_keymap_new();
    int a, b;
    (void)state;
    assert_null(es_keymap_get(map, es_span("a")));
    es_keymap_put(map, es_span("a"), &a);
    es_keymap_put(map, es_span("ab"), &b);
    assert_ptr_equal(es_keymap_get(map, es_span("a")), &a);
    assert_ptr_equal(es_keymap_get(map, es_span("ab")), &b);
    assert_null(es_keymap_get(map, es_span("")));
    assert_null(es_keymap_get(map, es_span("0123456789abcdef0"))); /* longer than any key */
    assert_null(es_keymap_remove(map, es_span("0123456789abcdef0")));
    assert_null(es_keymap_remove(map, es_span("b")));
    assert_ptr_equal(es_keymap_remove(map, es_span("a")), &a);
    assert_null(es_keymap_get(map, es_span("a")));
    assert_int_equal(es_keymap_count(map), 1);
    es_keymap_destroy(&map);
    assert_null(map);
    es_keymap_destroy(&map);
}

/* Beside a plain array, through growth and removals in the middle of probe sequences. */
static void as_an_array_would(void **state)
{
    static char present[MANY], seen[MANY];
    es_keymap_t *map = es_keymap_new();
    char text[17];
    size_t count = 0;
    (void)state;
    srand(7);
    for (unsigned step = 0; step < 60000; step++) {
        unsigned i = (unsigned)rand() % MANY;
        void *found = es_keymap_get(map, key(i, text));
        assert_ptr_equal(found, present[i] ? &present[i] : NULL);
        if (found) {
            assert_ptr_equal(es_keymap_remove(map, key(i, text)), found);
            count--;
        } else {
            es_keymap_put(map, key(i, text), &present[i]);
            count++;
        }
        present[i] = !present[i];
        assert_int_equal(es_keymap_count(map), count);
    }
    char *value;
    for (size_t at = 0; (value = es_keymap_next(map, &at));) seen[value - present]++;
    assert_memory_equal(present, seen, MANY);
    es_keymap_destroy(&map);
}

static void hashes_depend_on_seed_and_all_bytes(void **state)
{
    (void)state;
    assert_true(es_keymap_hash(1, es_span("0123456789abcdef")) != es_keymap_hash(2, es_span("0123456789abcdef")));
    assert_true(es_keymap_hash(1, es_span("0123456789abcdef")) != es_keymap_hash(1, es_span("0123456789abcdee")));
    assert_true(es_keymap_hash(1, es_span("01234567")) != es_keymap_hash(1, es_span_of("01234567\0", 9)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_was_put),
        cmocka_unit_test(as_an_array_would),
        cmocka_unit_test(hashes_depend_on_seed_and_all_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
