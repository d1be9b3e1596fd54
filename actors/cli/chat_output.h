/* Where a room appears: as JSON on a pipe, as lines for people, or above the line that somebody edits. */
#ifndef ES_CHAT_OUTPUT_H
#define ES_CHAT_OUTPUT_H

#include "chat_captions.h"
#include "chat_terminal.h"
#include "chat_view.h"

typedef enum {
    ES_CHAT_JSON,    /* lines in, one line of JSON out for each message of the server */
    ES_CHAT_PLAIN,   /* lines in, lines for people out: a terminal that cannot move its cursor */
    ES_CHAT_TERMINAL /* a line is edited while others appear above it */
} es_chat_mode_t;

typedef struct {
    es_chat_mode_t mode;
    es_chat_terminal_t *terminal; /* TERMINAL, while there is one; the owner's */
    es_chat_view_t view;
    es_chat_captions_t captions;
    bool broken; /* standard output cannot be written */
} es_chat_output_t;

void es_chat_output_init(es_chat_output_t *self, es_chat_mode_t mode);
void es_chat_output_fini(es_chat_output_t *self);
void es_chat_output_message(es_chat_output_t *self, const es_message_t *message, uint64_t now_us);
/* A sentence that no message of the server is. Programs get the strong ones, on standard error. */
void es_chat_output_note(es_chat_output_t *self, bool strong, const char *text);
/* What is so just now, shown until it is otherwise; where text is empty, who is speaking. *wake_us is lowered to when that changes by itself. */
void es_chat_output_state(es_chat_output_t *self, const char *text, uint64_t now_us, uint64_t *wake_us);
/* Everything is on its way. 0, or -1 where it cannot be, which is told the first time. */
int es_chat_output_flush(es_chat_output_t *self);

#endif
