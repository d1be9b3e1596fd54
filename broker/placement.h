/* Placement: which worker serves which stream, and who waits.
 *
 *                    START, a free place                        CLOSE, worker lost, GOODBYE, idle,
 *      (unknown) ----------------------------> PLACED(worker) ----------------------------------> (unknown)
 *          |  \--- HELLO lists it ---------------^    |   ^--- START of a newer epoch moves it off a draining worker
 *          |                                     |    '--------'
 *          '--- START, no free place --> WAITING-'  a later START, once it is its turn
 *                                           '--- CLOSE, or no START for wait_expiry --> (unknown)
 *
 * Only a START creates a placement; HELLO only teaches what was so already, and never displaces a placement or a newer epoch. A placement is
 * sticky: three silent expiries, rewinds and newer epochs do not move it. It goes to the live worker of the service with the smallest share of its
 * places taken.
 *
 * Learning. All state is soft, so a broker that starts knows nothing, though workers may hold streams. Two named times bridge that:
 *   settle  no new placement is made: STARTs wait in the queue (WAIT). Otherwise all streams would land on the worker that said HELLO first.
 *   learn   a frame without START of an unknown stream is dropped, not rewound: its worker's HELLO may be under way, and the retransmission
 *           mends the drop. After that it is answered REWIND{none}.
 * A START that is placed elsewhere although its old worker lives is safe by the rules of the epoch, only wasteful; so settle is short.
 * With several brokers a HELLO teaches us their streams too, and their CLOSE does not come to us. So a stream of which no frame has come is forgotten once its worker lists it no more, and
 * the worker is asked for its list where it has fewer streams than we count, and while somebody waits whose place may be taken by what is over.
 * Such streams are counted apart: a worker may list what it likes, and takes no place of max_streams by it.
 *
 * Waiting. One queue a service with three lanes: live streams that have words committed (their worker died in the middle), live streams, file jobs. No
 * place is reserved within a lane: a START is placed where fewer streams wait ahead of it than there are free places, so nobody overtakes, and a stream that died while
 * waiting holds a place no longer than wait_expiry.
 *
 * Who waits asks every 500 ms, so where many streams are short, a place would be free for longer than it is taken. A CLOSE therefore calls the one whose place it is.
 *
 * Live first. File jobs leave some places of each worker free, and a live stream that waits all the same has one of them asked to yield: batch.h.
 *
 * Suspects. A stream whose workers keep dying is refused in the end, but only what is alone with a worker is held guilty. So that one stream cannot
 * take all others down for ever where workers are few, one that has seen `suspect` deaths since its last commit gets a worker without another such stream, or waits: of the
 * next death it alone is guilty. It is cleared by a commit, or once its worker has lived for `clear` with it.
 *
 * Pure: no socket, no clock. Workers are named by their incarnation. One thread.
 */
#ifndef ES_PLACEMENT_H
#define ES_PLACEMENT_H

#include "catalogue.h"

typedef struct es_placement es_placement_t;

typedef struct {
    size_t
        max_streams; /* placed at once; more wait. And so many again that are known from HELLOs alone. Default 65536 */
    size_t max_waiting;      /* in each service's queue; more are told a place behind its end. Default 4096 */
    size_t max_workers;      /* default 1024 */
    size_t max_services;     /* that have workers, and so many more that streams wait for; default 64 */
    uint64_t stream_idle_us; /* a stream without a frame is forgotten; default 15 min, more than a worker's */
    uint64_t wait_expiry_us; /* a waiting stream without a START is forgotten; default 3 s */
    uint64_t settle_us;      /* default 300 ms */
    uint64_t learn_us;       /* default 2 s */
    uint64_t rewind_us;      /* a REWIND to one stream at most this often; default 100 ms */
    uint64_t
        quarantine; /* deaths of workers that were alone with a stream after which it is refused; default 10, 0: never */
    uint64_t suspect;      /* deaths, its own and shared ones, that make a stream a suspect; default 3, 0: never */
    uint64_t clear_us;     /* default 10 s */
    uint64_t live_reserve; /* places of each worker that file jobs leave free; default 1 */
    uint64_t seed;         /* of the hash map */
} es_placement_config_t;
es_placement_config_t es_placement_defaults(void);

/* now_us is the start that settle and learn count from. NULL config: the defaults. Dies on lack of memory. */
es_placement_t *es_placement_new(const es_placement_config_t *config, uint64_t now_us);
void es_placement_destroy(es_placement_t **self_p);

typedef enum {
    ES_ROUTE_FORWARD, /* give it to `worker` */
    ES_ROUTE_WAIT,    /* answer WAIT{epoch, place} */
    ES_ROUTE_REFUSE,  /* answer REFUSED{epoch}: it has killed as many workers as a stream may */
    ES_ROUTE_REWIND,  /* answer REWIND{epoch} without `expected` and without an incarnation: nobody has state, raise */
    ES_ROUTE_DROP     /* say nothing */
} es_route_verdict_t;

typedef enum {
    ES_ROUTE_OK,
    ES_ROUTE_STALE,      /* an epoch older than the stream's */
    ES_ROUTE_LEARNING,   /* unknown stream, soon after our start */
    ES_ROUTE_WAITING,    /* the stream waits; only its START counts */
    ES_ROUTE_LIMITED,    /* a REWIND went out less than rewind_us ago */
    ES_ROUTE_UNKNOWN,    /* CLOSE of an unknown stream */
    ES_ROUTE_BAD_START,  /* START without service or with epoch 0 */
    ES_ROUTE_NO_SERVICE, /* nobody serves it, and max_services such are waited for */
    ES_ROUTE_REASONS
} es_route_reason_t;

typedef struct {
    es_route_verdict_t verdict;
    es_route_reason_t reason; /* of DROP */
    uint64_t worker;          /* FORWARD */
    uint64_t displaced;       /* not 0: this worker had the stream until now; send it DROP */
    uint64_t epoch;           /* WAIT, REWIND: that of the frame */
    uint64_t place;           /* WAIT: from 1 */
    bool placed;              /* FORWARD: a placement was just made */
    es_span_t yields;         /* WAIT: where not empty, ask this stream to YIELD; valid until the next call */
    uint64_t yields_epoch;    /* and that is its epoch */
    es_span_t calls; /* CLOSE: where not empty, a place is free for this stream that waits; valid until the next call */
    uint64_t calls_epoch;
} es_route_t;

/* What to do with a FRAME or CLOSE on `key` (1..ES_KEY_MAX bytes; asserted). Other kinds are dropped as unknown. */
es_route_t es_placement_route(es_placement_t *self, es_span_t key, const es_msg_t *msg, uint64_t now_us);
/* A static word for metrics and logs. */
const char *es_route_reason(es_route_reason_t reason);

/* The worker that has this stream, with the highest epoch that went to it; 0: nobody has it. */
uint64_t es_placement_holder(const es_placement_t *self, es_span_t key, uint64_t *epoch);

/* HELLO: a worker is there, or says anew what it can take; its streams follow (es_placement_learn, es_placement_worker_listed). capacity 0: it drains,
 * keeping its streams and getting no new ones. 0, or -1 where a limit is reached (the worker then gets nothing). */
int es_placement_worker_up(es_placement_t *self, uint64_t worker, es_span_t service, uint64_t capacity);
/* Streams open at the worker by its own count (HELLO, HEARTBEAT; after the learn calls of a HELLO). What exceeds our own count was placed by other
 * brokers and takes places too. True: what we know of those is out of date, and it matters; ask for its list (WHO_ARE_YOU). An unknown worker is ignored. */
bool es_placement_worker_load(es_placement_t *self, uint64_t worker, uint64_t load);
/* HELLO says that the worker has this stream. False: another has it in this epoch, or has or waits for a newer one, or waits for another service: send
 * DROP. One of a newer epoch than ours has moved on through another broker: it takes the place of what was only learned of the same service, and leaves what we have placed as it is. */
bool es_placement_learn(es_placement_t *self, uint64_t worker, const es_stream_ref_t *stream, uint64_t now_us);
/* And that was all: forgets streams that earlier HELLOs of this worker taught us, unless a frame of them has come. */
void es_placement_worker_listed(es_placement_t *self, uint64_t worker);

/* Called for each stream that a worker had, with the highest epoch forwarded. Must not call into placement. */
typedef void (*es_placement_lost_fn)(void *ctx, es_span_t key, uint64_t epoch);
/* The stream that is to blame where this worker dies with others beside it: its suspect, where other brokers have nothing there. Writes its key and returns
 * the length, 0: there is none. */
size_t es_placement_worker_suspect(const es_placement_t *self, uint64_t worker, char key[ES_KEY_MAX]);
/* The worker is lost or said GOODBYE: forgets it and its streams. Returns how many those were; 0 for an unknown worker. fn may be NULL. */
size_t es_placement_worker_lost(es_placement_t *self, uint64_t worker, es_placement_lost_fn fn, void *ctx);

/* Calls fn for streams of a draining worker that would find a place elsewhere if they began anew now, as many as there are free places. Returns how many. */
size_t es_placement_worker_movable(const es_placement_t *self, uint64_t worker, uint64_t now_us,
                                   es_placement_lost_fn fn, void *ctx);

typedef void (*es_placement_forgotten_fn)(void *ctx, uint64_t worker, es_span_t key);
/* The sender of these streams is gone: forgets those whose key begins with `prefix` and that have had no frame since before_us, after calling fn for each. fn must not
 * call into placement. Returns how many. */
size_t es_placement_sender_gone(es_placement_t *self, es_span_t prefix, uint64_t before_us,
                                es_placement_forgotten_fn fn, void *ctx);

/* Forgets idle streams and expired waiting ones. Returns the time of the next call, UINT64_MAX: none needed. */
uint64_t es_placement_tick(es_placement_t *self, uint64_t now_us);

/* Places that could be given away now, of one service or (empty span) of all; not counting what the queue is entitled to. */
size_t es_placement_free(const es_placement_t *self, es_span_t service, uint64_t now_us);
/* Streams placed with the worker by us; 0 for an unknown one. */
size_t es_placement_worker_streams(const es_placement_t *self, uint64_t worker);
/* Those and, by the worker's last count, the streams that other brokers placed there. */
uint64_t es_placement_worker_open(const es_placement_t *self, uint64_t worker);

typedef struct {
    size_t streams, waiting, workers, services;           /* now */
    size_t taught;                                        /* of the streams: known from HELLOs alone */
    size_t batch, waiting_batch;                          /* of these: file jobs */
    uint64_t live_since_us;                               /* when the first live stream that waits came; 0: none */
    uint64_t placed, moved, learned, closed, lost, idled; /* since the start: placements made and ended */
    uint64_t unlearned;                                   /* ended because a HELLO did not list them any more */
    uint64_t losers;                                      /* learn answered false */
    uint64_t untaught;                                    /* not learnt: max_streams are known in that way */
    uint64_t orphaned, quarantined;                       /* STARTs refused */
    uint64_t suspected;                                   /* placements of suspects */
    uint64_t yields;                                      /* times that a file job was asked to yield */
    uint64_t wait_expired, wait_refused;                  /* queue: no START came; it was full */
    uint64_t waits_full;                                  /* of the waits, those while max_streams were placed */
    uint64_t forwards, waits, rewinds, drops[ES_ROUTE_REASONS]; /* verdicts */
} es_placement_stats_t;
void es_placement_stats(const es_placement_t *self, es_placement_stats_t *out);

#endif
