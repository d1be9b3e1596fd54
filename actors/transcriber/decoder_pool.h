/* Segments on their way through decoders: first come first served, each to the next free one; forked when needed.
 *
 * A decoder that ends, or that takes longer than max(deadline, 3 x the segment), is killed, another one forked, and the segment tried once more; the
 * second failure is the segment's answer. One that works but does not get the processor is given up to eight times as long, and one for batch any time: killing it would
 * only lose words. Never blocks; one thread.
 */
#ifndef ES_DECODER_POOL_H
#define ES_DECODER_POOL_H

#include "loop.h"
#include "metrics.h"
#include "zygote.h"

typedef struct es_decoder_pool es_decoder_pool_t;

/* The answer to segment `id` of `owner`: words or an error. */
typedef void (*es_decoder_pool_fn)(void *owner, uint64_t id, const es_engine_result_t *result);

typedef struct {
    uint32_t decoders; /* 1 to ES_ZYGOTE_CHILDREN / 2 - first_id */
    uint32_t first_id; /* theirs are from here on: two pools of one zygote must not share them */
    bool batch;        /* they come after all others that want the processor, and may take as long as those want it */
    int nice;          /* so much nicer than we are */
    uint64_t deadline_us; /* of a segment, at least */
    size_t queue_bytes;   /* audio that may wait; 0: 256 MiB */
    uint32_t start_limit; /* decoders that did not start, in a row, after which `broken` is called; 0: never */
    void (*broken)(void *ctx, uint32_t failures);
    void *broken_ctx;
} es_decoder_pool_config_t;

/* The loop must outlive the pool. */
es_decoder_pool_t *es_decoder_pool_new(const es_decoder_pool_config_t *config, es_zygote_t *zygote, es_loop_t *loop,
                                       es_decoder_pool_fn fn);
/* Kills the decoders, forgets what waits without an answer. */
void es_decoder_pool_destroy(es_decoder_pool_t **self_p);
/* Copies the samples. 0, and fn will be called once from the loop unless the owner is forgotten; or -1: too much waits, fn is not called. */
int es_decoder_pool_submit(es_decoder_pool_t *self, void *owner, uint64_t id, const int16_t *pcm, size_t samples);
/* Drops what waits for the owner, and the answer that is being decoded; a decoder for batch is killed in the middle of it. */
void es_decoder_pool_forget(es_decoder_pool_t *self, const void *owner);
/* Segments that no decoder has begun. */
size_t es_decoder_pool_waiting(const es_decoder_pool_t *self);
/* When the first of them came; 0: none waits. */
uint64_t es_decoder_pool_oldest(const es_decoder_pool_t *self);
/* Deadlines. An es_loop_tick_fn; es_decoder_pool_new adds it to the loop. */
uint64_t es_decoder_pool_tick(void *self, uint64_t now_us);

es_metric_t *const *es_decoder_pool_metrics(void);

#endif
