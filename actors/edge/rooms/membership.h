/* A client's place in a room.
 *
 *   JOINING --ROOM_DONE--> CATCHING_UP --its place is in the fan-out log--> LIVE
 *                              '--- pages of older events, by ROOM_FETCH, into its own queue, as fast as it reads them
 *
 * Operations (join, say, caption, leave) go through an outbox (room_outbox.h) and are answered once. While live it owns no memory for what it is sent. What is to
 * be said to the client goes through es_membership_ops_t: the words are the dialect's. */
#ifndef ES_MEMBERSHIP_H
#define ES_MEMBERSHIP_H

#include "edge_room.h"
#include "room_outbox.h"

enum { ES_MEMBERSHIP_ASKS = 3 }; /* the first one is for catching up */

typedef enum { ES_JOINING, ES_CATCHING_UP, ES_LIVE } es_membership_state_t;

/* A request that is no operation: asked again until it is answered. */
typedef struct {
    uint32_t kind; /* ROOM_FETCH or ROOM_WHO; 0: free */
    uint64_t id, from, count, due_us;
} es_ask_t;

typedef struct {
    /* It is a member; events from `from` on follow. complete: nothing that it should get is gone. */
    void (*joined)(es_membership_t *self, const es_msg_t *done, const es_room_member_t *members, size_t n,
                   uint64_t from, bool complete);
    void (*left)(es_membership_t *self, const es_msg_t *done); /* the membership ends after this */
    void (*said)(es_membership_t *self, const es_msg_t *op, uint64_t rseq);
    void (*refused)(es_membership_t *self, const es_msg_t *op, es_span_t reason); /* of a JOIN: it ends after this */
    void (*event)(es_membership_t *self, const es_room_event_t *event);           /* while catching up */
    void (*gone)(es_membership_t *self, uint64_t from, uint64_t to); /* those will not come, they are given up */
    void (*history)(es_membership_t *self, const es_ask_t *ask, const es_msg_t *answer, const es_room_event_t *events,
                    size_t n);
    void (*present)(es_membership_t *self, const es_msg_t *answer, const es_room_member_t *members, size_t n);
    void (*unavailable)(es_membership_t *self); /* nobody has answered for long; said once an outage */
    void (*late)(es_membership_t *self); /* nor for so long that words need not wait for it (es_membership_late) */
} es_membership_ops_t;

typedef struct {
    char name[ES_NAME_MAX + 1];
    bool has_since, has_log;
    uint64_t since, log;
} es_join_t;

struct es_membership {
    es_edge_room_t *room;
    es_client_t *client;
    LIST_ENTRY(es_membership) in_room;
    es_membership_t *next; /* of the client's */
    const es_membership_ops_t *ops;
    es_membership_state_t state;
    bool leaving, over, warned;
    es_join_t join;     /* as asked for */
    es_join_t comeback; /* asked for while it leaves, for when it has left; without a name: none */
    uint64_t log, at;   /* catching up: last event given, in which log */
    uint64_t place;     /* LIVE: in the fan-out log */
    uint64_t behind_us; /* since when more than the backlog waits for it; UINT64_MAX: it does not */
    uint64_t says;      /* messages without an answer */
    uint64_t ask_id;
    es_ask_t asks[ES_MEMBERSHIP_ASKS];
    es_room_outbox_t *outbox;
    es_timer_t timer;
};

/* Begins to join. The client has no membership in this room yet. */
es_membership_t *es_membership_new(es_client_t *client, es_edge_room_t *room, const es_membership_ops_t *ops,
                                   const es_join_t *join);
/* The client is gone (its session may come back: that is the room actor's to judge), or the membership is over. */
void es_membership_destroy(es_membership_t **self_p);
/* The client's membership in this room, or NULL. */
es_membership_t *es_membership_find(const es_client_t *client, es_span_t room);

void es_membership_leave(es_membership_t *self);
/* 0, or -1: the outbox is full. op: ROOM_SAY or ROOM_CAPTION with its own fields. */
int es_membership_do(es_membership_t *self, es_msg_t *op, const void *body, size_t len);
/* The number of the operation that es_membership_do took last; has the room answered it? */
uint64_t es_membership_last(const es_membership_t *self);
bool es_membership_answered(const es_membership_t *self, uint64_t op);
/* The room has not answered for so long that words do not wait for it. */
bool es_membership_late(const es_membership_t *self);
/* Captions that it has not answered. */
size_t es_membership_captions(const es_membership_t *self);
/* ROOM_PARTIAL, best effort. */
void es_membership_partial(es_membership_t *self, es_msg_t *partial);
/* Asks for events (ROOM_FETCH) or members (ROOM_WHO). -1: as many are under way as may be. */
int es_membership_ask(es_membership_t *self, uint32_t kind, uint64_t from, uint64_t count);

/* The room goes on in another log: join it again; what came of the old one stays. */
void es_membership_rejoin(es_membership_t *self);
/* What waits of the room moves into the client's own queue. */
void es_membership_unload(es_membership_t *self);

/* ROOM_DONE, ROOM_REFUSED, ROOM_EVENTS or ROOM_PRESENT on the client's key. May end the membership. */
void es_membership_receive(es_membership_t *self, const es_msg_t *msg, const void *body, size_t len);
/* Its timer is due. */
void es_membership_tick(es_membership_t *self);
/* The room got on, or the client has read: go on catching up. */
void es_membership_advance(es_membership_t *self);
/* A broker came or went. */
void es_membership_kick(es_membership_t *self);

/* What of the room waits to be written to the client: as es_fanout_log_read. */
size_t es_membership_pending(const es_membership_t *self, const uint8_t **out);
void es_membership_written(es_membership_t *self, size_t n);

#endif
