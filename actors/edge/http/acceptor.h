/* The listening socket. Connections are accepted here and handed on; with descriptors running out, the newest are refused and the
 * others go on. One thread. */
#ifndef ES_ACCEPTOR_H
#define ES_ACCEPTOR_H

#include <stdbool.h>
#include <stddef.h>

typedef struct es_acceptor es_acceptor_t;

typedef struct {
    const char *host;
    unsigned port;      /* 0 draws one */
    bool shared;        /* with others that say so too */
    int reserved_from;  /* a connection that gets this descriptor, or one above it, is refused */
    const char *scheme; /* of the address that people are told: "http" */
} es_acceptor_config_t;

/* Binds and listens. fn gets each new connection (non-blocking, its own to close). NULL where that is impossible: err says why and what
 * to do. */
es_acceptor_t *es_acceptor_new(const es_acceptor_config_t *config, void (*fn)(void *ctx, int fd), void *ctx, char *err,
                               size_t err_len);
/* Takes what waits, then as es_acceptor_destroy: closing the socket would reset those that the kernel has already let in. */
void es_acceptor_drain(es_acceptor_t **self_p);
/* Closes the listening socket: whoever connects from now on is refused by the kernel. */
void es_acceptor_destroy(es_acceptor_t **self_p);
int es_acceptor_fd(const es_acceptor_t *self);
/* "http://127.0.0.1:8000"; a wildcard address is shown as localhost's. */
const char *es_acceptor_url(const es_acceptor_t *self);
/* Accept what waits, at most a batch; call when the descriptor is readable. */
void es_acceptor_ready(void *self);

#endif
