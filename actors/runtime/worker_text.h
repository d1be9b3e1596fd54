/* What an envelope can carry of an engine's text. For worker.c only. */
#ifndef ES_WORKER_TEXT_H
#define ES_WORKER_TEXT_H

#include "envelope.h"
#include "metrics.h"

extern es_metric_t es_worker_mended;

/* text as it is where it is UTF-8 of at most cap bytes; else mended into buf (cap bytes), counted, and logged where *said is not set yet. A final that
 * cannot be encoded would fail again each time it is repeated, and its stream would stand still for ever. */
es_span_t es_worker_text(es_span_t text, char *buf, size_t cap, const char *client, bool *said);

#endif
