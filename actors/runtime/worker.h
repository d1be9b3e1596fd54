/* What an actor that serves streams is made of: link to the brokers (HELLO, heartbeats from the work loop, GOODBYE, reconnect) and one
 * stream_receiver for each stream. Write your own actor with this header; actors/examples/ has a small one.
 *
 *     static const es_worker_ops_t ops = { .open = my_open, .frame = my_frame, .close = my_close };
 *     es_worker_t *w = es_worker_new(&(es_worker_config_t){ .name = "shout-1", .service = "transcribe", .brokers = "ipc:///...", .capacity = 32 }, &ops, me);
 *     es_worker_attach(w, loop);
 *
 * One thread. Answers (es_stream_final, es_stream_partial) may come inside the ops or at any later time while the stream is open.
 */
#ifndef ES_WORKER_H
#define ES_WORKER_H

#include "loop.h"
#include "metrics.h"
#include "stream_receiver.h"

typedef struct es_worker es_worker_t;
typedef struct es_stream es_stream_t;

typedef struct {
    /* A stream begins, or begins again after start->base with start->checkpoint (a takeover: an earlier state was closed first). Returns the actor's own
     * state, given back below. start->language, priority, flags & ES_F_PARTIALS tell what is wanted. */
    void *(*open)(void *ctx, es_stream_t *stream, const es_msg_t *start);
    /* The next frame in order: 16 kHz mono s16le, or a MARK, or EOS (which may carry audio too, and must be answered by a final that covers it). */
    void (*frame)(void *state, es_stream_t *stream, const es_msg_t *frame, const void *pcm, size_t bytes);
    /* The stream is over, moved away or begins again. The stream must not be used after this returns. */
    void (*close)(void *state, es_stream_t *stream);
} es_worker_ops_t;

typedef struct {
    const char *name;    /* for people */
    const char *service; /* "transcribe" */
    const char *brokers; /* endpoints.h list */
    uint32_t capacity;   /* streams at once */
    uint64_t
        idle_us; /* forget a stream that says nothing for so long; 0: 10 min (its sender begins again when it speaks) */
} es_worker_config_t;

/* NULL with a message logged where a broker's endpoint, the name or the service is malformed. Strings are copied. */
es_worker_t *es_worker_new(const es_worker_config_t *config, const es_worker_ops_t *ops, void *ctx);
/* Says GOODBYE, closes all streams, frees. */
void es_worker_destroy(es_worker_t **self_p);
/* Adds the sockets and timers to a loop, which must live longer. */
void es_worker_attach(es_worker_t *self, es_loop_t *loop);
/* Take no new streams (HELLO with capacity 0 to every broker); es_worker_streams tells when the last one is gone. */
void es_worker_drain(es_worker_t *self);
/* As es_actor_link_on_drain. */
void es_worker_on_drain(es_worker_t *self, void (*fn)(void *ctx, uint64_t now_us), void *ctx);
size_t es_worker_streams(const es_worker_t *self);
uint64_t es_worker_incarnation(const es_worker_t *self);

/* client_id: NUL-terminated, valid while the stream is open. */
const char *es_stream_key(const es_stream_t *stream);
uint64_t es_stream_epoch(const es_stream_t *stream);
/* Inside `close`: the sender said so (CLOSE). It may begin anew in a moment, by another broker or behind those that are live; else it has no further interest. */
bool es_stream_ended(const es_stream_t *stream);
/* All up to final->to_seq is committed by this; see es_final_t. Text and reason that are not UTF-8 or over their limits are mended (U+FFFD, cut at a
 * character) and counted; so is a partial's text. */
void es_stream_final(es_stream_t *stream, const es_final_t *final);
void es_stream_partial(es_stream_t *stream, uint64_t to_seq, es_span_t text, uint64_t start, uint64_t end);

/* NULL-terminated list for es_metrics_print. */
es_metric_t *const *es_worker_metrics(void);

#endif
