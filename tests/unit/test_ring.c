/* proto/ring.c and proto/alloc.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alloc.h"
#include "ring.h"

static void test_empty_holds_no_memory(void **state)
{
    (void)state;
    es_ring_t ring = {0};
    assert_null(ring.slots);
    assert_null(es_ring_at(&ring, 0));
    assert_null(es_ring_pop(&ring));
    es_ring_fini(&ring);
}

static void test_grows_and_shrinks_in_order(void **state)
{
    (void)state;
    static char items[5000];
    es_ring_t ring = {0};
    size_t in = 0, out = 0;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 1500; i++) es_ring_push(&ring, &items[in++]);
        assert_true(ring.cap >= ring.count);
        assert_ptr_equal(es_ring_at(&ring, 0), &items[out]);
        assert_ptr_equal(es_ring_at(&ring, ring.count - 1), &items[in - 1]);
        assert_null(es_ring_at(&ring, ring.count));
        assert_null(es_ring_at(&ring, UINT64_MAX));
        while (ring.count > 3) assert_ptr_equal(es_ring_pop(&ring), &items[out++]);
        assert_int_equal(ring.cap, 8);
    }
    es_ring_fini(&ring);
    assert_int_equal(ring.cap, 0);
}

static void test_copies_end_with_nul(void **state)
{
    (void)state;
    char *copy = es_alloc_copy("abcdef", 3);
    assert_string_equal(copy, "abc");
    free(copy);
    copy = es_alloc_copy(NULL, 0);
    assert_string_equal(copy, "");
    free(copy);
    unsigned char *zero = es_alloc_zero(16);
    for (int i = 0; i < 16; i++) assert_int_equal(zero[i], 0);
    free(zero);
    free(es_alloc(0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty_holds_no_memory),
        cmocka_unit_test(test_grows_and_shrinks_in_order),
        cmocka_unit_test(test_copies_end_with_nul),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
