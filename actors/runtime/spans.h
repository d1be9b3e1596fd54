/* Spans: what a process did for a trace and how long it took, for whoever collects them (otlp.h). Unless somebody does, all of this is cheap and does nothing.
 *
 *     es_trace_span_t span;
 *     es_spans_begin(&span, "segment", &trace, es_wall_us());       trace: of the START, or NULL for one of our own
 *     es_spans_number(&span, "earshot.samples", n);
 *     es_spans_end(&span, es_wall_us());                            queued; never waits
 *
 * A span is its owner's until it is ended, and needs no freeing. Any thread. No text of speech, no name, no secret belongs in an attribute. */
#ifndef ES_SPANS_H
#define ES_SPANS_H

#include "metrics.h"
#include "trace.h"

enum {
    ES_SPAN_ATTRIBUTES = 8,
    ES_SPAN_TEXT = 48, /* bytes of a text with its NUL; longer ones are cut */
    ES_SPANS_BATCH = 512,
    ES_SPANS_MAX = 2048 /* that wait to be collected; more are dropped and counted */
};

typedef struct {
    const char *key; /* static */
    bool is_text;
    uint64_t number;
    char text[ES_SPAN_TEXT];
} es_span_attribute_t;

typedef struct {
    const char *name;              /* static */
    es_trace_t trace;              /* id, flags, and this span's own id: what its children are given */
    uint8_t parent[ES_TRACE_SPAN]; /* all zero: the first of its trace */
    uint64_t start_us, end_us;     /* wall clock */
    bool failed;
    unsigned attributes_count;
    es_span_attribute_t attributes[ES_SPAN_ATTRIBUTES];
} es_trace_span_t;

/* Does somebody collect? Then who has no trace begins one. */
bool es_spans_wanted(void);

/* parent NULL: a new trace, recorded. */
void es_spans_begin(es_trace_span_t *self, const char *name, const es_trace_t *parent, uint64_t wall_us);
/* More than ES_SPAN_ATTRIBUTES are left out. */
void es_spans_number(es_trace_span_t *self, const char *key, uint64_t value);
void es_spans_text(es_trace_span_t *self, const char *key, es_span_t value);
/* Queues it where it is recorded and somebody collects. */
void es_spans_end(es_trace_span_t *self, uint64_t wall_us);

/* ---- for the collector */
void es_spans_collect(bool on);
/* Waits for ES_SPANS_BATCH spans, es_spans_wake or the end of wait_ms, and moves what is there, at most `max`, into out. Returns the count. */
size_t es_spans_take(es_trace_span_t *out, size_t max, unsigned wait_ms);
void es_spans_wake(void);

es_metric_t *const *es_spans_metrics(void);

#endif
