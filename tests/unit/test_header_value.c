#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "jobs/header_value.h"

/* "item|name=value|...", with "!" at the end where it is malformed. */
static void parse(const char *value, char *out, size_t cap)
{
    char text[512];
    es_span_t item, name, got;
    size_t len = strlen(value), n;
    memcpy(text, value, len);
    es_header_params_t params = es_header_split(text, len, &item);
    n = (size_t)snprintf(out, cap, "%.*s", (int)item.len, item.ptr);
    int rc;
    while ((rc = es_header_param(&params, &name, &got)) > 0)
        n += (size_t)snprintf(out + n, cap - n, "|%.*s=%.*s", (int)name.len, name.ptr, (int)got.len, got.ptr);
    if (rc) snprintf(out + n, cap - n, "!");
}

static void parameters(void **state)
{
    (void)state;
    static const struct {
        const char *value, *parsed;
    } cases[] = {
        {"", ""},
        {"  form-data ", "form-data"},
        {"a; b=c", "a|b=c"},
        {"a;b=c ; d=\"e;f\"", "a|b=c|d=e;f"},
        {"a; b=\"q\\\"uo\\\\te\"", "a|b=q\"uo\\te"},
        {"a; b=\"C:\\talks\\one.wav\"", "a|b=C:\\talks\\one.wav"},
        {"a; b=\"\"", "a|b="},
        {"a;", "a"},
        {"a;; ;b=c;", "a|b=c"},
        {"a; b", "a!"},
        {"a; b=", "a!"},
        {"a; =c", "a!"},
        {"a; b =c", "a!"},
        {"a; b= c", "a!"},
        {"a; b=\"c", "a!"},
        {"a; b=\"c\\\"", "a!"},
        {"a; b=\"c\"d", "a|b=c!"},
        {"a; b=c d", "a|b=c!"},
        {"a; b=c\"d\"", "a|b=c!"},
        {"a; b*=UTF-8''%41", "a|b*=UTF-8''%41"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[512];
        parse(cases[i].value, out, sizeof out);
        if (strcmp(out, cases[i].parsed) != 0)
            fail_msg("case %zu (%s): %s, not %s", i, cases[i].value, out, cases[i].parsed);
    }
}

static void percents(void **state)
{
    (void)state;
    static const struct {
        const char *text, *decoded; /* NULL: malformed */
    } cases[] = {
        {"", ""},       {"plain", "plain"}, {"%41b%2Fc%2f", "Ab/c/"}, {"%c3%A9", "\xc3\xa9"}, {"%", NULL}, {"%4", NULL},
        {"a%4g", NULL}, {"%zz", NULL},      {"%%41", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char memory[64];
        memcpy(memory, cases[i].text, strlen(cases[i].text));
        es_span_t text = es_span_of(memory, strlen(cases[i].text));
        int rc = es_percent_decode(&text, memory);
        bool fine = cases[i].decoded ? !rc && es_span_eq(text, es_span_of(cases[i].decoded, strlen(cases[i].decoded)))
                                     : rc == -1;
        if (!fine) fail_msg("case %zu: %s", i, cases[i].text);
    }
}

static void names(void **state)
{
    (void)state;
    assert_true(es_header_is(es_span("Content-Type"), "content-type"));
    assert_false(es_header_is(es_span("Content-Typ"), "content-type"));
    assert_false(es_header_is(es_span("Content-Types"), "content-type"));
    assert_true(es_header_token(es_span("x-Y_1!")));
    assert_false(es_header_token(es_span("x y")));
    assert_false(es_header_token(es_span_of("x\0y", 3)));
    assert_false(es_header_token(es_span("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(parameters), cmocka_unit_test(percents),
                                       cmocka_unit_test(names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
