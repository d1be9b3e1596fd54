/* One room as this edge has it: its log followed without a gap (room_follower.h), written once for all members (fanout_log.h), and the members.
 *
 *   ROOM_NEWS --> follower --> frames in the fan-out log --> each member from its own place
 *                    |
 *                    '-- gap: ROOM_FETCH;  every 2 s: ROOM_MEMBERS, answered by ROOM_STATE, which shows a lost tail
 *
 * The room begins with its first member and ends with its last one. */
#ifndef ES_EDGE_ROOM_H
#define ES_EDGE_ROOM_H

#include <sys/queue.h>

#include "edge_rooms.h"
#include "fanout_log.h"
#include "room_follower.h"

struct es_edge_room {
    es_edge_rooms_t *rooms;
    const es_edge_rooms_ops_t *ops;
    const es_edge_rooms_limits_t *limits;
    es_client_env_t *env;
    const char *own_key;
    char id[ES_ROOM_ID_MAX];
    char key[ES_KEY_MAX];
    size_t id_len, key_len;
    es_room_follower_t *follower;
    es_fanout_log_t *log;
    LIST_HEAD(, es_membership) members;
    size_t count, catching; /* members; those that are not live yet */
    es_timer_t timer;
    uint64_t sync_us;     /* when to announce the members next */
    uint64_t trimmed_end; /* of the log, when it was last looked at */
    bool fresh;           /* something came in this turn, it is in the list of such rooms */
    es_edge_room_t *next_fresh;
};

es_edge_room_t *es_edge_room_new(es_edge_rooms_t *rooms, const es_edge_rooms_ops_t *ops,
                                 const es_edge_rooms_limits_t *limits, es_client_env_t *env, const char *own_key,
                                 es_span_t id);
/* Tells the room's actor that nobody is left here. */
void es_edge_room_destroy(es_edge_room_t **self_p);

es_span_t es_edge_room_id(const es_edge_room_t *self);
es_span_t es_edge_room_key_of(const es_edge_room_t *self);
void es_edge_room_send(es_edge_room_t *self, const es_msg_t *msg, const void *body, size_t len);
void es_edge_room_news(es_edge_room_t *self, const es_msg_t *msg, const void *body, size_t len);
void es_edge_room_answer(es_edge_room_t *self, const es_msg_t *msg, const void *body, size_t len);
/* Its timer is due. */
void es_edge_room_tick(es_edge_room_t *self);
/* At the end of a turn in which something came: wakes members, gives up what nobody needs, closes who is too slow. */
void es_edge_room_wake(es_edge_room_t *self);
/* Members came or went otherwise than by an operation, or a broker did: announce them soon. */
void es_edge_room_announce_soon(es_edge_room_t *self);

#endif
