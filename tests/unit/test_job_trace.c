#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "job_trace.h"

static char upload[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

static es_trace_span_t the_span(void)
{
    es_trace_span_t spans[2];
    assert_int_equal(es_spans_take(spans, 2, 0), 1);
    return spans[0];
}

static void a_job_without_a_trace_has_no_span(void **state)
{
    es_job_t job = {.attempt = 1};
    es_job_trace_t trace = {0};
    es_msg_t start = {.kind = ES_FRAME, .flags = ES_F_START};
    char room[ES_TRACE_LEN];
    (void)state;
    es_job_trace_begin(&trace, &job);
    es_job_trace_stamp(&trace, &start, room);
    assert_int_equal(start.trace.len, 0);
    es_job_trace_end(&trace, &job, "COMPLETED");
}

static void an_attempt_is_its_uploads_child(void **state)
{
    es_job_t job = {.attempt = 2, .done = 1600, .trace = upload};
    es_job_trace_t trace = {0};
    es_trace_t parent;
    (void)state;
    es_spans_collect(true);
    es_job_trace_begin(&trace, &job);
    job.done = 4800;
    es_job_trace_end(&trace, &job, "COMPLETED");
    es_job_trace_end(&trace, &job, "COMPLETED"); /* once */
    es_trace_span_t span = the_span();
    assert_int_equal(es_trace_parse(&parent, es_span(upload)), 0);
    assert_string_equal(span.name, "job");
    assert_memory_equal(span.trace.id, parent.id, ES_TRACE_ID);
    assert_memory_equal(span.parent, parent.span, ES_TRACE_SPAN);
    assert_int_equal(span.attributes_count, 3);
    assert_int_equal(span.attributes[0].number, 2);
    assert_int_equal(span.attributes[1].number, 3200);
    assert_string_equal(span.attributes[2].text, "COMPLETED");
    assert_false(span.failed);
    es_spans_collect(false);
}

/* Also where nobody collects here: whoever serves the stream may have a collector. */
static void only_a_start_names_it(void **state)
{
    es_job_t job = {.attempt = 1, .trace = upload};
    es_job_trace_t trace = {0};
    es_msg_t start = {.kind = ES_FRAME, .flags = ES_F_START}, frame = {.kind = ES_FRAME};
    char room[ES_TRACE_LEN];
    es_trace_t named;
    (void)state;
    es_job_trace_begin(&trace, &job);
    es_job_trace_stamp(&trace, &frame, room);
    assert_int_equal(frame.trace.len, 0);
    es_job_trace_stamp(&trace, &start, room);
    assert_true(es_trace_unpack(&named, start.trace));
    assert_memory_equal(named.id, trace.span.trace.id, ES_TRACE_ID);
    assert_memory_equal(named.span, trace.span.trace.span, ES_TRACE_SPAN);
}

static void who_collects_begins_one(void **state)
{
    static char nonsense[] = "00-0af7", error[] = "It is no audio.";
    static char *const stored[] = {NULL, nonsense};
    (void)state;
    es_spans_collect(true);
    for (size_t i = 0; i < sizeof stored / sizeof *stored; i++) {
        es_job_t job = {.attempt = 1, .trace = stored[i]};
        es_job_trace_t trace = {0};
        es_job_trace_begin(&trace, &job);
        job.error = error;
        es_job_trace_end(&trace, &job, "FAILED");
        es_trace_span_t span = the_span();
        assert_memory_equal(span.parent, (uint8_t[ES_TRACE_SPAN]){0}, ES_TRACE_SPAN);
        assert_true(span.failed);
    }
    es_spans_collect(false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_without_a_trace_has_no_span),
        cmocka_unit_test(an_attempt_is_its_uploads_child),
        cmocka_unit_test(only_a_start_names_it),
        cmocka_unit_test(who_collects_begins_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
