/* Lines for a descriptor that may stand still (a terminal after Ctrl-S, a pager): a thread writes them, whoever has them never waits. What does not fit is dropped,
 * and said so once there is room. es_log_writer_put: one thread. */
#ifndef ES_LOG_WRITER_H
#define ES_LOG_WRITER_H

#include <stddef.h>

#define ES_LOG_WRITER_BYTES 1048576u /* that may wait */

typedef struct es_log_writer es_log_writer_t;

/* fd: stays the caller's, and open as long as the process lives: a write that is stuck cannot be taken back. */
es_log_writer_t *es_log_writer_new(int fd);
/* A whole line with its newline, at most ES_LOG_WRITER_BYTES bytes; copied. The first one starts the thread. */
void es_log_writer_put(es_log_writer_t *self, const char *line, size_t len);
/* Gives what waits so much time to be written, then leaves it. */
void es_log_writer_destroy(es_log_writer_t **self_p, unsigned wait_ms);

#endif
