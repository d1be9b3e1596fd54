/* Rooms on disk: logs, what makes an operation unrepeatable, members, and who may write. The file behind this interface is SQLite's; another store takes its
 * place by these functions.
 *
 *      turn:  enter(room) --term as claimed?--> append, caption, seat ... --> settle(room) --> ... other rooms ... --> commit: one fsync for all
 *                          \--- PASSED: somebody else has the room; nothing of it is stored
 *
 * Several actors, as processes of one machine, share the file. Terms fence: who claims a room raises its term, and a turn that writes to a room begins by looking
 * whether the term is still its own, under the lock that the turn holds until it commits. So an actor that was stopped and wakes up finds that it has lost the
 * room, and a number is never given twice. An actor that is stopped while it commits holds that lock: others wait for busy_ms in each turn and store nothing until it
 * goes on or dies.
 *
 * What goes wrong: power fails - what was committed is there (WAL, synchronous=FULL). The disk is full, or broken - the turn FAILED: nothing of it is stored, it is
 * said once in the log with what to do, and the next turn tries anew. The file is another program's, or a newer release's - it is not opened and not touched.
 *
 * Calls block for the disk. One thread.
 */
#ifndef ES_ROOM_STORE_H
#define ES_ROOM_STORE_H

#include "room.h"

typedef struct es_room_store es_room_store_t;

typedef struct {
    const char *path;   /* of the file; made where it does not exist */
    uint64_t dedup_ms;  /* messages and positions of captions are known for so long; default 1 hour */
    uint64_t forget_ms; /* a room that no actor has had for so long is forgotten as a whole; default 7 days */
    uint32_t
        busy_ms; /* a turn waits for other processes so long; default 400 ms, below what a broker takes for death */
} es_room_store_config_t;
es_room_store_config_t es_room_store_defaults(const char *path);

typedef enum {
    ES_STORE_OK,
    ES_STORE_PASSED, /* the term is over: another actor has the room, or it was forgotten */
    ES_STORE_FAILED  /* the turn is lost */
} es_store_result_t;

/* A room as claimed. */
typedef struct {
    int64_t number; /* of its rows */
    uint64_t term;
    es_room_log_t log; /* as it was then */
} es_room_hold_t;

/* NULL with a sentence in err: what is wrong with the file, and what to do. Makes or updates its tables. */
es_room_store_t *es_room_store_open(const es_room_store_config_t *config, char *err, size_t err_len);
/* What is not committed is gone. NULL is fine. */
void es_room_store_close(es_room_store_t **self_p);

/* Takes the room over, in this turn. One that does not exist is made, with a log named `fresh` (random, not 0). */
es_store_result_t es_room_store_claim(es_room_store_t *self, es_span_t id, uint64_t fresh, uint64_t now_ms,
                                      es_room_hold_t *out);
/* Calls fn for each member of the room; spans are valid during the call. */
es_store_result_t es_room_store_members(es_room_store_t *self, const es_room_hold_t *hold,
                                        void (*fn)(void *arg, const es_room_seat_t *seat), void *arg);

/* Once a turn, before the first write to a room: begins the turn where it has not begun. */
es_store_result_t es_room_store_enter(es_room_store_t *self, const es_room_hold_t *hold);
/* Writes, of rooms that were entered (or claimed) in this turn. A failure shows in the commit. */
void es_room_store_append(es_room_store_t *self, const es_room_hold_t *hold, const es_room_event_t *event);
void es_room_store_caption(es_room_store_t *self, const es_room_hold_t *hold, es_span_t session, es_span_t stream,
                           uint64_t until, uint64_t now_ms);
void es_room_store_seat(es_room_store_t *self, const es_room_hold_t *hold, const es_room_seat_t *seat);
void es_room_store_unseat(es_room_store_t *self, const es_room_hold_t *hold, es_span_t session);
/* An event is given up before those around it. */
void es_room_store_drop(es_room_store_t *self, const es_room_hold_t *hold, uint64_t rseq);
/* Where the log stands after this turn; the time keeps the room from being forgotten. */
void es_room_store_settle(es_room_store_t *self, const es_room_hold_t *hold, const es_room_log_t *log);
void es_room_store_touch(es_room_store_t *self, const es_room_hold_t *hold, uint64_t now_ms);
/* The end of a turn: OK where all of it is on disk, or nothing was to write; FAILED: none of it is. A new turn begins with the next write. */
es_store_result_t es_room_store_commit(es_room_store_t *self);

/* Is the term still ours? For turns that only answer. */
es_store_result_t es_room_store_holds(es_room_store_t *self, const es_room_hold_t *hold);
/* *rseq of the message, 0: not known (any more). */
es_store_result_t es_room_store_said(es_room_store_t *self, const es_room_hold_t *hold, es_span_t session,
                                     es_span_t msg_id, uint64_t *rseq);
/* *until of the stream's captions; *known: are there any? */
es_store_result_t es_room_store_captioned(es_room_store_t *self, const es_room_hold_t *hold, es_span_t session,
                                          es_span_t stream, bool *known, uint64_t *until);
/* As es_room_ops_t.read. Texts that are damaged come empty. */
es_store_result_t es_room_store_read(es_room_store_t *self, const es_room_hold_t *hold, uint64_t from, uint64_t count,
                                     bool (*each)(void *arg, const es_room_event_t *event), void *arg);

/* As es_room_ops_t.back: *rseq. */
es_store_result_t es_room_store_back(es_room_store_t *self, const es_room_hold_t *hold, uint64_t to, uint64_t count,
                                     uint64_t *rseq);

/* Deletes up to about `max` rows that nobody needs any more (below a floor, older than dedup, of forgotten rooms), in this turn. Returns how many; fewer than max: nothing
 * is left for now. */
uint64_t es_room_store_trim(es_room_store_t *self, uint64_t now_ms, uint64_t max);

typedef struct {
    uint64_t commits, rows;      /* turns that wrote, events stored by them */
    uint64_t failed, busy;       /* turns that were lost; of them because others held the file */
    uint64_t passed;             /* rooms found to be another's */
    uint64_t trimmed, forgotten; /* rows, rooms */
} es_room_store_stats_t;
void es_room_store_stats(const es_room_store_t *self, es_room_store_stats_t *out);

#endif
