#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "otlp_json.h"
#include "spans.h"

static es_trace_span_t taken[ES_SPANS_MAX];

static es_trace_t client_trace(const char *text)
{
    es_trace_t trace;
    assert_int_equal(es_trace_parse(&trace, es_span(text)), 0);
    return trace;
}

static void nobody_collects(void **state)
{
    (void)state;
    es_trace_span_t span;
    assert_false(es_spans_wanted());
    es_spans_begin(&span, "stream", NULL, 1);
    es_spans_end(&span, 2);
    es_spans_collect(true);
    assert_int_equal(es_spans_take(taken, ES_SPANS_MAX, 0), 0);
    es_spans_collect(false);
}

static void a_span_is_its_parents_child(void **state)
{
    (void)state;
    es_trace_t parent = client_trace("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    es_trace_span_t span;
    es_spans_collect(true);
    assert_true(es_spans_wanted());
    es_spans_begin(&span, "segment", &parent, 1000);
    es_spans_end(&span, 500); /* a clock that went back */
    assert_int_equal(es_spans_take(taken, 10, 0), 1);
    assert_memory_equal(taken[0].trace.id, parent.id, ES_TRACE_ID);
    assert_memory_equal(taken[0].parent, parent.span, ES_TRACE_SPAN);
    assert_memory_not_equal(taken[0].trace.span, parent.span, ES_TRACE_SPAN);
    assert_int_equal(taken[0].end_us, 1000);
    es_spans_collect(false);
}

static void what_is_not_recorded_is_not_collected(void **state)
{
    (void)state;
    es_trace_t parent = client_trace("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00");
    es_trace_span_t span;
    es_spans_collect(true);
    es_spans_begin(&span, "segment", &parent, 1);
    es_spans_end(&span, 2);
    assert_int_equal(es_spans_take(taken, 10, 0), 0);
    es_spans_collect(false);
}

static void the_queue_has_an_end(void **state)
{
    (void)state;
    es_trace_span_t span;
    es_metric_t *dropped = es_spans_metrics()[1];
    uint64_t before = es_metric_get(dropped);
    es_spans_collect(true);
    for (int i = 0; i < ES_SPANS_MAX + 3; i++) {
        es_spans_begin(&span, "stream", NULL, (uint64_t)i);
        es_spans_end(&span, (uint64_t)i);
    }
    assert_int_equal(es_metric_get(dropped) - before, 3);
    assert_int_equal(es_spans_take(taken, 10, 0), 10);
    assert_int_equal(taken[9].start_us, 9);
    assert_int_equal(es_spans_take(taken, ES_SPANS_MAX, 0), ES_SPANS_MAX - 10);
    es_spans_wake();
    assert_int_equal(es_spans_take(taken, 1, 60000), 0);
    es_spans_collect(false);
}

static const char *text_at(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void spans_are_otlp(void **state)
{
    (void)state;
    es_trace_t parent = client_trace("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    es_trace_span_t spans[2];
    es_spans_begin(&spans[0], "stream", &parent, 1700000000000001);
    es_spans_number(&spans[0], "earshot.frames", UINT64_MAX);
    es_spans_text(&spans[0], "earshot.engine", es_span("a\"b\xff and so on, longer than there is room for it in here"));
    for (int i = 0; i < 2 * ES_SPAN_ATTRIBUTES; i++) es_spans_number(&spans[0], "more", 1);
    spans[0].failed = true;
    spans[0].end_us = 1700000000000002;
    es_spans_begin(&spans[1], "own", NULL, 5);
    spans[1].end_us = 6;
    char *text = es_otlp_json(spans, 2, "earshot-edge", "edge-1");
    json_t *body = json_loads(text, 0, NULL), *resource, *scope, *list;
    assert_int_equal(json_unpack(body, "{s:[{s:{s:o}, s:[{s:o, s:o}]}]}", "resourceSpans", "resource", "attributes",
                                 &resource, "scopeSpans", "scope", &scope, "spans", &list),
                     0);
    assert_int_equal(json_array_size(resource), 2);
    assert_string_equal(text_at(scope, "name"), "earshot");
    const json_t *first = json_array_get(list, 0), *second = json_array_get(list, 1);
    assert_string_equal(text_at(first, "traceId"), "0af7651916cd43dd8448eb211c80319c");
    assert_string_equal(text_at(first, "parentSpanId"), "b7ad6b7169203331");
    assert_string_equal(text_at(first, "startTimeUnixNano"), "1700000000000001000");
    assert_int_equal(json_array_size(json_object_get(first, "attributes")), ES_SPAN_ATTRIBUTES);
    assert_non_null(json_object_get(first, "status"));
    assert_null(json_object_get(second, "parentSpanId"));
    assert_int_equal(strlen(text_at(second, "traceId")), 32);
    json_decref(body);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_collects),
        cmocka_unit_test(a_span_is_its_parents_child),
        cmocka_unit_test(what_is_not_recorded_is_not_collected),
        cmocka_unit_test(the_queue_has_an_end),
        cmocka_unit_test(spans_are_otlp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
