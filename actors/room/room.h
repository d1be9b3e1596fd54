/* One room: a log of numbered events and a set of members, as a pure state machine. PROTOCOL.md, section 5, is what it speaks.
 *
 *      requests of edges                      +------ room ------+     append, caption, seat, unseat, floor, drop -> the store, one transaction
 *      JOIN LEAVE SAY CAPTION (operations) -->| log, last, floor |
 *      PARTIAL MEMBERS FETCH WHO          -->| members, edges   |
 *      tick(now)                          -->| operation counts |---- send: DONE, REFUSED, STATE, EVENTS, PRESENT, NEWS ---> after the commit
 *                                             +------------------+
 *                                                  ^ said, captioned, read: what is stored, this turn's appends included
 *
 * What it is not: a store, a clock, a thread. Time comes in, effects go out through a table of functions. The same code runs in the simulation.
 *
 * A turn. The caller gives requests and ticks, then calls es_room_flush, which puts the turn's events into ROOM_NEWS. It commits what was appended and only
 * then lets the sends out. Where the commit fails, or another actor has taken the room over (its term in the store is higher), the caller drops both and the room with
 * them, and loads it anew at the next request: so the room takes every effect for done, and nobody ever hears what is not stored.
 *
 * Order. A client's operations are numbered; the next one is max(last taken + 1, base). One beyond it is dropped, it will come again. An older one is
 * answered again and never done again: what makes it unrepeatable (msg_id, position of captions, membership) is in the store, so this holds for
 * the next actor too. Of clients that are no members, the last ES_ROOM_DEPARTED are remembered: a JOIN or a list of members that was under way when one
 * left does not bring it back.
 *
 * Members. A member is a session, there through one client_id. Who comes under another client_id moves silently; a list of an edge moves a session only
 * where it is away, so an edge that has not noticed yet that its client is gone cannot take it back.
 *
 *           JOIN, SAY, CAPTION, or MEMBERS lists it
 *      (absent) ---------------------------> PRESENT --- its edge does not list it, or is silent for 6 s ---> AWAY
 *          ^                                  |   ^                                                            | |
 *          |<------------- LEAVE -------------'   '--- it does or says something, or a list has it again ------' |
 *          '<-------------------------------- LEFT after the grace of 10 s --------------------------------------'
 *
 * What goes wrong, and what then: the actor dies - edges ask again, the next actor loads log and members, all present, and waits for the edges to
 * announce them. News are lost - the next ROOM_STATE shows the last number, followers fetch. The store loses its file - a new log with another name, and
 * members join again by their edges' lists. A hostile edge - every name, text and id is checked here again; what would not be valid in the log is refused.
 */
#ifndef ES_ROOM_H
#define ES_ROOM_H

#include "room_wire.h"

#define ES_ROOM_DEPARTED 256u         /* clients remembered after they have left */
#define ES_ROOM_LISTED 1000u          /* members in one answer */
#define ES_ROOM_FETCH_MAX 256u        /* events in one answer */
#define ES_ROOM_MESSAGE_MAX 262144u   /* bytes of events in one message */
#define ES_ROOM_LEAVES_A_TURN 512u    /* members that leave in one tick; the others in the next */
#define ES_ROOM_EXPIRIES_A_TURN 1024u /* events given up by age in one tick */

typedef struct es_room es_room_t;

typedef struct {
    uint64_t us; /* monotonic: timers */
    uint64_t ms; /* wall clock: when an event was, and whether it is too old */
} es_room_now_t;

/* Why an operation is refused; words of ROOM_REFUSED. */
typedef enum {
    ES_ROOM_NOT_MEMBER,
    ES_ROOM_FULL,
    ES_ROOM_TOO_MANY,
    ES_ROOM_BAD_REQUEST,
    ES_ROOM_REASONS
} es_room_reason_t;
const char *es_room_reason(es_room_reason_t reason);

typedef struct {
    uint64_t events[ES_EVENT_PARTIAL + 1]; /* by type; said to the room */
    uint64_t again;                        /* operations that were done before */
    uint64_t early;                        /* operations dropped, because an earlier one has not come */
    uint64_t refused[ES_ROOM_REASONS];     /* operations */
    uint64_t too_long;                     /* of the bad requests: texts over text_max */
    uint64_t malformed;                    /* requests, or rows of lists, without a sense or an address */
    uint64_t not_seated;                   /* rows of lists for which the room had no place */
    uint64_t cut;                          /* captions of which a part, or all, had been said */
    uint64_t departed_forgotten;           /* of clients that had left, to remember others */
    uint64_t given_up;                     /* events, by count or age */
} es_room_stats_t;

/* What the rooms of one thread share: settings, scratch, figures. It outlives them. */
typedef struct {
    uint64_t grace_us;   /* who is away for so long leaves; default 10 s */
    uint64_t silence_us; /* an edge that says nothing for so long has its members away; default 6 s */
    uint64_t history;    /* messages and captions kept, and as many joins and leaves; default 1000 */
    uint64_t age_ms;     /* events older than this are given up; default 7 days */
    size_t members_max;  /* default 10000 */
    size_t text_max;     /* bytes of a message; default ES_ROOM_TEXT_MAX */
    uint64_t seed;       /* of hash maps: random in an actor, fixed in a simulation */
    es_decoder_t *decoder;
    es_room_stats_t stats;
} es_room_shared_t;
/* The defaults, and a decoder. */
void es_room_shared_init(es_room_shared_t *self, uint64_t seed);
void es_room_shared_fini(es_room_shared_t *self);

/* A member as the store keeps it. */
typedef struct {
    es_span_t session, client, name;
    uint64_t operation; /* the last one that was known to be taken of this client when it sat down */
} es_room_seat_t;

typedef struct {
    /* --- what is stored, and appended in this turn --- */
    /* Number of the message that this session said under this msg_id; 0: it has not, or too long ago. */
    uint64_t (*said)(void *ctx, es_span_t session, es_span_t msg_id);
    /* Up to which sample this stream's captions are stored. False: none is. */
    bool (*captioned)(void *ctx, es_span_t session, es_span_t stream, uint64_t *until);
    /* Gives at most `count` events from number `from` on, in order and without those that were dropped, until each() returns false. Spans need to live no longer than that call. */
    void (*read)(void *ctx, uint64_t from, uint64_t count, bool (*each)(void *arg, const es_room_event_t *event),
                 void *arg);
    /* Number of the event with which the last `count` up to number `to` begin; 0: there are not so many. */
    uint64_t (*back)(void *ctx, uint64_t to, uint64_t count);
    /* --- what shall be; spans live no longer than the call --- */
    /* The next event of the log. A MESSAGE makes (member, msg_id) known. */
    void (*append)(void *ctx, const es_room_event_t *event);
    void (*caption)(void *ctx, es_span_t session, es_span_t stream, uint64_t until);
    /* A session is there from now on, or through another client. */
    void (*seat)(void *ctx, const es_room_seat_t *seat);
    void (*unseat)(void *ctx, es_span_t session);
    /* Events below are given up. */
    void (*floor)(void *ctx, uint64_t floor);
    /* This one is, above the floor. */
    void (*drop)(void *ctx, uint64_t rseq);
    /* To say after the commit, in this order. The fields of msg point into the room or are static; key and body live no longer than the call. */
    void (*send)(void *ctx, es_span_t key, const es_msg_t *msg, const void *body, size_t len);
} es_room_ops_t;

/* Where a log stands: loaded from the store, or new (last 0, floor 1). */
typedef struct {
    uint64_t log, last, floor;
    uint64_t said, moves; /* of what is kept: messages and captions, joins and leaves */
} es_room_log_t;

/* id: valid, copied. ops, ctx and shared outlive it. Dies on lack of memory. */
es_room_t *es_room_new(es_room_shared_t *shared, es_span_t id, const es_room_log_t *log, const es_room_ops_t *ops,
                       void *ctx);
void es_room_destroy(es_room_t **self_p);
/* After es_room_new, for each member in the store: it is present, its edge was heard just now. What is not valid, or there already, is left out. */
void es_room_restore(es_room_t *self, const es_room_seat_t *seat, es_room_now_t now);

/* A request (es_room_is_request) that the catalogue has let through. Others are counted as malformed. */
void es_room_message(es_room_t *self, const es_msg_t *msg, es_span_t body, es_room_now_t now);
/* Members that are away leave, old events are given up. Returns the time (us) of the next call. */
uint64_t es_room_tick(es_room_t *self, es_room_now_t now);
/* The end of a turn: sends the events that it brought, as ROOM_NEWS. */
void es_room_flush(es_room_t *self);

es_span_t es_room_id(const es_room_t *self);
es_room_log_t es_room_log(const es_room_t *self);
size_t es_room_members(const es_room_t *self);

/* Is this a client_id: 16 lowercase hex digits? */
bool es_room_client_valid(es_span_t client);
/* The ROOM_REFUSED of an operation, to say on the key request->client. False: this request has no such answer. *out points to id. */
bool es_room_refusal(const es_msg_t *request, es_span_t id, es_room_reason_t reason, es_msg_t *out);

#endif
