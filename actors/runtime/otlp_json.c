#include "otlp_json.h"

#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum { KIND_INTERNAL = 1, STATUS_ERROR = 2, NUMBER = 24 };

/* OTLP's JSON writes 64-bit numbers as strings. */
static json_t *number_text(uint64_t value)
{
    char text[NUMBER];
    snprintf(text, sizeof text, "%" PRIu64, value);
    return json_string(text);
}

static json_t *attribute(const char *key, const char *kind, json_t *value)
{
    return json_pack("{s:s, s:{s:o}}", "key", key, "value", kind, value);
}

static json_t *attributes_of(const es_trace_span_t *span)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < span->attributes_count; i++) {
        const es_span_attribute_t *a = &span->attributes[i];
        json_array_append_new(list, a->is_text ? attribute(a->key, "stringValue", json_string(a->text))
                                               : attribute(a->key, "intValue", number_text(a->number)));
    }
    return list;
}

static bool has_parent(const es_trace_span_t *span)
{
    static const uint8_t none[ES_TRACE_SPAN];
    return memcmp(span->parent, none, sizeof none) != 0;
}

static json_t *span_json(const es_trace_span_t *span)
{
    char id[2 * ES_TRACE_ID + 1], own[2 * ES_TRACE_SPAN + 1], parent[2 * ES_TRACE_SPAN + 1];
    es_trace_t above = span->trace;
    memcpy(above.span, span->parent, ES_TRACE_SPAN);
    es_trace_id_hex(&span->trace, id);
    es_trace_span_hex(&span->trace, own);
    es_trace_span_hex(&above, parent);
    json_t *out = json_pack("{s:s, s:s, s:s, s:i, s:o, s:o, s:o}", "traceId", id, "spanId", own, "name", span->name,
                            "kind", KIND_INTERNAL, "startTimeUnixNano", number_text(span->start_us * 1000),
                            "endTimeUnixNano", number_text(span->end_us * 1000), "attributes", attributes_of(span));
    if (has_parent(span)) json_object_set_new(out, "parentSpanId", json_string(parent));
    if (span->failed) json_object_set_new(out, "status", json_pack("{s:i}", "code", STATUS_ERROR));
    return out;
}

char *es_otlp_json(const es_trace_span_t *spans, size_t count, const char *service, const char *instance)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) json_array_append_new(list, span_json(&spans[i]));
    json_t *body = json_pack("{s:[{s:{s:[o, o]}, s:[{s:{s:s, s:s}, s:o}]}]}", "resourceSpans", "resource", "attributes",
                             attribute("service.name", "stringValue", json_string(service)),
                             attribute("service.instance.id", "stringValue", json_string(instance)), "scopeSpans",
                             "scope", "name", "earshot", "version", ES_RELEASE, "spans", list);
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    assert(text); /* nothing but memory */
    json_decref(body);
    return text;
}
