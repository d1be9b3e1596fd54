/* A socket that is not read: what its other end says nobody hears, and the loop does not even watch for its end, but the kernel knows whether anybody is there. */
#ifndef ES_UNREAD_H
#define ES_UNREAD_H

#include <stdbool.h>
#include <stdint.h>

/* All zero: nobody has looked yet. */
typedef struct {
    uint64_t signs; /* bytes that the other end's kernel has acknowledged or sent, when last looked at */
} es_unread_t;

/* The other end has closed, or sends no more; what it sent before may still wait here. False for -1. */
bool es_unread_over(int fd);
/* The other end's kernel has acknowledged or sent something since the last call, whatever its program does. True where the kernel does not count: on
 * other sockets than TCP. */
bool es_unread_alive(es_unread_t *self, int fd);

#endif
