#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "trace.h"

#define GOOD "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

static int parse(es_trace_t *out, const char *text)
{
    return es_trace_parse(out, es_span(text));
}

static void a_traceparent_goes_there_and_back(void **state)
{
    (void)state;
    es_trace_t trace, again;
    char text[ES_TRACEPARENT_LEN + 1], packed[ES_TRACE_LEN], id[33], span[17];
    assert_int_equal(parse(&trace, GOOD), 0);
    assert_int_equal(trace.flags, ES_TRACE_SAMPLED);
    es_trace_print(&trace, text);
    assert_string_equal(text, GOOD);
    es_trace_pack(&trace, packed);
    assert_true(es_trace_unpack(&again, es_span_of(packed, sizeof packed)));
    assert_memory_equal(&again, &trace, sizeof trace);
    es_trace_id_hex(&again, id);
    es_trace_span_hex(&again, span);
    assert_string_equal(id, "0af7651916cd43dd8448eb211c80319c");
    assert_string_equal(span, "b7ad6b7169203331");
}

static void later_versions_are_read_as_the_first(void **state)
{
    (void)state;
    es_trace_t trace;
    char text[ES_TRACEPARENT_LEN + 1];
    assert_int_equal(parse(&trace, "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-fe"), 0);
    assert_int_equal(trace.flags, 0);
    assert_int_equal(parse(&trace, "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03-what-comes-later"), 0);
    es_trace_print(&trace, text);
    assert_string_equal(text, GOOD);
}

static void what_is_none_is_ignored(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "00",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 ",
        "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "0g-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-g1",
    };
    es_trace_t trace;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (parse(&trace, bad[i]) == 0) fail_msg("taken: \"%s\"", bad[i]);
    assert_false(es_trace_unpack(&trace, es_span_of("", 0)));
    static const char nothing[ES_TRACE_LEN] = {0};
    assert_false(es_trace_unpack(&trace, es_span_of(nothing, sizeof nothing)));
    assert_false(es_trace_unpack(&trace, es_span_of(nothing, sizeof nothing - 1)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_traceparent_goes_there_and_back),
        cmocka_unit_test(later_versions_are_read_as_the_first),
        cmocka_unit_test(what_is_none_is_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
