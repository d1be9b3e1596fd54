/* What a terminal can. */
#ifndef ES_TERMINAL_H
#define ES_TERMINAL_H

#include <stdbool.h>

/* Columns, or 80 where it is none. */
unsigned es_terminal_width(int fd);
/* Rows, or 24 where it is none. */
unsigned es_terminal_height(int fd);
/* What others say is UTF-8 whatever the locale: wide characters of this process are. */
void es_terminal_use_utf8(void);
/* A terminal that is not dumb, and NO_COLOR is not set (no-color.org). */
bool es_terminal_colour(int fd);

#endif
