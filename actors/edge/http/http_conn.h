/* One HTTP connection: heads, bodies and answers between a socket and handlers (http_exchange.h). No sockets and no clock: bytes go through a table of
 * functions, time comes in.
 *
 *              .---------------- answer whole, connection kept ----------------.
 *              v                                                               |
 *   HEAD (idle, or its bytes come) --> DOOR --> EXCHANGE (a handler has it) ---+
 *     |  |                                |        '-- answer whole, not kept --> LINGER (bytes are read away) --> CLOSED
 *     |  '-- refused: answered ----------(')                                                                        ^
 *     '-- nothing came, went away, broke off, in any state --------------------------------------------------------'
 *
 * One exchange at a time: what a client sends ahead waits. A connection that is closed by us is closed for writing first and read until the client closes it
 * too, for --linger at most: closing a socket that still gets bytes resets it, and the client might never see the answer. */
#ifndef ES_HTTP_CONN_H
#define ES_HTTP_CONN_H

#include <sys/types.h>

#include "http_exchange.h"
#include "http_head.h"

#define ES_HTTP_IO_NONE (-1)   /* nothing now */
#define ES_HTTP_IO_BROKEN (-2) /* and never again */

#define ES_HTTP_BODY_READ 65536u   /* bytes read at once: the largest piece of a body */
#define ES_HTTP_AHEAD_MAX 16384u   /* bytes that a client may send ahead of an answer before it is read no more */
#define ES_HTTP_DISCARD_MAX 65536u /* rest of a body that nobody wants; a longer one costs the connection */
#define ES_HTTP_QUEUE_FULL 262144u /* bytes of an answer that wait, from which es_http_write says so */
#define ES_HTTP_QUEUE_ROOM 65536u  /* and below which `room` is called */

typedef struct {
    ssize_t (*read)(void *io, void *data, size_t cap);        /* bytes, 0: the client sends no more, or ES_HTTP_IO_* */
    ssize_t (*write)(void *io, const void *data, size_t len); /* bytes taken, or ES_HTTP_IO_* */
    void (*half_close)(void *io);                             /* for writing */
    /* Which readiness is to lead to es_http_conn_run; said only where it changes. At first: neither. */
    void (*want)(void *io, bool reading, bool writing);
    /* es_http_conn_run is to be called soon, and not from here. */
    void (*mark)(void *io);
    /* May this request be looked at now? False: it waits at the door until es_http_conn_admit. NULL: it may. */
    bool (*enter)(void *io, es_http_exchange_t *x);
    /* A request: hand it to a handler. */
    void (*request)(void *io, es_http_exchange_t *x);
    /* See es_http_peer; NULL: "". */
    const char *(*peer)(void *io);
} es_http_io_ops_t;

/* What the connections of one server share. The owner keeps `date` and `closing` current. */
typedef struct {
    const es_http_io_ops_t *io_ops;
    es_http_head_limits_t head;
    uint64_t head_us; /* for a head, from its first byte on, and for the first byte of a connection */
    uint64_t body_us; /* for the next body_least bytes of a body, or for its rest; it stands while we do not read */
    uint64_t body_least;
    uint64_t idle_us;   /* between two requests; 0: one request a connection */
    uint64_t send_us;   /* between two pieces of an answer that the client takes */
    uint64_t linger_us; /* after a close */
    char date[32];      /* "Sun, 06 Nov 1994 08:49:37 GMT" */
    bool closing;       /* no connection is kept any more */
} es_http_env_t;

typedef enum {
    ES_CONN_OPEN,
    ES_CONN_UPGRADE, /* a good opening of a WebSocket: answer the exchange and run again, or take the bytes and the socket away */
    ES_CONN_CLOSED, /* close the socket, destroy the connection */
    ES_CONN_CUT     /* the same, with a reset: an answer was broken off */
} es_conn_state_t;

es_http_exchange_t *es_http_conn_new(const es_http_env_t *env, void *io, uint64_t now_us);
/* An exchange that is open is over. */
void es_http_conn_destroy(es_http_exchange_t **self_p);
/* Reads (where `readable`), does what is to be done and writes. The only function that calls handlers; not from within one. */
es_conn_state_t es_http_conn_run(es_http_exchange_t *self, bool readable, uint64_t now_us);
/* When to run again at the latest; UINT64_MAX: only when something happens. */
uint64_t es_http_conn_deadline(const es_http_exchange_t *self);
/* Who was kept at the door may go on: run it. */
void es_http_conn_admit(es_http_exchange_t *self);
/* An exchange is open, or waits at the door. */
bool es_http_conn_busy(const es_http_exchange_t *self);

/* After ES_CONN_UPGRADE: the head, and what the client has sent after it. */
const es_http_head_t *es_http_conn_head(const es_http_exchange_t *self);
es_span_t es_http_conn_ahead(const es_http_exchange_t *self);

#endif
