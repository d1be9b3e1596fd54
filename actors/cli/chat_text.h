/* What may be in a message of a room: 1 to 2 048 bytes of UTF-8, no control characters but line feeds and tabs. And in a room's id or a name: 1 to 64, and none. Pure. */
#ifndef ES_CHAT_TEXT_H
#define ES_CHAT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

enum { ES_CHAT_TEXT_MAX = 2048, ES_CHAT_ID_MAX = 64, ES_CHAT_LINE_MAX = 65536, ES_CHAT_PIECES_MAX = 128 };

/* A copy to be freed: U+FFFD for what belongs to no character and for control characters, no carriage return at the end. */
char *es_chat_text_clean(const char *line, size_t len);
/* Bytes of the message that text begins with: all of it, or up to a space or at least between two characters; 0 at the end. The pieces of
 * ES_CHAT_LINE_MAX bytes are at most ES_CHAT_PIECES_MAX. */
size_t es_chat_text_piece(const char *text);
/* May a room or a member be called that? */
bool es_chat_text_is_id(const char *text);

#endif
