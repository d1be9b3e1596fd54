/* A bundle from the network: taken apart and put together again it is the same, whatever the bytes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bundle.h"

static void must(bool holds)
{
    if (!holds) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static es_decoder_t *decoder;
    static es_bundle_t again;
    if (!decoder) decoder = es_decoder_new();
    es_span_t rest = es_span_of(data, size), envelope, body, key = es_span("0123456789abcdef");
    es_bundle_clear(&again);
    const char *end = (const char *)data + size;
    for (int rc; (rc = es_bundle_next(&rest, &envelope, &body)) != 0;) {
        if (rc < 0) return 0;
        must(envelope.ptr + envelope.len <= body.ptr && body.ptr + body.len <= end);
        must(body.ptr + body.len + rest.len == end);
        es_msg_t msg, copy;
        if (es_decode(decoder, envelope.ptr, envelope.len, &msg) != ES_DECODE_OK) continue;
        size_t before = again.len;
        if (es_bundle_add(&again, key, &msg, body.ptr, body.len) != ES_BUNDLE_TAKEN) continue;
        es_span_t added = es_span_of(again.data + before, again.len - before), e, b;
        must(es_bundle_next(&added, &e, &b) == 1 && added.len == 0 && es_span_eq(b, body));
        must(es_decode(decoder, e.ptr, e.len, &copy) == ES_DECODE_OK && copy.seq == msg.seq && copy.kind == msg.kind);
    }
    return 0;
}
