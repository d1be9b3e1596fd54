/* The broker's four sockets and where they are bound: at the base, and on tcp besides where that is asked for.
 *
 * What is bound on tcp can be closed for a moment, which ends every connection there (libzmq knows no way to end a single one): who comes back proves itself anew.
 * And nobody new is let in there while more descriptors are in use than there should be: connections that say nothing, or hold on to a handshake, go after three seconds
 * by themselves, and until then must not take the last descriptor.
 *
 * One thread.
 */
#ifndef ES_DOORS_H
#define ES_DOORS_H

#include "endpoints.h"
#include "loop.h"
#include "rights.h"

typedef struct es_doors es_doors_t;

typedef struct {
    es_endpoints_t base;
    es_endpoints_t tcp;       /* bound besides; tcp.base empty: not */
    int queue;                /* high-water mark of each socket, messages a peer */
    uint64_t max_descriptors; /* of this process, while tcp takes new connections */
} es_doors_config_t;

/* Makes the sockets. NULL with a message logged. */
es_doors_t *es_doors_new(const es_doors_config_t *config);
/* Binds all. -1 with a message logged where an endpoint cannot be bound. */
int es_doors_open(es_doors_t *self);
/* Closes the sockets; leaves their files. */
void es_doors_destroy(es_doors_t **self_p);
/* The raw socket; it stays the same. */
void *es_doors_socket(const es_doors_t *self, es_socket_t socket);
/* Ends every connection over tcp and opens again as soon as the addresses are free, from es_doors_tick. */
void es_doors_reopen(es_doors_t *self, uint64_t now_us);
/* Returns the time of the next call. */
uint64_t es_doors_tick(es_doors_t *self, uint64_t now_us);

#endif
