/* The receiver of a stream: takes frames in order, hands them to the engine, publishes finals until the sender has them.
 *
 * Its state may vanish at any moment; everything it needs to continue elsewhere is in the sender's retained frames and the checkpoint of the
 * last final. Pure, like the sender; one thread. Ops may call es_receiver_final and es_receiver_partial (mock engines answer at once).
 */
#ifndef ES_STREAM_RECEIVER_H
#define ES_STREAM_RECEIVER_H

#include "catalogue.h"

typedef struct es_receiver es_receiver_t;

typedef struct {
    /* Publish an ACK, REWIND, FINAL or PARTIAL on the stream's key. msg has kind, epoch, seq and meta but for inc and time_us. */
    void (*send)(void *ctx, const es_msg_t *msg, const void *body, size_t len);
    /* A START was accepted: forget all engine state of this stream and begin after start->base with start->checkpoint. The frame itself
     * follows through `frame`. */
    void (*begin)(void *ctx, const es_msg_t *start);
    /* The next frame in order; seq, flags, pos, size in msg. Body valid during the call. EOS must be answered by a final that covers it. */
    void (*frame)(void *ctx, const es_msg_t *msg, const void *body, size_t len);
} es_receiver_ops_t;

typedef struct {
    uint64_t ack_us;     /* at most one ACK in this time; default 100 ms */
    uint32_t ack_frames; /* or after this many frames; default 128, a quarter of the sender's window */
    uint64_t rewind_us;  /* at most one REWIND, and one repetition of the kept finals, in this time; default 100 ms */
    uint32_t kept_max;   /* finals kept; with so many unconfirmed no new frame is taken; default 16384 */
} es_receiver_config_t;
es_receiver_config_t es_receiver_defaults(void);

es_receiver_t *es_receiver_new(const es_receiver_config_t *config, const es_receiver_ops_t *ops, void *ctx);
void es_receiver_destroy(es_receiver_t **self_p);

/* A FRAME for this stream. */
void es_receiver_frame(es_receiver_t *self, const es_msg_t *msg, const void *body, size_t len, uint64_t now_us);

typedef struct {
    uint64_t to_seq; /* > committed, < expected; from_seq is always committed + 1 */
    uint64_t flags;  /* ES_F_SILENCE, ES_F_FAILED */
    es_span_t text, reason, checkpoint;
    uint64_t start, end; /* samples of speech; equal for silence */
    uint32_t confidence; /* thousandths */
    const void *words;   /* es_words_encode, or NULL */
    size_t words_len;
} es_final_t;
/* Publish a final and keep it until the sender has committed it. Everything is copied. Asserts the range: it is our own engine that is
 * wrong. Text and reason over their limits are cut at a character; words over ES_WORDS_MAX are left out. */
void es_receiver_final(es_receiver_t *self, const es_final_t *final, uint64_t now_us);
/* Publish a partial: text so far of to_seq's segment. Nothing is kept. */
void es_receiver_partial(es_receiver_t *self, uint64_t to_seq, es_span_t text, uint64_t start, uint64_t end);

/* Delayed acknowledgements. Returns the time of the next call, UINT64_MAX: none needed. */
uint64_t es_receiver_tick(es_receiver_t *self, uint64_t now_us);
/* Say ACK again whatever the timers say (heartbeats do). Nothing where there is no state. */
void es_receiver_repeat(es_receiver_t *self, uint64_t now_us);

typedef struct {
    uint64_t epoch, expected, committed; /* epoch 0: no state */
    size_t kept;                         /* finals that the sender has not confirmed */
    uint64_t last_us;                    /* time of the last frame */
    bool eos;                            /* EOS is committed */
    uint64_t old, gaps, rewinds;         /* counters */
    uint64_t stale;                      /* dropped for an older epoch or an impossible value */
    uint64_t refused;                    /* not taken: kept_max reached */
} es_receiver_stats_t;
void es_receiver_stats(const es_receiver_t *self, es_receiver_stats_t *out);

#endif
