/* HTTP requests that stop nothing else: libcurl's multi interface on an actor's loop.
 *
 *     es_http_client_t *client = es_http_client_new(loop, 8);
 *     uint64_t number = es_http_client_send(client, &(es_http_call_t){.url = url, .body = json, .len = n, .timeout_us = 60000000}, done, me);
 *
 * Redirections are not followed, cookies not kept, and only http:// and https:// are spoken. Certificates are checked where the call does not say otherwise. One thread, the loop's. The one file that knows
 * libcurl.
 */
#ifndef ES_HTTP_CLIENT_H
#define ES_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "loop.h"
#include "metrics.h"

#define ES_HTTP_CLIENT_ANSWER_MAX 1048576u /* bytes of an answer where the call says nothing */

typedef struct es_http_client es_http_client_t;

typedef struct {
    const char *method; /* NULL: GET, with a body POST */
    const char *url;
    const char *const *headers; /* "Name: value", ..., NULL; or NULL. A body wants a Content-Type here */
    const void *body;           /* copied; NULL: none, or the one that `read` gives */
    size_t len;
    /* Gives the next at most `max` bytes of a body of `length` bytes (-1: unknown, sent chunked), 0 at its end, SIZE_MAX to give the call up. In the
     * loop's thread: a local file, nothing that waits. */
    size_t (*read)(void *ctx, void *out, size_t max);
    int64_t length;
    /* Takes the pieces of an answer with a status of 2xx as they come; false gives the call up. NULL: they are gathered. */
    bool (*take)(void *ctx, const void *data, size_t len);
    size_t answer_max;   /* bytes that are gathered, more are a failure; 0: ES_HTTP_CLIENT_ANSWER_MAX */
    uint64_t timeout_us; /* for all of it; 0: none */
    uint64_t stall_us;   /* give up where nothing moves for so long; 0: never. In whole seconds */
    uint64_t connect_us; /* 0: 10 s */
    const char *ca;      /* PEM file of who may vouch for a server; NULL: as the system does */
    bool any_server;     /* whoever answers is believed */
    /* May this address be reached? Asked with each that a name stands for, before anything is sent to it; proxies are not used then. NULL: every one may. */
    bool (*may_reach)(const struct sockaddr *address);
} es_http_call_t;

typedef struct {
    unsigned status;        /* of the answer; 0: there was none */
    const char *error;      /* why there is none, or none that is whole, as part of a sentence; NULL: all is well */
    bool timed_out;         /* that is why */
    bool refused;           /* that is why: an address that may not be reached */
    bool connected;         /* a server was reached */
    const char *body;       /* gathered, with a NUL behind it; never NULL */
    size_t len;             /* of it */
    uint64_t retry_after_s; /* that the server asks for; 0: it does not */
} es_http_result_t;

/* Once for each call that was not cancelled, never inside es_http_client_send. What it points to is valid during the call. May send and cancel. */
typedef void (*es_http_done_fn)(void *ctx, const es_http_result_t *result, uint64_t now_us);

/* At most `connections` calls are under way at once, more wait for their turn (their time runs). The loop must not run on after es_http_client_destroy. Dies on lack of memory. */
es_http_client_t *es_http_client_new(es_loop_t *loop, unsigned connections);
/* Calls under way end without `done`. */
void es_http_client_destroy(es_http_client_t **self_p);
/* Strings, headers and the body are copied; ctx is for read, take and done. The number is for es_http_client_cancel, never 0. */
uint64_t es_http_client_send(es_http_client_t *self, const es_http_call_t *call, es_http_done_fn done, void *ctx);
/* Ends a call without `done`; a number that is not under way is nothing. Not inside read or take of that very call. */
void es_http_client_cancel(es_http_client_t *self, uint64_t number);
/* Calls that are not over. */
size_t es_http_client_calls(const es_http_client_t *self);

/* NULL-terminated list for es_metrics_print. */
es_metric_t *const *es_http_client_metrics(void);

#endif
