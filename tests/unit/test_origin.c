#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "origin.h"

static void origins(void **state)
{
    (void)state;
    static const struct {
        const char *origin, *host, *allowed;
        bool fine;
    } cases[] = {
        {"", "here:8000", NULL, true},
        {"http://here:8000", "here:8000", NULL, true},
        {"https://HERE:8000", "here:8000", NULL, true},
        {"http://here", "here:80", NULL, true},
        {"https://here", "here:443", NULL, true},
        {"https://here", "here", NULL, true},
        {"http://here:80", "here", NULL, true},
        {"http://here:8001", "here:8000", NULL, false},
        {"http://here", "here:443", NULL, false},
        {"http://evil.example", "here:8000", NULL, false},
        {"http://here:8000.evil", "here:8000", NULL, false},
        {"null", "here:8000", NULL, false},
        {"file://", "here:8000", NULL, false},
        {"http://", "", NULL, false},
        {"http://", ":80", NULL, false},
        {"http://a", "here", "http://b,http://a", true},
        {"http://a", "here", "http://ab,http", false},
        {"null", "here", "null", true},
        {"http://anyone", "here", "*", true},
        {"http://a", "here", "", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (es_origin_allowed(cases[i].origin, cases[i].host, cases[i].allowed) != cases[i].fine)
            fail_msg("case %zu: origin %s at %s", i, cases[i].origin, cases[i].host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(origins)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
