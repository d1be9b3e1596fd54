/* Streams of an engine that wants raw frames: every frame is answered by one final, at once or after a fixed delay, in order. One thread. */
#ifndef ES_RAW_STREAMS_H
#define ES_RAW_STREAMS_H

#include "engine.h"
#include "metrics.h"
#include "worker.h"

typedef struct es_raw_streams es_raw_streams_t;

/* delay_us: answers come so long after their frame. */
es_raw_streams_t *es_raw_streams_new(const es_engine_t *engine, uint64_t delay_us);
/* After the worker: streams must be closed. */
void es_raw_streams_destroy(es_raw_streams_t **self_p);
/* For es_worker_new; ctx is the es_raw_streams_t. */
extern const es_worker_ops_t es_raw_worker_ops;
/* Gives the answers that are due. Returns the time of the next call. An es_loop_tick_fn. */
uint64_t es_raw_streams_tick(void *self, uint64_t now_us);

/* Streams that have not been answered to their end. */
size_t es_raw_streams_busy(const es_raw_streams_t *self);

es_metric_t *const *es_raw_streams_metrics(void);

#endif
