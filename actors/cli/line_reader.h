/* Lines of a pipe, a file or a terminal in its own line mode, taken when they come. */
#ifndef ES_LINE_READER_H
#define ES_LINE_READER_H

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    int fd;
    size_t max; /* bytes of a line; a longer one comes in pieces */
    char *buf;
    size_t at, len; /* what is in buf and not taken yet */
    bool ended;
} es_line_reader_t;

/* Dies on lack of memory. */
void es_line_reader_init(es_line_reader_t *self, int fd, size_t max);
void es_line_reader_fini(es_line_reader_t *self);
/* Reads what there is; blocks where nothing is. Call when fd is readable and `next` has nothing more. */
void es_line_reader_fill(es_line_reader_t *self);
/* The next line, without its end, valid until the next fill; false where none is whole yet. At the end of input what is left is a line. */
bool es_line_reader_next(es_line_reader_t *self, const char **line, size_t *len);
/* Is everything read and taken? */
bool es_line_reader_ended(const es_line_reader_t *self);

#endif
