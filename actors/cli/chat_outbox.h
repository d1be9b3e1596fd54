/* What a member has said and the server has not confirmed. A line stays here until `room.said` names it, or until it was seen in the room, or until the server
 * will never take it; it may be sent several times, always under the same msg_id, which makes that harmless.
 *
 *   add --> waiting --next, sent--> sent --said--> gone
 *              ^                      |
 *              `--- refused, lost ----'
 *
 * After a line was refused for now, nothing is sent until each line under way has its answer and a pause has passed; then it goes on with the oldest, one at a time at first. So
 * lines keep their order as far as the server lets them. Pure.
 */
#ifndef ES_CHAT_OUTBOX_H
#define ES_CHAT_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct es_chat_outbox es_chat_outbox_t;

typedef struct {
    size_t capacity; /* lines */
    uint64_t id;     /* random: a prefix of every msg_id */
} es_chat_outbox_limits_t;

/* Dies on lack of memory. */
es_chat_outbox_t *es_chat_outbox_new(const es_chat_outbox_limits_t *limits);
void es_chat_outbox_destroy(es_chat_outbox_t **self_p);

/* What the server allows: lines a second (UINT64_MAX: any number), lines at once, lines without an answer. 0: what PROTOCOL.md names as the
 * default. */
void es_chat_outbox_allow(es_chat_outbox_t *self, uint64_t rate, uint64_t burst, uint64_t unsaid);
/* Takes a copy. 0, or -1 where it is full. */
int es_chat_outbox_add(es_chat_outbox_t *self, const char *text, uint64_t now_us);
/* The line to be sent now, valid until the next call, or NULL. *wake_us is lowered to when there may be one without anything else happening. */
const char *es_chat_outbox_next(es_chat_outbox_t *self, uint64_t now_us, const char **msg_id, uint64_t *wake_us);
/* The line that `next` named is on its way. */
void es_chat_outbox_sent(es_chat_outbox_t *self);

/* `room.said`. */
void es_chat_outbox_said(es_chat_outbox_t *self, const char *msg_id);
/* An event with this msg_id came: the line is there. It leaves; where it is under way on this connection, with the answer or with the connection. */
void es_chat_outbox_seen(es_chat_outbox_t *self, const char *msg_id);
/* An error about that line. for_good: it will never be taken; its text is returned, to be freed. Else NULL: it will be said again. */
char *es_chat_outbox_refused(es_chat_outbox_t *self, const char *msg_id, bool for_good, uint64_t now_us);
/* The connection is gone: what was not seen is to be said again. */
void es_chat_outbox_lost(es_chat_outbox_t *self);

size_t es_chat_outbox_count(const es_chat_outbox_t *self);
/* Lines that it takes now. */
size_t es_chat_outbox_room(const es_chat_outbox_t *self);
/* When the oldest was added; 0 where there is none. */
uint64_t es_chat_outbox_oldest_us(const es_chat_outbox_t *self);
/* Text of number i from the oldest, or NULL past the last. */
const char *es_chat_outbox_text(const es_chat_outbox_t *self, size_t i);

#endif
