/* Streaming multipart/form-data (RFC 7578 over RFC 2046): bytes in, parts out. Strict, because two readers that see two uploads in the same bytes is how
 * checks are got around: lines end with CRLF, a line that begins with the boundary is one or an error, no header comes twice or is folded.
 *
 *      feed, feed, ... end  -->  part, piece, piece, part_end, part, ..., done     or     error
 *
 * Pure; memory is constant (about 9 KiB), whatever the parts weigh. However the input is cut, the events are the same, but for where the pieces are cut. */
#ifndef ES_MULTIPART_H
#define ES_MULTIPART_H

#include "envelope.h"

#define ES_MULTIPART_BOUNDARY_MAX 70u
#define ES_MULTIPART_HEADER_MAX 8192u /* bytes of the headers of one part */
#define ES_MULTIPART_PARTS_MAX 32u    /* of one body */
#define ES_MULTIPART_FIELD_MAX 4096u  /* bytes of a part that is no file */
#define ES_MULTIPART_AROUND_MAX 8192u /* bytes before the first boundary, and after the last */
#define ES_MULTIPART_MESSAGE_MAX 320u /* bytes of a sentence about an error, its NUL included */

typedef struct es_multipart es_multipart_t;

/* Spans are valid during the call. */
typedef struct {
    es_span_t name;      /* never empty; well-formed UTF-8 without control characters, as file_name */
    bool file;           /* it has a file name, perhaps an empty one */
    es_span_t file_name; /* data, never a path */
    es_span_t type;      /* Content-Type as it was sent; empty: none */
} es_part_t;

/* Ops may call es_multipart_stop, nothing else. */
typedef struct {
    void (*part)(void *ctx, const es_part_t *part);
    void (*piece)(void *ctx, const void *data, size_t len);
    void (*part_end)(void *ctx);
    /* The last boundary has come, and nothing wrong after it. Called by es_multipart_end; last. */
    void (*done)(void *ctx);
    /* A sentence: what is wrong. Last. */
    void (*error)(void *ctx, const char *message);
} es_multipart_ops_t;

/* The boundary of this Content-Type, NUL-terminated. 0; 1: it is not multipart/form-data; -1: it is, and has no proper boundary. */
int es_multipart_boundary(es_span_t content_type, char out[ES_MULTIPART_BOUNDARY_MAX + 1]);

es_multipart_t *es_multipart_new(const char *boundary, const es_multipart_ops_t *ops, void *ctx);
void es_multipart_destroy(es_multipart_t **self_p);
void es_multipart_feed(es_multipart_t *self, const void *data, size_t len);
/* There is no more. */
void es_multipart_end(es_multipart_t *self);
/* No more events. */
void es_multipart_stop(es_multipart_t *self);

/* ---- between multipart.c and multipart_header.c: the headers of one part, each line with its CRLF, in memory that is unescaped in place. 0, or -1 with a sentence. */
int es_multipart_headers(char *headers, size_t len, es_part_t *out, char why[ES_MULTIPART_MESSAGE_MAX]);

#endif
