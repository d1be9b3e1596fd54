/* The trace that a client's streams belong to: the client's own (`traceparent`), or where spans are collected one that begins here. A stream is a span of it, and
 * its START carries that span on to whoever serves it. One thread. */
#ifndef ES_STREAM_TRACE_H
#define ES_STREAM_TRACE_H

#include "http/http_exchange.h"
#include "spans.h"
#include "stream_sender.h"

typedef struct es_stream_trace es_stream_trace_t;

/* The request's traceparent. False where it has none, or one that is none, which is counted and ignored. */
bool es_stream_trace_of(const es_http_exchange_t *x, es_trace_t *out);

/* A client brings this trace, from now on. */
void es_stream_trace_join(es_stream_trace_t **self_p, const es_trace_t *origin);
void es_stream_trace_destroy(es_stream_trace_t **self_p);

/* A stream begins: name is static ("stream"). Makes *self_p where spans are collected. */
void es_stream_trace_begin(es_stream_trace_t **self_p, const char *name, const char *id);
/* Puts the trace on a START; `room` holds it. NULL: nothing to put. */
void es_stream_trace_stamp(const es_stream_trace_t *self, es_msg_t *msg, char room[ES_TRACE_LEN]);
/* The stream is over. NULL is fine. */
void es_stream_trace_end(es_stream_trace_t *self, const es_sender_stats_t *stats);
/* The trace's id in hex where the client brought one: it may be told. */
bool es_stream_trace_shown(const es_stream_trace_t *self, char out[2 * ES_TRACE_ID + 1]);

#endif
