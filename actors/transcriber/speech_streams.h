/* Streams of an engine that wants segments: transcript (segmenter) in front, decoders behind, partials beside. File jobs have decoders of their own, which take what the
 * processor has left. One thread. */
#ifndef ES_SPEECH_STREAMS_H
#define ES_SPEECH_STREAMS_H

#include "decoder_pool.h"
#include "worker.h"

typedef struct es_speech_streams es_speech_streams_t;

typedef struct {
    es_decoder_pool_config_t pool; /* for live streams; for batch as many again, with the ids above */
    int batch_nice;                /* these are so much nicer */
    uint32_t partials;             /* streams that get partials at once; 0: none */
} es_speech_config_t;

/* Zygote and loop must outlive it. */
es_speech_streams_t *es_speech_streams_new(const es_speech_config_t *config, es_zygote_t *zygote, es_loop_t *loop);
/* After the worker: streams must be closed. */
void es_speech_streams_destroy(es_speech_streams_t **self_p);
/* For es_worker_new; ctx is the es_speech_streams_t. */
extern const es_worker_ops_t es_speech_worker_ops;
/* Streams that have not been answered to their end. */
size_t es_speech_streams_busy(const es_speech_streams_t *self);
/* How late the words of live streams are, to health.h. */
void es_speech_streams_tell(const es_speech_streams_t *self, uint64_t now_us);

es_metric_t *const *es_speech_streams_metrics(void);

#endif
