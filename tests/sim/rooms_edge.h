/* Edges of the simulation: rooms with a follower, members with an outbox. */
#ifndef ES_ROOMS_EDGE_H
#define ES_ROOMS_EDGE_H

#include "ring.h"
#include "room_follower.h"
#include "room_outbox.h"
#include "rooms_table.h"

typedef enum { JOINING, CATCHING_UP, LIVE } member_state_t;

typedef struct member {
    struct member *next;
    struct edge_room *room;
    int client;
    uint64_t conn;
    char id[ES_CLIENT_ID_LEN + 1], name[32];
    member_state_t state;
    bool leaving, over, has_since;
    uint64_t since, since_log, log, at;
    uint64_t ask_id, ask_due_us; /* page of older events; due NEVER: none is asked for */
    es_room_outbox_t *outbox;
} member_t;

typedef struct edge_room {
    struct sim *sim;
    int edge, id;
    es_room_follower_t *follower;
    member_t *members;
    es_ring_t recent;           /* rows that the follower gave out, without a gap; the last one is its position */
    uint64_t sync_us, hears_us; /* subscribed from then on */
} edge_room_t;

enum { COUNTED = 32 };

typedef struct {
    uint64_t conn, last;
} counted_t;

typedef struct {
    char prefix[ES_PREFIX_LEN + 1];
    counted_t counted[COUNTED]; /* operations of connections that are in no room */
    size_t counted_n;
    uint64_t heard_us[BROKERS];
    unsigned fresh; /* bits: brokers whose beacons come */
    uint64_t begun; /* followers and members: each asks by ids of its own */
    edge_room_t *rooms[ROOMS];
} edge_t;

/* rooms_edge.c */
void edge_start(struct sim *sim, int e);
void edge_stop(struct sim *sim, int e);
void edge_receive(struct sim *sim, int e, const packet_t *packet);
void edge_timer(struct sim *sim, int e);
void edge_request(edge_room_t *room, uint64_t conn, const es_msg_t *msg, const void *body, size_t len);
void edge_announce_soon(edge_room_t *room);
void edge_own_key(const edge_t *edge, char key[ES_CLIENT_ID_LEN + 1]);

/* rooms_member.c */
/* counted: the last operation of this connection in this room */
member_t *member_new(edge_room_t *room, int client, uint64_t conn, const es_msg_t *join, uint64_t counted);
void member_destroy(member_t *member); /* unlinks it */
void member_say(member_t *member, const es_msg_t *said, const char *body, size_t len);
void member_answer(member_t *member, const es_msg_t *msg, const char *body, size_t len);
void member_event(member_t *member, const es_room_event_t *event);
void member_missed(member_t *member, uint64_t from, uint64_t to);
void member_rejoin(member_t *member);
void member_advance(member_t *member);
uint64_t member_tick(member_t *member);

#endif
