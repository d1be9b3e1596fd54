/* The connection of a stream, through any number of WebSockets. A lost one is made again, at the next address in turn, after a wait that grows (backoff.h). One that is to be left
 * serves until another is open.
 *
 *     waiting --due--> connecting --open--> open --lost--> waiting           `move` begins to wait beside the open one, for no time at first,
 *        ^-- failed, no answer --'            '<------ open, of another      and the open one is dropped when another is open
 */
#ifndef ES_STREAM_LINK_H
#define ES_STREAM_LINK_H

#include "addresses.h"

typedef struct es_stream_link es_stream_link_t;

/* All are called from within a turn; none may destroy the link. */
typedef struct {
    /* A connection is open, the first or in place of another, of which nothing more is heard. */
    void (*open)(void *ctx);
    void (*text)(void *ctx, const char *text, size_t len); /* of the open connection */
    /* The open connection is lost; es_stream_link_why tells. */
    void (*lost)(void *ctx);
    /* One could not be made to that address. listens: something is there, but no server of ours. */
    void (*failed)(void *ctx, size_t address, const char *why, bool listens);
} es_stream_link_ops_t;

/* connect_us: to be connected within, each time. addresses and ops must outlive it. Dies on lack of memory. */
es_stream_link_t *es_stream_link_new(const es_addresses_t *addresses, uint64_t connect_us, uint64_t seed,
                                     const es_stream_link_ops_t *ops, void *ctx);
/* Drops the connection, calls nothing. */
void es_stream_link_destroy(es_stream_link_t **self_p);

/* Makes connections and serves the open one, until something happened, or until wake_us (monotonic) at the latest. */
void es_stream_link_turn(es_stream_link_t *self, uint64_t wake_us, uint64_t now_us);
bool es_stream_link_is_open(const es_stream_link_t *self);
/* As es_ws_client_send; -1 where nothing is open. */
int es_stream_link_send(es_stream_link_t *self, bool binary, const void *data, size_t len);
size_t es_stream_link_queued(const es_stream_link_t *self);
/* Leave the open one for another, at once. */
void es_stream_link_move(es_stream_link_t *self);
/* Give the open one up: it is lost at the next turn, for that reason. */
void es_stream_link_fail(es_stream_link_t *self, const char *why);
/* Send what is queued, then a Close. */
void es_stream_link_close(es_stream_link_t *self);

/* Of the open connection, or else of the last one. */
const char *es_stream_link_address(const es_stream_link_t *self);
const char *es_stream_link_why(const es_stream_link_t *self);

#endif
