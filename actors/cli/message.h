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
    ES_MESSAGE_DONE, /* audio.done */
    ES_MESSAGE_ERROR,
    ES_MESSAGE_OTHER, /* well-formed, of a type that is no business of ours */
    ES_MESSAGE_INVALID
} es_message_type_t;

/* Strings are NUL-terminated UTF-8, never NULL, owned by the message. */
typedef struct {
    es_message_type_t type;
    uint64_t seq, from_seq, to_seq, start_ms, end_ms; /* 0 where absent */
    uint64_t queue;                                   /* STATUS: place in the queue, 0 where not waiting */
    bool final;
    const char *text; /* TRANSCRIPT: text; ERROR: message; INVALID: what is wrong */
    const char *code; /* ERROR: code; STATUS: state */
    char *line;       /* flattened JSON of one line: type, the payload's fields, timestamp */
    void *json;       /* behind the strings */
} es_message_t;

/* Reads a text message from the server. Never fails: look at type. Free with es_message_fini. */
void es_message_parse(es_message_t *out, const char *text, size_t len);
void es_message_fini(es_message_t *self);

/* What a client says; returns a text to be freed. now_ms: wall clock. */
char *es_message_start(uint32_t rate, const char *language, bool partials, uint64_t now_ms);
char *es_message_stop(uint64_t now_ms);

#endif
