/* The head of an HTTP/1 request, taken strictly: what two servers might understand differently is refused, with a reason. Pure: the caller owns the bytes
 * and the clock.
 *
 * Bytes may come in any pieces. Names of fields are made lower case and the path is decoded in place. */
#ifndef ES_HTTP_HEAD_H
#define ES_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "envelope.h"
#include "http_refusal.h"

#define ES_HTTP_LINE_MAX 8192u  /* bytes of the first line; more is 414 */
#define ES_HTTP_HEAD_MAX 16384u /* bytes of all; more is 431 */
#define ES_HTTP_FIELDS_MAX 100u /* lines after the first; more is 431 */
#define ES_HTTP_CHUNKED INT64_C(-1)

typedef enum { ES_HTTP_MORE, ES_HTTP_DONE, ES_HTTP_REFUSED } es_http_parse_t;

/* Lower bounds than those above. */
typedef struct {
    uint32_t line, head, fields;
} es_http_head_limits_t;

/* Offsets, since the buffer may move between two calls. */
typedef struct {
    uint16_t at, len;
} es_http_piece_t;

typedef struct {
    const es_http_head_limits_t *limits; /* set after es_http_head_init; NULL: the most that there is */
    char *base;                          /* the buffer, as given last */
    size_t at, line;                     /* read so far; where the present line begins */
    es_http_why_t why;                   /* of ES_HTTP_REFUSED */
    es_http_piece_t method, target, path, query, host, key;
    struct {
        es_http_piece_t name, value;
    } fields[ES_HTTP_FIELDS_MAX];
    unsigned count, minor; /* fields; HTTP/1.minor */
    unsigned seen;         /* which fields that may come once have come */
    int64_t length;        /* of the body; ES_HTTP_CHUNKED; 0 where none is announced */
    bool started, has_length, chunked, close, expects, websocket, version_13, upgrade;
} es_http_head_t;

void es_http_head_init(es_http_head_t *self);
/* data: all bytes since the head began, those given before included. ES_HTTP_DONE: self->at is its length, and the functions below may be used as long as
 * `data` stays where it is. Not to be called again after anything but ES_HTTP_MORE. */
es_http_parse_t es_http_head_feed(es_http_head_t *self, char *data, size_t len);

es_span_t es_http_head_span(const es_http_head_t *self, es_http_piece_t piece);
/* The first field of that name; empty where there is none. */
es_span_t es_http_head_field(const es_http_head_t *self, const char *lower_name);
/* May another request follow on the connection? */
bool es_http_head_keeps(const es_http_head_t *self);
/* self->upgrade is set where this is a good opening of a WebSocket; its key is self->key. */

#endif
