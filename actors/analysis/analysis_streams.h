/* Streams of service `analyze`: a document comes in pieces, an analysis goes out as the body of one final. What an es_worker calls.
 *
 *   GATHERING --EOS--> ANALYSING --> [SUMMING_UP: where a language model is asked] --> answered
 *        |                 |
 *        '-- too large     '-- damaged: a final with FAILED and the reason
 */
#ifndef ES_ANALYSIS_STREAMS_H
#define ES_ANALYSIS_STREAMS_H

#include "llm.h"
#include "worker.h"

typedef struct es_analysis_streams es_analysis_streams_t;

/* max_document: bytes of a document; max_chars: of the transcript that the model gets. llm NULL: no summaries. */
es_analysis_streams_t *es_analysis_streams_new(es_loop_t *loop, es_llm_t *llm, size_t max_document, size_t max_chars);
/* After the worker. */
void es_analysis_streams_destroy(es_analysis_streams_t **self_p);
/* Streams that are not answered yet. */
size_t es_analysis_streams_busy(const es_analysis_streams_t *self);
/* How late analyses are, summaries not counted, to health.h. */
void es_analysis_streams_tell(const es_analysis_streams_t *self, uint64_t now_us);

extern const es_worker_ops_t es_analysis_worker_ops; /* ctx: es_analysis_streams_t */

/* NULL-terminated list for es_metrics_print. */
es_metric_t *const *es_analysis_streams_metrics(void);

#endif
