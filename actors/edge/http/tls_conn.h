/* One TLS connection: bytes shuttled between its socket and one end of a pair of sockets, whose other end is served as if it had been accepted itself.
 *
 *     client ===== secret socket ===== [conn] ----- plain end | other end ----- gate, libwebsockets
 *
 *   HANDSHAKE ---> OPEN ---> CLOSED
 *       '--- why ------------^
 *
 * Where one side takes no more the other is not read: at most what came at once waits in between. Ends travel as they do without TLS: when the client sends no more,
 * the plain side reads an end and may still answer; when the plain side sends no more, close_notify and FIN follow what it has sent, and what the client still sends
 * is read for `linger_us`, so that no reset takes the answer from it. Neither loop nor clock: sockets are non-blocking, time comes in. */
#ifndef ES_TLS_CONN_H
#define ES_TLS_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "tls.h"

/* Records without data, new keys say, that an open connection may bring at once, and one a second; with more it is CLOSED. */
#define ES_TLS_EMPTY_MAX 16u

typedef struct es_tls_conn es_tls_conn_t;

typedef struct {
    uint64_t handshake_us; /* for all of it */
    uint64_t send_us;      /* in which the client must take something of what waits for it, else it is cut off */
    uint64_t linger_us;    /* after our close_notify */
} es_tls_times_t;

typedef enum { ES_TLS_HANDSHAKE, ES_TLS_OPEN, ES_TLS_CLOSED } es_tls_state_t;

typedef enum {
    ES_TLS_SLOW,       /* handshake_us */
    ES_TLS_PLAIN_HTTP, /* a request without TLS; it is told so */
    ES_TLS_VERSION,    /* older than 1.2 */
    ES_TLS_CIPHER,     /* none in common */
    ES_TLS_PROTOCOL,   /* ALPN without http/1.1 */
    ES_TLS_ALERT,      /* the client refused us: it does not trust the certificate, say */
    ES_TLS_GONE,       /* closed half-way */
    ES_TLS_HELLO,      /* a ClientHello larger than ES_TLS_HELLO_MAX */
    ES_TLS_MALFORMED,
    ES_TLS_WHYS
} es_tls_why_t;

enum {
    ES_TLS_READ_SECRET = 1,
    ES_TLS_WRITE_SECRET = 2,
    ES_TLS_READ_PLAIN = 4,
    ES_TLS_WRITE_PLAIN = 8,
    ES_TLS_AGAIN = 16 /* more could be done at once: others first */
};

/* fd: an accepted socket, which is closed with the connection. */
es_tls_conn_t *es_tls_conn_new(es_tls_t *tls, int fd, const es_tls_times_t *times, uint64_t now_us);
void es_tls_conn_destroy(es_tls_conn_t **self_p);
/* Does what can be done now. Costly in HANDSHAKE: a signature. */
es_tls_state_t es_tls_conn_run(es_tls_conn_t *self, uint64_t now_us);
/* To be called once, when it is OPEN: nothing is shuttled before. The other end, the caller's to close; -1 where no descriptors are left. */
int es_tls_conn_split(es_tls_conn_t *self);
/* CLOSED at once, with a reset and without close_notify: the client cannot take what it has for the whole. */
void es_tls_conn_cut(es_tls_conn_t *self);
es_tls_state_t es_tls_conn_state(const es_tls_conn_t *self);
/* Of one that was CLOSED in its handshake. */
es_tls_why_t es_tls_conn_why(const es_tls_conn_t *self);
/* CLOSED because of records without data. */
bool es_tls_conn_flooded(const es_tls_conn_t *self);
/* What to wait for before the next run. */
unsigned es_tls_conn_wants(const es_tls_conn_t *self);
/* When to run again at the latest. */
uint64_t es_tls_conn_deadline(const es_tls_conn_t *self);
/* OPEN, and the plain side sends no more. */
bool es_tls_conn_ending(const es_tls_conn_t *self);
/* All that the plain side has sent is on its way, and its end. */
bool es_tls_conn_flushed(const es_tls_conn_t *self);
int es_tls_conn_secret(const es_tls_conn_t *self);
/* -1 before the split. */
int es_tls_conn_plain(const es_tls_conn_t *self);

#endif
