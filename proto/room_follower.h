/* Follows the log of one room: whatever arrives, doubled, late, out of order or not at all, comes out in order and once. An edge has one for each room
 * in which it has members.
 *
 *      ROOM_NEWS ----> next in order? ---yes---> event()
 *                          | no: beyond: held, and fetch()ed from the room's actor
 *      ROOM_STATE, ROOM_DONE of a JOIN: the last number there is: a lost tail shows itself, and is fetched where it does not come within 50 ms
 *      ROOM_EVENTS --> what was asked for; events below its floor, and those left out between its events, are gone: missed(), which members are told
 *
 * Position. Until the first state() a follower knows nothing and drops news. It then begins `backlog` events before the last one, so that members who come
 * later find recent events here. A log is named by a random number; when a state names another log than the one followed, the numbers mean nothing any
 * more: reset() and begin anew. News never change the log; a follower that hears of another one wants a state (es_room_follower_wants_state).
 *
 * Pure: time is an argument. One thread.
 */
#ifndef ES_ROOM_FOLLOWER_H
#define ES_ROOM_FOLLOWER_H

#include "room_wire.h"

typedef struct es_room_follower es_room_follower_t;

typedef struct {
    /* The next event of the log; or a partial (rseq 0), where the log is followed without a gap and nothing newer was given out. Spans valid
     * during the call. */
    void (*event)(void *ctx, const es_room_event_t *event);
    /* Ask the room's actor for at most `count` events from number `from` on: ROOM_FETCH with seq `id`. May be lost; asked again after 200 ms, doubled up to 2 s. */
    void (*fetch)(void *ctx, uint64_t id, uint64_t from, uint64_t count);
    /* Events from..to are gone for good. The next event is to + 1. */
    void (*missed)(void *ctx, uint64_t from, uint64_t to);
    /* Another log. What was followed has no continuation. */
    void (*reset)(void *ctx, uint64_t log);
} es_room_follower_ops_t;

typedef struct {
    uint64_t backlog;    /* events before the last one to begin with; default 100 */
    size_t held_max;     /* events held over a gap; default 1024; more are dropped and fetched */
    size_t held_bytes;   /* default 1 MiB */
    uint64_t fetch_page; /* events asked for at once; default 256 */
    uint64_t asked;      /* ids of fetches come after it; default 0; one that nobody has used under this key */
} es_room_follower_config_t;
es_room_follower_config_t es_room_follower_defaults(void);

/* ops and ctx outlive it. NULL config: the defaults. Dies on lack of memory. */
es_room_follower_t *es_room_follower_new(const es_room_follower_config_t *config, const es_room_follower_ops_t *ops,
                                         void *ctx);
void es_room_follower_destroy(es_room_follower_t **self_p);

/* The room's actor says: the log, its last event (0: none yet), the oldest that is kept. An older state of the same log changes nothing. */
void es_room_follower_state(es_room_follower_t *self, uint64_t log, uint64_t last, uint64_t floor, uint64_t now_us);
/* ROOM_NEWS. */
void es_room_follower_news(es_room_follower_t *self, uint64_t log, const es_room_event_t *events, size_t n,
                           uint64_t now_us);
/* ROOM_EVENTS, the answer to fetch number `id`; others are ignored. */
void es_room_follower_fetched(es_room_follower_t *self, uint64_t log, uint64_t id, uint64_t last, uint64_t floor,
                              const es_room_event_t *events, size_t n, uint64_t now_us);
/* Asks again. Returns the time of the next call, UINT64_MAX: none. */
uint64_t es_room_follower_tick(es_room_follower_t *self, uint64_t now_us);

/* A position is known. */
bool es_room_follower_known(const es_room_follower_t *self);
uint64_t es_room_follower_log(const es_room_follower_t *self);
/* Number of the last event given to event() (or missed). */
uint64_t es_room_follower_at(const es_room_follower_t *self);
/* All that is known to exist was given out. */
bool es_room_follower_level(const es_room_follower_t *self);
/* News of another log came: ask for a state. Cleared by the next state. */
bool es_room_follower_wants_state(const es_room_follower_t *self);

#endif
