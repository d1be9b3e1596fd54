/* A room as lines for people:
 *
 *     -- in lobby as Ann; here: Ann, Bob (2)
 *     12:03 Bob: hello
 *     12:03 Bob (voice): one two three
 *     12:04 Carl joined
 *     -- Wednesday, 3 January 2024
 *
 * A name has the same colour wherever it appears. Nothing that others say can steer the terminal. Pure but for the FILEs and the time zone.
 */
#ifndef ES_CHAT_VIEW_H
#define ES_CHAT_VIEW_H

#include <stdio.h>

#include "message.h"

typedef struct {
    bool colour;
    bool entered;
    int year, day; /* of the last line */
} es_chat_view_t;

/* wall_ms: now; lines of another day than today begin with its date. */
void es_chat_view_init(es_chat_view_t *self, bool colour, uint64_t wall_ms);
/* Writes what people are to see of a message: whole lines, or nothing. */
void es_chat_view_message(es_chat_view_t *self, FILE *out, const es_message_t *message);
/* A line that is nobody's. strong: it is not to be overlooked. */
void es_chat_view_note(const es_chat_view_t *self, FILE *out, bool strong, const char *text);
/* A name, in its colour. */
void es_chat_view_name(const es_chat_view_t *self, FILE *out, const char *name);

#endif
