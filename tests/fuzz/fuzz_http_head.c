/* Heads of requests from anywhere, in one piece and byte by byte: both must agree, and what is taken keeps its promises. */
#include <stdlib.h>
#include <string.h>

#include "http_head.h"
#include "http_text.h"

static char *copy_of(const uint8_t *data, size_t size)
{
    char *copy = malloc(size ? size : 1);
    if (!copy) abort();
    memcpy(copy, data, size);
    return copy;
}

static void check_path(es_span_t path)
{
    if (!path.len || path.ptr[0] != '/' || !es_utf8_valid(path.ptr, path.len) || memchr(path.ptr, 0, path.len)) abort();
    for (size_t i = 0; i + 1 < path.len; i++) {
        if (memcmp(path.ptr + i, "/.", 2) != 0) continue;
        size_t end = i + 2 + (i + 2 < path.len && path.ptr[i + 2] == '.');
        if (end == path.len || path.ptr[end] == '/') abort();
    }
}

static void check(const es_http_head_t *head, size_t size)
{
    es_span_t host = es_http_head_field(head, "host");
    if (head->at > size || head->at > ES_HTTP_HEAD_MAX || head->count > ES_HTTP_FIELDS_MAX || head->minor > 1) abort();
    check_path(es_http_head_span(head, head->path));
    if (head->minor == 1 && !es_http_is_host(host)) abort();
    if (head->chunked ? head->has_length || head->length != ES_HTTP_CHUNKED : head->length < 0) abort();
    if (head->upgrade && (head->length || !es_http_is_websocket_key(es_http_head_span(head, head->key)))) abort();
    for (unsigned i = 0; i < head->count; i++) {
        es_span_t value = es_http_head_span(head, head->fields[i].value);
        if (!es_http_is_token(es_http_head_span(head, head->fields[i].name))) abort();
        for (size_t k = 0; k < value.len; k++)
            if (value.ptr[k] == '\r' || value.ptr[k] == '\n' || !value.ptr[k]) abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    es_http_head_t whole, pieces;
    char *one = copy_of(data, size), *other = copy_of(data, size);
    es_http_head_init(&whole);
    es_http_head_init(&pieces);
    es_http_parse_t rc = es_http_head_feed(&whole, one, size), bytewise = ES_HTTP_MORE;
    for (size_t n = 1; n <= size && bytewise == ES_HTTP_MORE; n++) bytewise = es_http_head_feed(&pieces, other, n);
    if (rc != bytewise || whole.at != pieces.at || memcmp(one, other, size) != 0) abort();
    if (rc == ES_HTTP_REFUSED && (whole.why != pieces.why || whole.why >= ES_HTTP_REFUSALS)) abort();
    if (rc == ES_HTTP_MORE && (whole.at != size || size > ES_HTTP_HEAD_MAX)) abort();
    if (rc == ES_HTTP_DONE) check(&whole, size);
    free(one);
    free(other);
    return 0;
}
