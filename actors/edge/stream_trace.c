#include "stream_trace.h"

#include <stdlib.h>

#include "alloc.h"
#include "edge_metrics.h"
#include "log.h"
#include "wire.h"

struct es_stream_trace {
    bool brought; /* origin is a client's */
    bool open;
    es_trace_t origin;
    es_trace_span_t span; /* of the open stream */
};

bool es_stream_trace_of(const es_http_exchange_t *x, es_trace_t *out)
{
    es_span_t text = es_http_header(x, "traceparent");
    if (!text.len) return false;
    bool fine = es_trace_parse(out, text) == 0;
    es_metric_add(fine ? &es_edge_traces_taken : &es_edge_traces_ignored, 1);
    return fine;
}

void es_stream_trace_join(es_stream_trace_t **self_p, const es_trace_t *origin)
{
    if (!*self_p) *self_p = es_alloc_zero(sizeof **self_p);
    (*self_p)->brought = true;
    (*self_p)->origin = *origin;
}

void es_stream_trace_destroy(es_stream_trace_t **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

void es_stream_trace_begin(es_stream_trace_t **self_p, const char *name, const char *id)
{
    if (!*self_p && !es_spans_wanted()) return;
    if (!*self_p) *self_p = es_alloc_zero(sizeof **self_p);
    es_stream_trace_t *self = *self_p;
    char trace[2 * ES_TRACE_ID + 1];
    es_spans_begin(&self->span, name, self->brought ? &self->origin : NULL, es_wall_us());
    es_spans_text(&self->span, "earshot.client", es_span(id));
    self->open = true;
    es_trace_id_hex(&self->span.trace, trace);
    es_log_info("stream begins", ES_S("client", id), ES_S("trace", trace));
}

void es_stream_trace_stamp(const es_stream_trace_t *self, es_msg_t *msg, char room[ES_TRACE_LEN])
{
    if (!self || !self->open || !(msg->flags & ES_F_START)) return;
    es_trace_pack(&self->span.trace, room);
    msg->trace = es_span_of(room, ES_TRACE_LEN);
}

void es_stream_trace_end(es_stream_trace_t *self, const es_sender_stats_t *stats)
{
    char trace[2 * ES_TRACE_ID + 1];
    if (!self || !self->open) return;
    self->open = false;
    es_trace_id_hex(&self->span.trace, trace);
    es_log_info("stream ends", ES_S("trace", trace), ES_U("frames", stats->next_seq - 1), ES_U("epochs", stats->epoch));
    es_spans_number(&self->span, "earshot.frames", stats->next_seq - 1);
    es_spans_number(&self->span, "earshot.committed", stats->committed);
    es_spans_number(&self->span, "earshot.raises", stats->raises);
    self->span.failed = !stats->done;
    es_spans_end(&self->span, es_wall_us());
}

bool es_stream_trace_shown(const es_stream_trace_t *self, char out[2 * ES_TRACE_ID + 1])
{
    if (!self || !self->brought) return false;
    es_trace_id_hex(&self->origin, out);
    return true;
}
