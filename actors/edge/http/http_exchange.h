/* One HTTP request and its answer, for handlers. The connection (http_conn.c) parses, frames and bounds; a handler sees pieces and writes pieces.
 *
 *      route --> es_http_reply (small answers, at once)
 *           \--> es_http_take(handler):  body, body, ... end   -->  es_http_begin, es_http_write ... es_http_finish  -->  over
 *
 * Back-pressure both ways: while paused, no body is read from the socket; es_http_write queues, and `room` tells when the queue has drained. All from the loop's thread. Ops may call every function
 * below. A handler may answer before the body has ended: what is left of it is then read away or the connection closed. */
#ifndef ES_HTTP_EXCHANGE_H
#define ES_HTTP_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "envelope.h"

typedef struct es_http_exchange es_http_exchange_t;

typedef struct {
    /* A piece of the body (chunked coding taken off), at most 64 KiB. Valid during the call. */
    void (*body)(void *handler, es_http_exchange_t *x, const void *data, size_t len);
    /* All of the body was given to `body`. Also where there is none. */
    void (*end)(void *handler, es_http_exchange_t *x);
    /* What es_http_write queued has drained below 64 KiB: write on. May be NULL. */
    void (*room)(void *handler, es_http_exchange_t *x);
    /* The exchange is over, answered whole or not (the client is gone, too slow, or sent nonsense as a body). Always called, once, last: free the handler. Never called
     * from within a function of this file. Also comes, with true, where the connection itself has answered (413 over max_body, 408, a body that is no body). */
    void (*over)(void *handler, bool answered);
} es_http_handler_ops_t;

/* The request. Spans live as long as the exchange. */
es_span_t es_http_method(const es_http_exchange_t *x);
es_span_t es_http_path(const es_http_exchange_t *x);  /* decoded; without NUL and dot segments */
es_span_t es_http_query(const es_http_exchange_t *x); /* as sent, without '?' */
es_span_t es_http_header(const es_http_exchange_t *x, const char *lower_name); /* empty where absent */
/* Bytes announced; -1: chunked. */
int64_t es_http_body_length(const es_http_exchange_t *x);
bool es_http_has_body(const es_http_exchange_t *x); /* a length or chunked was announced */
/* Copies the decoded value of a query parameter (NUL-terminated); 1: there, 0: absent, -1: malformed or longer than cap - 1. */
int es_http_parameter(const es_http_exchange_t *x, const char *name, char *out, size_t cap);

/* The query without this parameter, and a NUL. 0, or -1: longer than cap - 1. */
int es_http_query_without(const es_http_exchange_t *x, const char *name, char *out, size_t cap);

/* The address that it comes from, for counting and for people; "" where addresses are not counted, or this one is not. Lives as long as the exchange. */
const char *es_http_peer(const es_http_exchange_t *x);

/* For the door: in whose name the request is, and whether what is others' is open to it too. Nobody's, and not, until it is said. Copied; NULL is "". */
void es_http_ask_as(es_http_exchange_t *x, const char *principal, bool whoever);
const char *es_http_principal(const es_http_exchange_t *x); /* "": nobody's */
bool es_http_whoever(const es_http_exchange_t *x);

/* Take the exchange over; without it or an answer the router answers 404. Sends 100 Continue where the client waits for one. max_body: more (announced or not) is answered 413:
 * where more is announced, at once; `over` is all that the handler hears then, and what it says is not heard. */
void es_http_take(es_http_exchange_t *x, const es_http_handler_ops_t *ops, void *handler, uint64_t max_body);
/* Stop (true) or go on reading the body. */
void es_http_pause(es_http_exchange_t *x, bool stop);

/* A whole answer; body is copied. headers: name, value, ..., NULL, or NULL; copied. Security headers, Date and Content-Length are added. HEAD sends no body. */
void es_http_reply(es_http_exchange_t *x, unsigned status, const char *type, const char *const *headers,
                   const void *body, size_t len);
/* {"error":code,"message":...} */
void es_http_refuse(es_http_exchange_t *x, unsigned status, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* An answer in pieces: length -1 sends it chunked. */
void es_http_begin(es_http_exchange_t *x, unsigned status, const char *type, const char *const *headers,
                   int64_t length);
/* Queues a piece (copied). False: more than 256 KiB wait; still taken, wait for `room` now. */
bool es_http_write(es_http_exchange_t *x, const void *data, size_t len);
void es_http_finish(es_http_exchange_t *x);
/* Give up in the middle: the connection is cut, so that the client sees that the answer is not whole. */
void es_http_abort(es_http_exchange_t *x);
bool es_http_begun(const es_http_exchange_t *x); /* an answer has begun */

#endif
