/* The sizes of a simulated house of rooms, what may go wrong in it, and its messages. */
#ifndef ES_ROOMS_PLAN_H
#define ES_ROOMS_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim;

enum { BROKERS = 2, EDGES = 3, ACTORS = 3, CLIENTS = 6, ROOMS = 2, FAULTS = 10, STREAMS = 8 };
enum { NODE_BROKER, NODE_EDGE = BROKERS, NODE_ACTOR = NODE_EDGE + EDGES, NODE_CLIENT = NODE_ACTOR + ACTORS };
enum { NODES = NODE_CLIENT + CLIENTS };

#define NEVER UINT64_MAX

typedef enum {
    SAFE_ALL,
    SAFE_FENCE,    /* the store takes a transaction of any term */
    SAFE_DEDUPE,   /* no message is known to have been said */
    SAFE_CUT,      /* nor a caption */
    SAFE_ORDER,    /* an actor takes an operation over a gap */
    SAFE_GAP,      /* a follower takes news over a gap */
    SAFE_RESEND,   /* outboxes' timers do not run */
    SAFE_TAIL,     /* ROOM_STATE does not arrive */
    SAFE_ASK,      /* followers' timers do not run */
    SAFE_COMMIT,   /* actors speak before the store has it */
    SAFE_ANNOUNCE, /* edges do not announce their members */
    SAFE_HOLD,     /* who speaks is told words before the room has them */
    SAFE_MODES
} safeguard_t;

typedef enum { FAULT_KILL, FAULT_STOP, FAULT_CUT, FAULT_DISK, FAULT_DRAIN, FAULT_WIPE, FAULT_KINDS } fault_kind_t;

typedef struct {
    fault_kind_t kind;
    int node, room;
    uint64_t at, lasts;
} fault_t;

typedef struct {
    int brokers, edges, actors, clients, rooms, faults;
    uint32_t loss, dup, reorder; /* of 1000 */
    uint64_t delay_us, jitter_us, turn_us, sync_us, idle_us;
    uint64_t history, backlog, page, held; /* events: kept; as of the follower */
    uint64_t pace_us;                      /* between two things that a client does, at most */
    bool mild;                             /* too little goes wrong for anybody to be thrown out */
    fault_t fault[FAULTS];
    uint64_t calm_at;   /* from here on nothing goes wrong */
    uint64_t linger_us; /* so long all must stay well, once it is */
} plan_t;

/* What clients and edges say to one another over a connection; as the messages of PROTOCOL.md, 7.5. */
enum {
    SAY_BYE = 200, /* the connection is closed */
    SAY_JOIN,      /* with log and rseq: since */
    SAY_LEAVE,
    SAY_TEXT,    /* msg_id, text */
    SAY_CAPTION, /* what the audio of the client becomes: stream, start, end, text; body: words */
    TOLD_JOINED, /* log, rseq, from, flags: complete */
    TOLD_EVENT,  /* log; body: the event */
    TOLD_GONE,   /* from, to */
    TOLD_SAID,   /* msg_id, log, rseq */
    TOLD_REFUSED,
    TOLD_CAPTIONED, /* stream, start, end: words are final, and the room has them */
    TOLD_LEFT
};

typedef struct packet {
    struct packet *next; /* in an inbox */
    int from, to, channel;
    uint32_t to_life;
    uint64_t conn; /* between client and edge; else 0 */
    size_t key_len, envelope_len, body_len;
    char data[]; /* key, envelope, body */
} packet_t;

#endif
