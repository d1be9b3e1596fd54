/* The body of a request, taken off its framing: so many bytes, or chunks. Pure. */
#ifndef ES_HTTP_BODY_H
#define ES_HTTP_BODY_H

#include "http_head.h"

#define ES_HTTP_CHUNK_LINE_MAX 256u /* bytes of a chunk's size line; extensions are skipped */
#define ES_HTTP_TRAILER_MAX 4096u   /* bytes of what follows the last chunk; skipped */
#define ES_HTTP_CHUNK_DIGITS 12u    /* of a size */

typedef struct {
    enum {
        ES_BODY_BYTES, /* `left` more, then the end */
        ES_BODY_SIZE,  /* the line of a chunk */
        ES_BODY_CHUNK, /* `left` more, then CR LF */
        ES_BODY_CHUNK_END,
        ES_BODY_TRAILER,
        ES_BODY_END
    } state;
    uint64_t left;
    unsigned digits, seen;     /* of the size; bytes of the present line, or of the trailer */
    bool extension, cr, empty; /* behind the digits; CR came last; the trailer's line has nothing so far */
} es_http_body_t;

/* length: bytes, or ES_HTTP_CHUNKED. */
void es_http_body_init(es_http_body_t *self, int64_t length);
/* Takes *used bytes of data, framing and at most one piece of the body, which is *piece (empty: none) and lies in data. ES_HTTP_MORE: call again with what
 * is left, or with more. ES_HTTP_DONE: the body is over; what is left is not its own. ES_HTTP_REFUSED: these are no chunks. */
es_http_parse_t es_http_body_feed(es_http_body_t *self, const char *data, size_t len, size_t *used, es_span_t *piece);

#endif
