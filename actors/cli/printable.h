/* Text of others on its way to a terminal: nothing of it may steer the terminal. Pure. */
#ifndef ES_PRINTABLE_H
#define ES_PRINTABLE_H

#include <stdio.h>

/* Length of the control character (C0, DEL, or C1 in UTF-8) at p, or 0 where there is none. */
size_t es_printable_control(const char *p);
/* Writes text with a space for each control character. */
void es_printable_write(FILE *out, const char *text);
/* The same of its first len bytes. */
void es_printable_write_part(FILE *out, const char *text, size_t len);

#endif
