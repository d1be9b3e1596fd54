/* What a worker tells of a stream's trace: half of worker.c, which alone uses it. */
#ifndef ES_WORKER_TRACE_H
#define ES_WORKER_TRACE_H

#include "spans.h"
#include "stream_receiver.h"

/* A stream that belongs to a trace begins here. */
void es_worker_trace_begin(const char *key, const es_trace_t *trace, uint64_t epoch);
/* One final of it, of audio that has been here for waited_us. Silence is no span. */
void es_worker_trace_final(const char *key, const es_trace_t *trace, const es_final_t *final, uint64_t waited_us);

#endif
