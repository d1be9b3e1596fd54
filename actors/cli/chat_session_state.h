/* What chat_session.c, chat_tick.c (what time brings) and chat_hear.c (what the server says) share. */
#ifndef ES_CHAT_SESSION_STATE_H
#define ES_CHAT_SESSION_STATE_H

#include "backoff.h"
#include "chat_outbox.h"
#include "chat_place.h"
#include "chat_session.h"

#define ES_CHAT_SLOW_US UINT64_C(1000000) /* what a line may take before somebody wants to know */

typedef enum { WAITING, CONNECTING, GREETING, JOINING, INSIDE, LEAVING, CLOSING, OVER, STATES } es_chat_state_t;

struct es_chat_session {
    const es_chat_options_t *options;
    const es_chat_ops_t *ops;
    void *ctx;
    es_chat_state_t state;
    int status;
    uint64_t now_us, begun_us;

    /* the connection */
    size_t address;
    es_backoff_t backoff;
    uint64_t due_us; /* WAITING: to connect; later: to be further */
    uint64_t heard_us, asked_us, inside_us;
    uint64_t promised_us; /* when the next tick was asked for */
    bool failed;          /* to be dropped at the next tick */
    bool unavailable;     /* the server says that the room does not answer */
    char why[200];        /* it is down, or has failed */

    /* the session and the room */
    char *session, *token;             /* NULL before the first welcome */
    char *fresh_session, *fresh_token; /* of this connection's welcome */
    bool resumed, asked_history;
    es_chat_place_t place;
    uint64_t hidden_to; /* events of the history that nobody wants to see */
    uint64_t said_to;   /* an event of ours has this number */
    es_chat_outbox_t *outbox;
    bool refused; /* a line of ours was */

    bool ending, settle;
    uint64_t progress_us;
};

void es_chat_note(es_chat_session_t *self, es_chat_weight_t weight, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void es_chat_goto(es_chat_session_t *self, es_chat_state_t state);
/* Sends and frees text. Where it cannot be sent, the connection is given up. */
void es_chat_send(es_chat_session_t *self, char *text);
/* Gives the connection up at the next tick. */
void es_chat_fail(es_chat_session_t *self, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The connection is gone, for the reason in `why`. */
void es_chat_fall_back(es_chat_session_t *self);
/* Says goodbye to the server, and finishes once that is done. */
void es_chat_close(es_chat_session_t *self, int status);
/* Over. A good status becomes a worse one where lines were refused or are not confirmed. */
void es_chat_finish(es_chat_session_t *self, int status);
const char *es_chat_address(const es_chat_session_t *self);
/* Has it ever been inside? */
bool es_chat_entered(const es_chat_session_t *self);
uint64_t es_chat_wall_ms(const es_chat_session_t *self);

#endif
