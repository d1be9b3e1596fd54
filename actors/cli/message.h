/* The envelope protocol of /ws from the client's side: {"type","payload","timestamp"} both ways. Pure. */
#ifndef ES_MESSAGE_H
#define ES_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    ES_MESSAGE_WELCOME,
    ES_MESSAGE_ACK,
    ES_MESSAGE_TRANSCRIPT,
    ES_MESSAGE_STATUS,
    ES_MESSAGE_DONE,      /* audio.done */
    ES_MESSAGE_STARTED,   /* audio.started */
    ES_MESSAGE_COMMITTED, /* audio.committed */
    ES_MESSAGE_ERROR,
    ES_MESSAGE_PONG,
    ES_MESSAGE_RESUMED, /* session.resumed */
    ES_MESSAGE_ENTERED, /* room.joined with members: the answer to room.join */
    ES_MESSAGE_JOINED,  /* the others are named as in the protocol, room.* */
    ES_MESSAGE_LEFT,
    ES_MESSAGE_SPOKEN, /* room.message */
    ES_MESSAGE_CAPTION,
    ES_MESSAGE_SAID,
    ES_MESSAGE_HISTORY,
    ES_MESSAGE_MEMBERS,
    ES_MESSAGE_OTHER, /* well-formed, of a type that is no business of ours */
    ES_MESSAGE_INVALID
} es_message_type_t;

/* Strings are NUL-terminated UTF-8, never NULL, owned by the message. Absent numbers are 0. */
typedef struct {
    es_message_type_t type;
    uint64_t seq, from_seq, to_seq, start_ms, end_ms;
    uint64_t position; /* samples at 16 kHz: TRANSCRIPT, COMMITTED */
    uint64_t queue;    /* STATUS: place in the queue, 0 where not waiting */
    bool final;
    const char *text; /* TRANSCRIPT, SPOKEN, CAPTION: text; ERROR: message; RESUMED: reason; INVALID: what is wrong */
    const char *code; /* ERROR: code; STATUS: state */
    const char *ref;  /* ERROR: type of the message that it is about */
    const char *checkpoint; /* TRANSCRIPT, COMMITTED: base64 */

    const char *session, *token;               /* WELCOME, RESUMED */
    bool ok;                                   /* RESUMED */
    uint64_t say_rate, say_burst, max_pending; /* WELCOME, of limits; say_rate UINT64_MAX: any number */

    const char *room, *log, *member, *name, *msg_id, *stream;
    uint64_t rseq, time_ms, total;
    uint64_t from, to; /* HISTORY; ENTERED: from */
    bool complete;     /* HISTORY, ENTERED */

    char *line;        /* flattened JSON of one line: type, the payload's fields, timestamp */
    void *json, *list; /* behind the strings; behind members or events */
} es_message_t;

/* Reads a text message from the server. Never fails: look at type. Free with es_message_fini. */
void es_message_parse(es_message_t *out, const char *text, size_t len);
void es_message_fini(es_message_t *self);

/* ERROR: the server wants another token than it was shown, or any at all. To connect again is of no use. */
bool es_message_refuses_token(const es_message_t *self);

/* Frames and times of the message, in the line too, become those of a stream that began so many frames and samples (at 16 kHz) before. */
void es_message_shift(es_message_t *self, uint64_t frames, uint64_t samples);

/* ENTERED, MEMBERS: member number i (a session) and its name; HISTORY: event number i, which borrows from self and needs no fini. False past
 * the last. */
bool es_message_member(const es_message_t *self, size_t i, const char **member, const char **name);
bool es_message_event(const es_message_t *self, size_t i, es_message_t *out);

/* Where a stream goes on after its committed frames. */
typedef struct {
    const char *stream, *checkpoint; /* checkpoint: base64, or NULL */
    uint64_t committed, position;
} es_message_resume_t;

/* What a client says; returns a text to be freed. now_ms: wall clock. */
/* The stream is a resumable one. */
char *es_message_start(uint32_t rate, const char *language, bool partials, uint64_t now_ms);
char *es_message_stop(uint64_t now_ms);
char *es_message_ping(uint64_t now_ms);
/* stream NULL: the session alone. */
char *es_message_resume(const char *token, const es_message_resume_t *stream, uint64_t now_ms);
/* log NULL: never been there, since is nothing. */
char *es_message_join(const char *room, const char *name, const char *log, uint64_t since, uint64_t now_ms);
char *es_message_leave(const char *room, uint64_t now_ms);
char *es_message_say(const char *room, const char *text, const char *msg_id, uint64_t now_ms);
char *es_message_who(const char *room, uint64_t now_ms);
char *es_message_history(const char *room, uint64_t before, unsigned limit, uint64_t now_ms);

#endif
