/* Bytes of a connection that nobody told of: libwebsockets answers PING and drops empty PONGs by itself, without a word to anybody, so that only the kernel
 * knows of a flood of them. */
#ifndef ES_UNSEEN_H
#define ES_UNSEEN_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint64_t told, unseen;
} es_unseen_t;

/* Whatever was read from this connection so far is known: HTTP before the opening of a WebSocket. */
void es_unseen_begin(es_unseen_t *self, int fd);
/* A piece of a frame, and whether it is its last. */
void es_unseen_tell(es_unseen_t *self, size_t len, uint64_t frames);
/* Bytes of control frames that were read since the last call, less what may lie in buffers; 0 where the kernel does not count: on other sockets than TCP. */
uint64_t es_unseen_take(es_unseen_t *self, int fd);

#endif
