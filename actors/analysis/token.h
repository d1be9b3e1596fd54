/* Words as they are counted: pieces of a text between everything that is neither letter, digit, nor an apostrophe or hyphen inside, in lower case. Pure.
 *
 * Letters beyond ASCII count whatever script they are of; Latin, Greek and Cyrillic capitals become small. Scripts without spaces are not taken apart. */
#ifndef ES_TOKEN_H
#define ES_TOKEN_H

#include "envelope.h"

#define ES_TOKEN_MAX 48u /* bytes; longer words are cut at a character */

/* The next word of *text_p, which moves behind it. out holds ES_TOKEN_MAX + 1 bytes and ends with a NUL. Its length, or 0 where there is none. */
size_t es_token_next(es_span_t *text_p, char *out);

#endif
