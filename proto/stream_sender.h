/* The sender of a stream owns the truth: it retains every frame until a final commits it.
 *
 *      push --> [retained: committed+1 .. next_seq-1] --transmit, within the window--> receiver
 *                     |  committed: words in a final            received: taken in order
 *                     `--released when committed
 *
 * Pure: no socket, no clock, no thread of its own. Time comes in as `now_us` (monotonic microseconds); bytes go out through
 * es_sender_ops_t. One thread. Ops may call es_sender_push, es_sender_full and the getters, nothing else.
 *
 * The rules are those of PROTOCOL.md, "Streams".
 */
#ifndef ES_STREAM_SENDER_H
#define ES_STREAM_SENDER_H

#include "catalogue.h"

typedef struct es_sender es_sender_t;

typedef struct {
    /* Put a FRAME or CLOSE on the wire. msg has kind, epoch, seq and meta; the caller of the library adds time_us and trace. The body is
     * valid during the call only. Loss is allowed. */
    void (*transmit)(void *ctx, const es_msg_t *msg, const void *body, size_t len);
    /* A final, exactly once and in order, silence included (ES_F_SILENCE). Its `pos` is the position after frame to_seq. */
    void (*deliver)(void *ctx, const es_msg_t *final, const void *words, size_t len);
    /* A partial of the current epoch, newer than the last; at most once, may be NULL. */
    void (*partial)(void *ctx, const es_msg_t *partial);
    /* All before the MARK frame `seq` is committed. */
    void (*marked)(void *ctx, uint64_t seq);
    /* EOS is committed: the stream is done. Called once, last. */
    void (*done)(void *ctx);
    /* es_sender_full was true and is no longer. */
    void (*writable)(void *ctx);
    /* The stream will not be served any more, for this reason: it is over, like after done. Called once, last. May be NULL. */
    void (*refused)(void *ctx, es_span_t reason);
    /* The broker has no place for us: place >= 1 in the queue; 0: placed after all. Only on change. May be NULL. */
    void (*waiting)(void *ctx, uint64_t place);
} es_sender_ops_t;

typedef struct {
    uint32_t window_frames; /* frames in flight (sent, not received); default 512 */
    uint32_t window_bytes;  /* and bytes; one frame is always let through; default 1 MiB */
    uint32_t retain_frames; /* frames kept; default 16384 */
    uint32_t retain_bytes;  /* and bytes; default 8 MiB; must exceed twice the longest segment of any engine */
    uint64_t rto_min_us;    /* default 300 ms */
    uint64_t rto_max_us;    /* default 5 s */
    uint64_t probe_us;      /* committed < sent and nothing moves: probe; default 1.5 s */
    uint64_t wait_retry_us; /* START again while waiting; default 500 ms */
    const char *service;    /* default "transcribe"; copied */
    const char *language;   /* may be NULL; copied */
    uint32_t priority;      /* 0 live, 1 batch */
    bool partials;          /* ask for them */
} es_sender_config_t;

/* The defaults above. */
es_sender_config_t es_sender_defaults(void);

/* A new stream. `last_epoch` is the highest epoch ever used on this key (0 for a fresh one): the stream begins at last_epoch + 1. ops must
 * outlive the sender. Dies on lack of memory. */
es_sender_t *es_sender_new(const es_sender_config_t *config, const es_sender_ops_t *ops, void *ctx,
                           uint64_t last_epoch);
/* Begin not at 0 but after `committed`, with this checkpoint (a resumed stream). Before the first push only. */
void es_sender_begin_at(es_sender_t *self, uint64_t committed, es_span_t checkpoint);
/* Frees all, says nothing on the wire (es_sender_close does). */
void es_sender_destroy(es_sender_t **self_p);

/* Append a frame: flags of ES_F_MARK, ES_F_EOS or 0. pos: the position of its first sample. size: bytes of the client's chunk (0: as len). The
 * body is copied. Returns its seq (> 0), or 0 where the sender is full or EOS was pushed before. Transmits what the window allows. */
uint64_t es_sender_push(es_sender_t *self, uint64_t flags, uint64_t pos, const void *body, size_t len, size_t size,
                        uint64_t now_us);
/* Would a push be refused for lack of room? EOS and MARK are always taken. */
bool es_sender_full(const es_sender_t *self);
/* Bytes of memory that its frames take. */
size_t es_sender_memory(const es_sender_t *self);
/* Bytes of audio retained behind the oldest frame, which stays until all of it is final. Where they hold the longest segment of any engine, something of them will be
 * committed without a further push: less may be too little to wait with. */
size_t es_sender_backlog(const es_sender_t *self);

/* A message on this stream's key: ACK, REWIND, FINAL, PARTIAL, WORKER_LOST, WAIT, REFUSED, YIELD. Others are ignored. */
void es_sender_receive(es_sender_t *self, const es_msg_t *msg, const void *body, size_t len, uint64_t now_us);
/* One that came through another broker than the stream is at: only YIELD is taken. False: it was dropped, and is not what another broker brings anyway, a copy of what
 * the stream's own worker says or a broker's own word. */
bool es_sender_overhear(es_sender_t *self, const es_msg_t *msg, uint64_t now_us);
/* Timers. Returns the time of the next one, UINT64_MAX where none runs. Call at or after that time; earlier is harmless. */
uint64_t es_sender_tick(es_sender_t *self, uint64_t now_us);
/* When es_sender_tick wants to be called next. */
uint64_t es_sender_deadline(const es_sender_t *self);
/* Start over with a new epoch at the last commit (a planned move, a changed broker). */
void es_sender_raise(es_sender_t *self, uint64_t now_us);
/* Every frame that is not committed, in order; the body is valid during the call. Also from within `refused`. */
void es_sender_each(const es_sender_t *self, void (*fn)(void *ctx, const void *body, size_t len), void *ctx);
/* Transmit CLOSE with the current epoch. Idempotent. */
void es_sender_close(es_sender_t *self);

typedef struct {
    uint64_t epoch, next_seq, sent, received, committed; /* sent: highest seq transmitted in this epoch */
    uint64_t place;                                      /* 0: not waiting */
    size_t retained_frames, retained_bytes;
    uint64_t retransmits, raises, probes, rewinds, yields;
    uint64_t stale;     /* messages dropped for epoch, incarnation or range */
    uint64_t oldest_us; /* push time of the oldest frame that is not received yet; 0: none */
    bool done;
} es_sender_stats_t;
void es_sender_stats(const es_sender_t *self, es_sender_stats_t *out);

#endif
