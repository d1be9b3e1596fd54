/* Trace context: which request something belongs to, from the client's `traceparent` (W3C Trace Context) through the envelope to whoever collects spans. Pure. */
#ifndef ES_TRACE_H
#define ES_TRACE_H

#include "envelope.h"

enum {
    ES_TRACE_ID = 16,       /* bytes */
    ES_TRACE_SPAN = 8,      /* bytes */
    ES_TRACE_SAMPLED = 1,   /* flag: record it */
    ES_TRACEPARENT_LEN = 55 /* of version 00 */
};

typedef struct {
    uint8_t flags; /* ES_TRACE_SAMPLED; others are not passed on */
    uint8_t id[ES_TRACE_ID], span[ES_TRACE_SPAN];
} es_trace_t;

/* The value of a `traceparent` header. 0, or -1 where it is none, as the specification wants: such a header is to be ignored. Higher versions are read as 00. */
int es_trace_parse(es_trace_t *out, es_span_t traceparent);
/* "00-<id>-<span>-<flags>" and NUL. */
void es_trace_print(const es_trace_t *self, char out[ES_TRACEPARENT_LEN + 1]);

/* As it stands in an envelope: flags, id, span. */
void es_trace_pack(const es_trace_t *self, char out[ES_TRACE_LEN]);
/* False where the envelope has none, or one without an id. */
bool es_trace_unpack(es_trace_t *out, es_span_t trace);

/* Lowercase hex and NUL, for logs and spans. */
void es_trace_id_hex(const es_trace_t *self, char out[2 * ES_TRACE_ID + 1]);
void es_trace_span_hex(const es_trace_t *self, char out[2 * ES_TRACE_SPAN + 1]);

#endif
