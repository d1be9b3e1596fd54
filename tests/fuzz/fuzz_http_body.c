/* Chunked bodies from anywhere, in one piece and byte by byte: the same bytes come out, the same bytes are used, none is made up. */
#include <stdlib.h>
#include <string.h>

#include "http/http_body.h"

typedef struct {
    es_http_parse_t rc;
    uint8_t *out;
    size_t len, used;
} result_t;

static result_t decode(const uint8_t *data, size_t size, size_t step)
{
    es_http_body_t body;
    result_t result = {.rc = ES_HTTP_MORE, .out = malloc(size ? size : 1)};
    if (!result.out) abort();
    es_http_body_init(&body, ES_HTTP_CHUNKED);
    while (result.used < size && result.rc == ES_HTTP_MORE) {
        size_t n = size - result.used < step ? size - result.used : step, used;
        es_span_t piece;
        result.rc = es_http_body_feed(&body, (const char *)data + result.used, n, &used, &piece);
        if (used > n || (!used && result.rc == ES_HTTP_MORE) || piece.len > used) abort();
        if (piece.len) memcpy(result.out + result.len, piece.ptr, piece.len);
        result.len += piece.len;
        result.used += used;
    }
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    result_t whole = decode(data, size, size ? size : 1), pieces = decode(data, size, 1);
    if (whole.rc != pieces.rc || whole.used != pieces.used || whole.len != pieces.len) abort();
    if (memcmp(whole.out, pieces.out, whole.len) != 0) abort();
    free(whole.out);
    free(pieces.out);
    return 0;
}
