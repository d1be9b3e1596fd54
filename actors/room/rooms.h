/* All rooms that one actor has, and its turns: what a turn of the loop brings, for whatever rooms, is stored by one commit, and only then said.
 *
 *      es_rooms_message ...  --> room (loaded by claiming it) --> store: appends ...   --\
 *      es_rooms_tick         -->                              --> queue: sends ...       +--> es_rooms_flush: commit, then publish
 *
 * A room whose term has passed is dropped with what it wanted to say, the others of the turn go through. Where the commit fails, all rooms of the turn are. A
 * room that is dropped is loaded anew at its next request. Rooms without members are unloaded after a while. No socket, no clock, and what it does
 * depends on nothing but what it is told: the simulation runs it over a store in memory. One thread.
 */
#ifndef ES_ROOMS_H
#define ES_ROOMS_H

#include "room_store.h"

typedef struct es_rooms es_rooms_t;

typedef struct {
    size_t max_rooms;         /* open at once; then JOIN is refused. Default 10000 */
    uint64_t idle_us;         /* a room without members and requests is unloaded after this; default 1 min */
    size_t turn_bytes;        /* of what waits to be said: with more the turn ends at once; default 8 MiB */
    uint64_t (*random)(void); /* names new logs */
} es_rooms_config_t;
es_rooms_config_t es_rooms_defaults(uint64_t (*random)(void));

typedef void (*es_rooms_publish_fn)(void *ctx, es_span_t key, const es_msg_t *msg, const void *body, size_t len);

/* shared, store and ctx outlive it. Dies on lack of memory. */
es_rooms_t *es_rooms_new(const es_rooms_config_t *config, es_room_shared_t *shared, es_room_store_t *store,
                         es_rooms_publish_fn publish, void *ctx);
/* What was not flushed is gone. NULL is fine. */
void es_rooms_destroy(es_rooms_t **self_p);

/* A message on this key. False: it is no request to a room. */
bool es_rooms_message(es_rooms_t *self, es_span_t key, const es_msg_t *msg, es_span_t body, es_room_now_t now);
/* Members that are away leave, rooms are unloaded, old rows deleted. Returns the time (us) of the next call. */
uint64_t es_rooms_tick(es_rooms_t *self, es_room_now_t now);
/* The end of a turn: stores and publishes. */
void es_rooms_flush(es_rooms_t *self);

typedef struct {
    uint64_t open;     /* rooms, now */
    uint64_t members;  /* of them, at the last tick that looked */
    uint64_t requests; /* since the start */
    uint64_t too_many; /* operations refused because max_rooms were open */
    uint64_t loaded;   /* rooms claimed */
    uint64_t lost;     /* rooms dropped with what they had to say: turns that failed, terms that have passed */
    uint64_t early;    /* turns ended by turn_bytes */
} es_rooms_stats_t;
void es_rooms_stats(const es_rooms_t *self, es_rooms_stats_t *out);

#endif
