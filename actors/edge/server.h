/* libwebsockets, and nothing else: what comes off the wire is handed to clients, what they queue is written. The only file that knows
 * it is server.c. All calls from the loop's thread. */
#ifndef ES_SERVER_H
#define ES_SERVER_H

#include "client.h"

typedef struct es_server es_server_t;

typedef struct {
    void *ctx;
    /* A WebSocket is open; the client belongs to the server's user, who frees it in `gone`. guest: as adopted, taken over. */
    es_client_t *(*open)(void *ctx, const char *path, const char *query, es_guest_t *guest, void *transport);
    void (*gone)(void *ctx, es_client_t *client);
    /* The socket that was adopted with this peer is closed. Not called for NULL. */
    void (*left)(void *ctx, void *peer);
    /* The client's own socket, where the one that was adopted is the end of a pair; else that one. -1: it is closed. */
    int (*socket)(void *ctx, int adopted);
} es_server_ops_t;

typedef struct {
    uint64_t ping_us;     /* a client that says nothing for so long is asked for a sign of life, again and again */
    uint64_t ping_misses; /* and cut where so many questions stay without an answer */
    uint64_t close_us;    /* time for a client to take and answer Close */
} es_server_limits_t;

/* ev_loop: a struct ev_loop that outlives the server. NULL with the reason logged. */
es_server_t *es_server_new(const es_server_ops_t *ops, const es_server_limits_t *limits, void *ev_loop);
/* Closes every connection without further words (drain first) and frees. */
void es_server_destroy(es_server_t **self_p);
/* Takes over a non-blocking socket from which these bytes have been read: the head of a good opening of a WebSocket, which is admitted, with a path and a query
 * of at most 511 bytes, and what came after it. guest: NULL, or the credentials that came along, taken over. */
void es_server_adopt(es_server_t *self, int fd, const char *bytes, size_t len, void *peer, es_guest_t *guest);

/* For the env of clients: their `transport` is what `open` was given. */
void es_server_flush(void *transport);
/* Writes now what the socket takes of what waits; the rest when it takes more. */
void es_server_push(void *transport);
void es_server_throttle(void *transport, bool stop);
void es_server_close(void *transport, unsigned code, const char *reason);
/* Call about once a second for each client: ends connections that will not close, asks silent ones for a sign of life and ends the dead. While one is not read its
 * kernel's acknowledgements are such a sign, and it is ended once it has left. May lead to `gone` for this client. */
void es_server_care(es_client_t *client, uint64_t now_us);

#endif
