/* The text of key files: what CZMQ and pyzmq write, and what nobody should. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "key_text.h"

static void get(const char *text, const char *name, const char *expected)
{
    char out[16] = "";
    assert_int_equal(es_key_text_get(text, "curve", name, out, sizeof out), expected ? 0 : -1);
    if (expected) assert_string_equal(out, expected);
}

static void what_tools_write_is_read(void **state)
{
    (void)state;
    static const char text[] =
        "#   ****  Generated on 2026-01-01  ****\n#   \n\nmetadata\n    public-key = \"no\"\ncurve\n"
        "    public-key = \"a=b#c\"\r\n    secret-key = 'x y'  \n    bare=z\n";
    get(text, "public-key", "a=b#c");
    get(text, "secret-key", "x y");
    get(text, "bare", "z");
    get(text, "absent", NULL);
}

static void what_is_not_there_or_twice_is_refused(void **state)
{
    (void)state;
    get("", "k", NULL);
    get("curve", "k", NULL);
    get("curve\n    k\n", "k", NULL);
    get("k = v\n", "k", NULL);
    get("curves\n    k = v\n", "k", NULL);
    get("curve\n        k = v\n", "k", NULL);
    get("curve\n  k = v\n", "k", NULL);
    get("curve\n    # k = v\n", "k", NULL);
    get("curve\n    k = v\ncurve\n    k = v\n", "k", NULL);
    get("curve\n    k = 1234567890123456\n", "k", NULL);
    get("curve\n    k = 123456789012345", "k", "123456789012345");
    get("curve\n    k = \"\n", "k", "\"");
    get("curve\n    k =\n", "k", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_tools_write_is_read),
                                       cmocka_unit_test(what_is_not_there_or_twice_is_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
