#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http/origin.h"

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
        {"http://[::1]:8000", "[::1]:8000", NULL, true},
        {"http://[::1]", "[::1]:80", NULL, true},
        {"http://[::1]:80", "[::1]", NULL, true},
        {"http://[::1]:8000", "[::2]:8000", NULL, false},
        {"http://[fe80::80]", "[fe80::80]", NULL, true},
        {"http://here.:8000", "here:8000", NULL, false},
        {"http://here:8000", "here.:8000", NULL, false},
        {"http://here:8000.", "here:8000", NULL, false},
        {"http://here:08000", "here:8000", NULL, false},
        {"http://here:8000/", "here:8000", NULL, false},
        {"http://user@here:8000", "here:8000", NULL, false},
        {"http://evil.example#here:8000", "here:8000", NULL, false},
        {"http://here:8000 ", "here:8000", NULL, false},
        {"http://xn--hre-dma:8000", "here:8000", NULL, false},
        {"here:8000", "here:8000", NULL, false},
        {"ws://here:8000", "here:8000", NULL, false},
        {"HTTP://Here:8000", "hERE:8000", NULL, true},
        {"NULL", "here", NULL, false},
        {"http://A.example", "here", "http://a.example", true},
        {"http://a.example.", "here", "http://a.example", false},
        {"https://a.example", "here", "http://a.example", false},
        {"http://a.example:8080", "here", "http://a.example", false},
        {"http://sub.a.example", "here", "http://a.example", false},
        {"http://anyone", "here", "*", true},
        {"http://a", "here", "", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (es_origin_allowed(cases[i].origin, cases[i].host, false, cases[i].allowed) != cases[i].fine)
            fail_msg("case %zu: origin %s at %s", i, cases[i].origin, cases[i].host);
}

static void over_tls_only_https_is_the_same(void **state)
{
    (void)state;
    assert_true(es_origin_allowed("https://here:8443", "here:8443", true, NULL));
    assert_true(es_origin_allowed("https://here", "here:443", true, NULL));
    assert_false(es_origin_allowed("http://here:8443", "here:8443", true, NULL));
    assert_true(es_origin_allowed("http://here:8443", "here:8443", true, "http://here:8443"));
    assert_true(es_origin_allowed("", "here:8443", true, NULL));
}

static void names_of_others_may_point_here(void **state)
{
    (void)state;
    static const char *const others[] =
        {"evil.example:8000",           "EVIL.example",           "evil.example.",  "localhost.",       "desk.local",
         "127.0.0.1.evil.example:8000", "localhost.evil.example", "a.notlocalhost", "127.0.0.1.example"},
                             *const own[] = {"",           "127.0.0.1:8000",   "10.0.0.1",
                                             "[::1]:8000", "[::ffff:1.2.3.4]", "localhost:8000",
                                             "LOCALHOST",  "a.localhost:8000", "desk:8000",
                                             "edge"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (!es_origin_rebound(others[i], NULL)) fail_msg("%s is nobody else's", others[i]);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (es_origin_rebound(own[i], NULL)) fail_msg("%s is another's", own[i]);
}

static void names_of_the_list_are_ours(void **state)
{
    (void)state;
    static const struct {
        const char *host, *allowed;
        bool ours;
    } cases[] = {
        {"www.example", "http://www.example", true},
        {"www.example:8000", "https://www.example", true}, /* a proxy may take the port away, or the scheme */
        {"www.example", "https://www.example:8443", true},
        {"WWW.example", "https://www.EXAMPLE", true},
        {"www.example", "http://a,https://www.example,http://b", true},
        {"www.example", "*", true},
        {"www.example", "http://a,*", true},
        {"www.example", "", false},
        {"www.example", "http://a", false},
        {"www.example", "https://www.example.org", false},
        {"www.example", "https://ww.www.example", false},
        {"www.example", "https://www.exampl", false},
        {"www.example.", "https://www.example", false},
        {"example.org", "https://www.example.org", false},
        {"www.example", "www.example", false}, /* refused at the start */
        {"www.example", "a:,:", false},
        {"www.example", "http://www.exa,mple", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (es_origin_rebound(cases[i].host, cases[i].allowed) == cases[i].ours)
            fail_msg("case %zu: %s with %s", i, cases[i].host, cases[i].allowed);
}

static void what_no_page_can_have_is_refused(void **state)
{
    (void)state;
    static const char *const good[] =
        {NULL, "", "*", "https://a.example", "http://a:8080,https://b,chrome-extension://abc", "http://[::1]:8000"},
                             *const bad[] = {"null",
                                             "a.example",
                                             "https://a.example/",
                                             "https://*.a.example",
                                             "https://",
                                             "https://a, https://b",
                                             "https://a.example:443",
                                             "http://a:80",
                                             "://a",
                                             "https://me@a",
                                             "http://a,,"};
    char err[400];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (es_origin_check(good[i], err, sizeof err)) fail_msg("%s: %s", good[i], err);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (es_origin_check(bad[i], err, sizeof err) == 0) fail_msg("%s is taken", bad[i]);
        assert_non_null(strstr(err, "Example: "));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(origins), cmocka_unit_test(over_tls_only_https_is_the_same),
                                       cmocka_unit_test(names_of_others_may_point_here),
                                       cmocka_unit_test(names_of_the_list_are_ours),
                                       cmocka_unit_test(what_no_page_can_have_is_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
