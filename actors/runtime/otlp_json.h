/* Spans as OpenTelemetry's OTLP/HTTP has them in JSON: the body of a POST to /v1/traces. Pure. */
#ifndef ES_OTLP_JSON_H
#define ES_OTLP_JSON_H

#include "spans.h"

/* service: "earshot-edge"; instance: the actor's name. NUL-terminated, from malloc. Dies on lack of memory. */
char *es_otlp_json(const es_trace_span_t *spans, size_t count, const char *service, const char *instance);

#endif
