/* Who is in a room, through which edge, and which operation of whom was taken last. For room*.c only. */
#ifndef ES_ROOM_MEMBERS_H
#define ES_ROOM_MEMBERS_H

#include "map.h"
#include "ring.h"
#include "room.h"

/* The members that come through one edge. */
typedef struct es_room_edge {
    struct es_room_edge *next;
    char prefix[ES_PREFIX_LEN];
    uint64_t heard_us;
    struct es_room_seated *first;
    size_t present; /* of its members, not away */
} es_room_edge_t;

typedef struct es_room_seated {
    es_room_edge_t *edge;
    struct es_room_seated *prev, *next; /* of the same edge */
    size_t at;                          /* in `all` */
    uint64_t operation;                 /* last one taken of this client */
    uint64_t away_us;                   /* since when, where away */
    uint64_t listed;                    /* the list of its edge that had it last */
    bool away;
    char client[ES_CLIENT_ID_LEN];
    uint8_t session_len, name_len;
    char text[]; /* session, name */
} es_room_seated_t;

/* A client that is no member any more, or never was one. */
typedef struct {
    char client[ES_CLIENT_ID_LEN];
    uint64_t operation;
    bool left; /* by its own LEAVE: only a JOIN brings it back */
} es_room_departed_t;

typedef struct {
    es_map_t *by_session;
    es_room_seated_t **all;
    size_t count, cap, away;
    es_room_edge_t *edges;
    es_ring_t departed;
    uint64_t *forgotten; /* counter */
} es_room_members_t;

void es_room_members_init(es_room_members_t *self, uint64_t seed, uint64_t *forgotten);
void es_room_members_fini(es_room_members_t *self);

/* NULL: no member. */
es_room_seated_t *es_room_members_find(const es_room_members_t *self, es_span_t session);
/* A session that is none yet; all parts valid. It is present. seat->operation 0: what is known of the client's operations goes on. */
es_room_seated_t *es_room_members_add(es_room_members_t *self, const es_room_seat_t *seat, uint64_t now_us);
/* The member is there through another client from now on, and present. */
void es_room_members_move(es_room_members_t *self, es_room_seated_t *member, es_span_t client, uint64_t now_us);
/* Frees the member; its client is remembered. */
void es_room_members_remove(es_room_members_t *self, es_room_seated_t *member);
void es_room_members_away(es_room_members_t *self, es_room_seated_t *member, uint64_t now_us);
void es_room_members_back(es_room_members_t *self, es_room_seated_t *member);

/* The last operation taken of this client, member or not; 0: none is known. */
uint64_t es_room_members_taken(const es_room_members_t *self, const es_room_seated_t *member, es_span_t client);
void es_room_members_take(es_room_members_t *self, es_room_seated_t *member, es_span_t client, uint64_t operation);
/* This client, no member, has said LEAVE. */
void es_room_members_leave(es_room_members_t *self, es_span_t client, uint64_t operation);
bool es_room_members_left(const es_room_members_t *self, es_span_t client);

/* The edge of a client, or NULL where no member comes through it. */
es_room_edge_t *es_room_members_edge(const es_room_members_t *self, es_span_t client);

static inline es_span_t es_room_seated_session(const es_room_seated_t *member)
{
    return es_span_of(member->text, member->session_len);
}
static inline es_span_t es_room_seated_name(const es_room_seated_t *member)
{
    return es_span_of(member->text + member->session_len, member->name_len);
}
static inline es_span_t es_room_seated_client(const es_room_seated_t *member)
{
    return es_span_of(member->client, sizeof member->client);
}

#endif
