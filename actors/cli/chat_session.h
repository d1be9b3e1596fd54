/* A member of a room, through any number of connections. Messages and time come in, actions and what is to be shown go out; no socket, no clock, no terminal.
 *
 *   WAITING --connect--> CONNECTING --open--> GREETING --welcome, session.resumed--> JOINING --room.joined--> INSIDE
 *      ^                     |                    |                                     |                       | ending, all said
 *      `--- down, too late --+--------------------+-------------------------------------+-----------------------+        v
 *                                                                                                OVER <-- CLOSING <-- LEAVING
 *
 * Lost connections are made again, at the next address in turn, after 0.2 s, doubled up to 5 s, with jitter. The new one takes the session over (session.resume), asks
 * for what came meanwhile (since, log), and says again what was not confirmed. Where the session is not taken over, lines that are in the history under their msg_id are not
 * said again.
 */
#ifndef ES_CHAT_SESSION_H
#define ES_CHAT_SESSION_H

#include "message.h"

/* Exit codes of `earshot chat`. */
enum {
    ES_CHAT_OK = 0,
    ES_CHAT_REFUSED = 1, /* the room, or a line */
    ES_CHAT_USAGE = 2,
    ES_CHAT_NO_ENTRY = 3,
    ES_CHAT_UNSAID = 4, /* lines were not confirmed */
    ES_CHAT_INTERRUPTED = 130
};

typedef struct {
    const char *room, *name;
    const char *const *addresses; /* for messages */
    size_t address_count;
    uint64_t connect_us; /* to be in the room within, the first time; to be connected within, each time */
    uint64_t silence_us; /* of the server, after which the connection is given up; it is asked at half of it */
    uint64_t wait_us;    /* once ending: without any progress */
    uint64_t history;    /* events before the entry that are shown at most */
    uint64_t pending;    /* lines that may wait for their confirmation */
    uint64_t seed;       /* random */
    uint64_t wall_us;    /* what the wall clock is ahead of the clock of now_us */
} es_chat_options_t;

typedef enum {
    ES_CHAT_NOTE,   /* for who looks on */
    ES_CHAT_WARNING /* for everybody: something is lost, or may be */
} es_chat_weight_t;

typedef struct {
    /* From `tick` only. Make a connection to that address in place of the one that there is; answered by `open` or `down`. */
    void (*connect)(void *ctx, size_t address);
    /* From `tick` only. Drop the connection; it is not heard of again. */
    void (*drop)(void *ctx);
    /* Close it politely; `down` follows. */
    void (*close)(void *ctx);
    /* 0, or -1 where it cannot be taken now. */
    int (*send)(void *ctx, const char *text);
    /* A message of the server, of events each once and in order. */
    void (*show)(void *ctx, const es_message_t *message);
    /* A sentence for people, without a full stop. */
    void (*note)(void *ctx, es_chat_weight_t weight, const char *text);
} es_chat_ops_t;

typedef struct es_chat_session es_chat_session_t;

/* options, what they point to, and ops must outlive it. Dies on lack of memory. */
es_chat_session_t *es_chat_session_new(const es_chat_options_t *options, const es_chat_ops_t *ops, void *ctx);
void es_chat_session_destroy(es_chat_session_t **self_p);

void es_chat_session_open(es_chat_session_t *self, uint64_t now_us);
void es_chat_session_down(es_chat_session_t *self, const char *why, uint64_t now_us);
void es_chat_session_hear(es_chat_session_t *self, const es_message_t *message, uint64_t now_us);
/* Does what is due. Returns when to be called again at the latest; call it too after anything else happened. */
uint64_t es_chat_session_tick(es_chat_session_t *self, uint64_t now_us);

/* Says a line of any length, in pieces where it is longer than a message may be; what cannot be in a message is replaced. 0, or -1 where there is no
 * place for it now. What follows from this and the next is done by the next tick. */
int es_chat_session_say(es_chat_session_t *self, const char *line, size_t len);
/* No place for one more line of ES_CHAT_LINE_MAX bytes. */
bool es_chat_session_full(const es_chat_session_t *self);
/* False where it is not inside, so that there is nobody to ask. */
bool es_chat_session_who(es_chat_session_t *self);
bool es_chat_session_history(es_chat_session_t *self, unsigned count);
/* No more lines will come: leave once all are confirmed. settle: not before having been inside and having shown what had happened until then. */
void es_chat_session_end(es_chat_session_t *self, bool settle);
/* Leave at once. */
void es_chat_session_abort(es_chat_session_t *self);

bool es_chat_session_inside(const es_chat_session_t *self);
/* Has it been told to end? */
bool es_chat_session_ending(const es_chat_session_t *self);
bool es_chat_session_over(const es_chat_session_t *self);
/* Exit code, once over. */
int es_chat_session_status(const es_chat_session_t *self);
/* What somebody who waits should know now; empty where nothing. */
void es_chat_session_state(const es_chat_session_t *self, char *out, size_t cap);
/* Line number i, from the oldest, of those that are not confirmed; NULL past the last. */
const char *es_chat_session_unsaid(const es_chat_session_t *self, size_t i);

#endif
