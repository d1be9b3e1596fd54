/* A member's operations in one room, made reliable: each is sent until the room's actor has answered it, in order, and its answer is given back once.
 *
 *      push ---> [ base .. next-1 ] ---send, again and again---> room actor
 *                     ^---- ROOM_DONE or ROOM_REFUSED of seq n --'
 *
 * Operations (JOIN, SAY, CAPTION, LEAVE) are numbered 1, 2, 3 ... by the outbox; each carries the oldest unanswered number as `base`. The actor takes number
 * max(last + 1, base) of a member and drops what lies beyond, so the order holds although messages are lost; what it took before it answers again,
 * since it knows messages by (session, msg_id) and captions by (session, stream, position). A JOIN is a barrier: nothing leaves before it is answered.
 *
 * Pure: time is an argument. An outbox without operations owns no memory but itself. One thread.
 */
#ifndef ES_ROOM_OUTBOX_H
#define ES_ROOM_OUTBOX_H

#include "envelope.h"

#define ES_OUTBOX_WINDOW 32u /* operations under way */
#define ES_OUTBOX_MAX 256u   /* operations kept */

typedef struct es_room_outbox es_room_outbox_t;

typedef struct {
    /* Send now; may be lost. *op has seq and base. */
    void (*send)(void *ctx, const es_msg_t *op, const void *body, size_t len);
    /* The operation is answered: *answer is a ROOM_DONE or ROOM_REFUSED. May push; must not destroy the outbox. */
    void (*answered)(void *ctx, const es_msg_t *op, const es_msg_t *answer, const void *body, size_t len);
} es_room_outbox_ops_t;

/* ops and ctx outlive it. Dies on lack of memory. */
es_room_outbox_t *es_room_outbox_new(const es_room_outbox_ops_t *ops, void *ctx);
/* Number from last + 1 on: a client that joins a room again goes on counting where it left off. Before the first push only. */
void es_room_outbox_begin_after(es_room_outbox_t *self, uint64_t last);
/* The number of the last operation pushed. */
uint64_t es_room_outbox_last(const es_room_outbox_t *self);
/* What is not answered is forgotten. NULL is fine. */
void es_room_outbox_destroy(es_room_outbox_t **self_p);
/* Takes a copy of the operation with its spans and body, and sends it where the window and barriers allow. 0, or -1 where ES_OUTBOX_MAX are kept. */
int es_room_outbox_push(es_room_outbox_t *self, const es_msg_t *op, const void *body, size_t len, uint64_t now_us);
/* ROOM_DONE or ROOM_REFUSED came. One of an operation that is answered already is ignored. */
void es_room_outbox_answer(es_room_outbox_t *self, const es_msg_t *answer, const void *body, size_t len,
                           uint64_t now_us);
/* Sends again what is due (300 ms, doubled up to 3 s while nothing is answered). Returns the time of the next call, UINT64_MAX: none. */
uint64_t es_room_outbox_tick(es_room_outbox_t *self, uint64_t now_us);
/* Something has changed on the way there (another broker): send what waits now. */
void es_room_outbox_kick(es_room_outbox_t *self, uint64_t now_us);
/* Is this operation, which was pushed, answered? */
bool es_room_outbox_answered(const es_room_outbox_t *self, uint64_t seq);
/* Operations not answered yet, and since when the oldest of them waits (0: none). */
size_t es_room_outbox_count(const es_room_outbox_t *self);
uint64_t es_room_outbox_since(const es_room_outbox_t *self);
/* Those of this kind that are not. */
size_t es_room_outbox_count_of(const es_room_outbox_t *self, uint32_t kind);

#endif
