/* Lines of several processes on one descriptor, each with the name of who said it, in a colour of its own on a terminal.
 *
 * A line is at most ES_LOG_MUX_LINE bytes; longer ones are cut in two. A descriptor that takes nothing holds nobody up (log_writer.h). One thread.
 */
#ifndef ES_LOG_MUX_H
#define ES_LOG_MUX_H

#include <stdbool.h>
#include <stddef.h>

#define ES_LOG_MUX_LINE 4096u

typedef struct es_log_mux es_log_mux_t;

/* fd: where lines go; as in log_writer.h. prefixed: put the name before each line. colour: and in colour. */
es_log_mux_t *es_log_mux_new(int fd, bool prefixed, bool colour);
/* Writes out unfinished lines, for a second at most. */
void es_log_mux_destroy(es_log_mux_t **self_p);
/* A source of lines; returns its number. name is copied. All sources are to be added before the first line. */
size_t es_log_mux_add(es_log_mux_t *self, const char *name);
/* Bytes from a source. */
void es_log_mux_feed(es_log_mux_t *self, size_t source, const char *data, size_t len);
/* The source has ended: its unfinished line is a line. */
void es_log_mux_flush(es_log_mux_t *self, size_t source);

#endif
