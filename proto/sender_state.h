/* The inside of a sender, shared by stream_sender.c (what goes out, timers) and sender_receive.c (what comes in). Nobody else includes it. */
#ifndef ES_SENDER_STATE_H
#define ES_SENDER_STATE_H

#include "ring.h"
#include "rto.h"
#include "stream_sender.h"

#define ES_NEVER UINT64_MAX
#define ES_YIELD_PATIENCE_US UINT64_C(5000000)  /* asked so long ago: yield without a final */
#define ES_YIELD_ELSEWHERE_US UINT64_C(2000000) /* for both brokers to hear of it: a heartbeat each, a START between */

typedef struct {
    uint64_t pos;
    uint64_t pushed_us, sent_us; /* sent_us: last time in this epoch */
    uint32_t len, size;
    uint8_t flags;
    bool resent; /* more than once in this epoch: its acknowledgement says nothing about the round trip (Karn) */
    char body[];
} es_frame_t;

/* base <= committed <= received < cursor <= next_seq;  released <= committed;  received <= sent < next_seq */
struct es_sender {
    const es_sender_ops_t *ops;
    void *ctx;
    es_sender_config_t config;
    char *service, *language; /* owned copies; config points to them */

    uint64_t epoch, base;
    uint64_t next_seq;
    uint64_t cursor; /* next to transmit; goes back, `sent` does not */
    uint64_t sent, received, committed;
    uint64_t told;     /* what the last ACK or progress called received; lower where its receiver lost its state */
    uint64_t released; /* the ring begins at released + 1; below committed only while a final is handed out */
    uint64_t marked;   /* every MARK up to here was told */
    uint64_t eos_seq;  /* 0: none yet */
    uint64_t inc;      /* where bound */
    uint64_t heard_to, heard_end; /* of the last partial since the last commit, in this epoch */
    uint64_t place;

    es_ring_t frames;
    size_t retained_bytes, flight_bytes; /* flight: received < seq < cursor */
    char *checkpoint;
    uint32_t checkpoint_len;

    uint32_t silent; /* expiries since something was heard */
    uint32_t deaths; /* workers that died with nothing but this stream, since the last commit */
    uint32_t shared; /* and with others beside it */
    es_rto_t rto;
    uint64_t rto_at, probe_at, start_at, mark_at; /* ES_NEVER: not running */
    uint64_t rewind_from, probe_from;             /* not again before */
    uint64_t asked_us;                            /* where yielding: since when */

    bool bound, done, closed, started, was_full;
    bool recovering; /* one frame in flight until something new is received */
    bool yielding;   /* a live stream wants our place: give it back at the next commit */
    bool elsewhere;  /* and it waits at another broker */
    bool held;       /* so nothing is sent before start_at */
    uint64_t retransmits, raises, probes, rewinds, yields, stale;
};

/* The retained frame, or NULL. */
es_frame_t *es_sender_frame_at(const es_sender_t *self, uint64_t seq);
/* Transmits from the cursor what the window allows. */
void es_sender_pump(es_sender_t *self, uint64_t now_us);
/* Transmits committed + 1 again; true where there is such a frame. */
void es_sender_probe(es_sender_t *self, uint64_t now_us);
/* Transmits the START again. */
void es_sender_say_start(es_sender_t *self, uint64_t now_us);
/* Begins a new epoch. quiet: because nobody answers, so only its START goes out until someone does. */
void es_sender_begin_epoch(es_sender_t *self, bool quiet, uint64_t now_us);
/* Gives the place back: CLOSE, and a new epoch that waits for its turn. */
void es_sender_give_back(es_sender_t *self, uint64_t now_us);
/* What START carries from now on. Empty: none. At most ES_CHECKPOINT_MAX. */
void es_sender_set_checkpoint(es_sender_t *self, es_span_t checkpoint);
/* Tells of every MARK that has nothing uncommitted before it. */
void es_sender_tell_marks(es_sender_t *self);
/* Frees frames up to committed. */
void es_sender_release(es_sender_t *self);
/* Calls writable where the sender was full and is no longer. */
void es_sender_tell_writable(es_sender_t *self);

#endif
