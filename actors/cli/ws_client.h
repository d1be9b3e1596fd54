/* One WebSocket connection as a client, over libwebsockets. The only file pair outside the edge that includes it.
 *
 * One thread: everything happens inside es_ws_client_turn. Whole messages come in (pieces are put together, at most ES_WS_MESSAGE_MAX bytes); messages to send
 * go through a queue bounded in bytes, so that the peer's back-pressure reaches the caller.
 */
#ifndef ES_WS_CLIENT_H
#define ES_WS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trust.h"

#define ES_WS_MESSAGE_MAX ((size_t)1024 * 1024)
#define ES_WS_QUEUE_MAX ((size_t)256 * 1024) /* bytes that may wait; one message is always let in */

typedef struct es_ws_client es_ws_client_t;

typedef struct {
    void (*open)(void *ctx);
    void (*text)(void *ctx, const char *text, size_t len); /* valid during the call, not NUL-terminated */
    /* The connection could not be made: why, in words. Called at most once, instead of open. */
    void (*failed)(void *ctx, const char *why);
    /* It is over after open, by whichever side. code: the peer's close code, 0 where it sent none. */
    void (*closed)(void *ctx, unsigned code, const char *reason);
} es_ws_client_ops_t;

typedef struct {
    bool tls;
    char host[256];
    uint16_t port;
    char path[512]; /* with query */
} es_ws_url_t;

/* ws://HOST[:PORT][/PATH], wss://, and http(s):// as a person may copy it from `ready`. A missing path becomes /ws. 0, or -1 with a sentence in
 * err. */
int es_ws_url_parse(es_ws_url_t *out, const char *url, char *err, size_t err_len);

/* Version of the library behind it. Static. */
const char *es_ws_client_library(void);

/* Begins to connect; nothing is called before the first turn. ops must outlive it, trust (NULL: as the system does) is for now. Dies on lack of memory. */
es_ws_client_t *es_ws_client_new(const es_ws_url_t *url, const es_trust_t *trust, const es_ws_client_ops_t *ops,
                                 void *ctx);
/* Drops the connection, calls nothing. */
void es_ws_client_destroy(es_ws_client_t **self_p);

/* Queue a message; bytes are copied. 0, or -1 where the queue is full or the connection is not open. */
int es_ws_client_send(es_ws_client_t *self, bool binary, const void *data, size_t len);
/* Bytes in the queue. */
size_t es_ws_client_queued(const es_ws_client_t *self);
/* Send what is queued, then a Close 1000; `closed` follows. Idempotent. */
void es_ws_client_close(es_ws_client_t *self);

/* A turn also ends when fd becomes readable, or is so already; fd stays the caller's. 0, or -1 where that cannot be. At most once. */
int es_ws_client_watch(es_ws_client_t *self, int fd);

/* Serves the connection until something happened, or until wake_us (monotonic) at the latest. */
void es_ws_client_turn(es_ws_client_t *self, uint64_t wake_us, uint64_t now_us);

#endif
