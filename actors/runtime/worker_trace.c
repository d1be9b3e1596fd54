#include "worker_trace.h"

#include "log.h"
#include "wire.h"

void es_worker_trace_begin(const char *key, const es_trace_t *trace, uint64_t epoch)
{
    char id[2 * ES_TRACE_ID + 1];
    es_trace_id_hex(trace, id);
    es_log_info("stream begins", ES_S("client", key), ES_U("epoch", epoch), ES_S("trace", id));
}

void es_worker_trace_final(const char *key, const es_trace_t *trace, const es_final_t *final, uint64_t waited_us)
{
    if (!es_spans_wanted() || (final->flags & ES_F_SILENCE)) return;
    es_trace_span_t span;
    uint64_t now = es_wall_us();
    es_spans_begin(&span, "segment", trace, now - waited_us);
    es_spans_text(&span, "earshot.client", es_span(key));
    es_spans_number(&span, "earshot.to_seq", final->to_seq);
    es_spans_number(&span, "earshot.samples", final->end - final->start);
    span.failed = (final->flags & ES_F_FAILED) != 0;
    es_spans_end(&span, now);
}
