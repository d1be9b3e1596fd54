/* The children that decode, seen from the actor. One file has one child; a child that is done serves the next, one that is stopped in the middle, that is silent or says nonsense is
 * killed. What they bring is bounded by what is taken: a child that nobody listens to waits in its socket.
 *
 * One thread, that of the loop. */
#ifndef ES_DECODE_POOL_H
#define ES_DECODE_POOL_H

#include "decode_wire.h"
#include "loop.h"
#include "metrics.h"

typedef struct es_decode_pool es_decode_pool_t;
typedef struct es_decoding es_decoding_t;

typedef struct {
    const char *program; /* NULL: earshot-decode beside our own executable, else by PATH. Copied */
    uint64_t silence_us; /* listened to and silent for so long: killed */
    uint64_t cpu_us;     /* processor time of one file */
    uint64_t memory_mib; /* address space of a child */
} es_decode_pool_config_t;

/* Called from the loop; after end or failed the decoding is gone. Each may call es_decoding_stop and es_decoding_listen. */
typedef struct {
    /* INFO, AUDIO, BUSY_AT, and at last END or REFUSED. */
    void (*said)(void *ctx, const es_decode_msg_t *msg, uint64_t now_us);
    /* It died, or was killed; why, for people. Last. */
    void (*failed)(void *ctx, const char *why, uint64_t now_us);
} es_decoding_ops_t;

es_decode_pool_t *es_decode_pool_new(const es_decode_pool_config_t *config, es_loop_t *loop);
/* All decodings must have ended or been stopped. */
void es_decode_pool_destroy(es_decode_pool_t **self_p);
/* Decodes what the descriptor reads (closed by this) from sample `from` on, no more than `limit` and one frame. NULL, with errno, where no child can be started. */
es_decoding_t *es_decode_pool_begin(es_decode_pool_t *self, int file, uint64_t from, uint64_t limit,
                                    const es_decoding_ops_t *ops, void *ctx, uint64_t now_us);
void es_decoding_listen(es_decoding_t *self, bool on, uint64_t now_us);
/* No more is said of it. */
void es_decoding_stop(es_decoding_t **self_p);
/* Kills who is silent, waits for who was killed. Returns when it wants to be called next. */
uint64_t es_decode_pool_tick(es_decode_pool_t *self, uint64_t now_us);

/* NULL-terminated. */
es_metric_t *const *es_decode_pool_metrics(void);

#endif
