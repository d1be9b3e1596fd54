/* What a terminal can. */
#ifndef ES_TERMINAL_H
#define ES_TERMINAL_H

#include <stdbool.h>

/* Columns, or 80 where it is none. */
unsigned es_terminal_width(int fd);
/* A terminal that is not dumb, and NO_COLOR is not set (no-color.org). */
bool es_terminal_colour(int fd);

#endif
