#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "http/http_router.h"

static void patterns_match_whole_segments(void **state)
{
    static const struct {
        const char *pattern, *path, *first, *second; /* first NULL: no match */
    } cases[] = {{"/", "/", "", ""},
                 {"/", "", NULL, NULL},
                 {"/jobs", "/jobs", "", ""},
                 {"/jobs", "/jobs/", NULL, NULL},
                 {"/jobs", "/job", NULL, NULL},
                 {"/jobs/{id}", "/jobs/7f-1", "7f-1", ""},
                 {"/jobs/{id}", "/jobs/", NULL, NULL},
                 {"/jobs/{id}", "/jobs/a/b", NULL, NULL},
                 {"/jobs/{id}/cancel", "/jobs/a/cancel", "a", ""},
                 {"/jobs/{id}/cancel", "/jobs/a/retry", NULL, NULL},
                 {"/jobs/{id}/cancel", "/jobs/a", NULL, NULL},
                 {"/a/{x}/b/{y}", "/a/1/b/2", "1", "2"},
                 {"/a/{x}/b/{y}", "/a/1/b/", NULL, NULL}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        es_span_t ids[ES_HTTP_IDS];
        bool found = es_http_route_match(cases[i].pattern, es_span(cases[i].path), ids);
        assert_int_equal(found, cases[i].first != NULL);
        if (!found) continue;
        assert_true(es_span_eq(ids[0], es_span(cases[i].first)));
        assert_true(es_span_eq(ids[1], es_span(cases[i].second)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(patterns_match_whole_segments)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
