/* The rooms in which this edge has members, by their ids: what comes from the room actors goes to the right one, timers run, and members are woken once a
 * turn. No sockets: what is sent goes through functions. One thread. */
#ifndef ES_EDGE_ROOMS_H
#define ES_EDGE_ROOMS_H

#include "client.h"
#include "room_wire.h"

typedef struct es_edge_rooms es_edge_rooms_t;
typedef struct es_edge_room es_edge_room_t;
typedef struct es_membership es_membership_t;

typedef struct {
    uint64_t max_rooms;        /* with members here */
    uint64_t max_room_members; /* of this edge in one room */
    uint64_t backlog;          /* bytes of a room that may wait for a member for 2 s; 8 times as many at once */
} es_edge_rooms_limits_t;

typedef struct {
    void *ctx;
    /* To the room's actor; may be lost. */
    void (*send)(void *ctx, es_span_t key, const es_msg_t *msg, const void *body, size_t len);
    /* Hear this topic, or no more. */
    void (*subscribe)(void *ctx, es_span_t key, bool on);
} es_edge_rooms_ops_t;

/* env: of the clients, for the time; own_key: where answers to the edge itself arrive (es_sender_link_key). Both outlive it. */
es_edge_rooms_t *es_edge_rooms_new(const es_edge_rooms_limits_t *limits, const es_edge_rooms_ops_t *ops,
                                   es_client_env_t *env, const char *own_key);
/* All members are gone (asserted). */
void es_edge_rooms_destroy(es_edge_rooms_t **self_p);

/* ROOM_NEWS on a room's topic. */
void es_edge_rooms_news(es_edge_rooms_t *self, es_span_t id, const es_msg_t *msg, const void *body, size_t len);
/* ROOM_STATE or ROOM_EVENTS on our own key. */
void es_edge_rooms_answer(es_edge_rooms_t *self, const es_msg_t *msg, const void *body, size_t len);
/* Runs timers and wakes the members for whom something has come. Returns the time of the next call. */
uint64_t es_edge_rooms_turn(es_edge_rooms_t *self);
/* A broker came or went: announce members and send again what is not answered, soon. */
void es_edge_rooms_brokers_changed(es_edge_rooms_t *self);

/* ---- for edge_room.c and membership.c */

/* The room, made where it is not there; NULL where max_rooms is reached. */
es_edge_room_t *es_edge_rooms_need(es_edge_rooms_t *self, es_span_t id);
/* Its last member is gone. */
void es_edge_rooms_release(es_edge_rooms_t *self, es_edge_room_t *room);

/* Questions of a new room or membership are numbered from here on, so that an answer to an earlier one under the same key is none to them. */
uint64_t es_edge_rooms_asked(es_edge_rooms_t *self);

/* Its follower was told something: look at its timer and its members at the end of this turn. */
void es_edge_rooms_touch(es_edge_rooms_t *self, es_edge_room_t *room);

/* When a membership wants its tick; UINT64_MAX: changes nothing. */
void es_edge_rooms_arm(es_edge_rooms_t *self, es_membership_t *member, uint64_t at);
void es_edge_rooms_disarm(es_edge_rooms_t *self, es_membership_t *member);

/* Scratch of all rooms, valid until the next call that decodes. -1: malformed, counted. */
int es_edge_rooms_events(es_edge_rooms_t *self, const void *body, size_t len, es_room_event_t **events);
int es_edge_rooms_members(es_edge_rooms_t *self, const void *body, size_t len, es_room_member_t **members);

#endif
