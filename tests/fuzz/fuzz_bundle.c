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
    es_span_t rest = es_span_of(data, size);
    es_bundle_item_t item;
    const char *end = (const char *)data + size;
    es_bundle_clear(&again);
    for (int rc; (rc = es_bundle_next(&rest, &item)) != 0;) {
        if (rc < 0) return 0;
        must(item.key.len > 0 && item.key.ptr + item.key.len <= item.envelope.ptr);
        must(item.envelope.ptr + item.envelope.len <= item.body.ptr && item.body.ptr + item.body.len + rest.len == end);
        es_msg_t msg, copy;
        size_t before = again.len;
        if (es_bundle_append(&again, &item)) {
            es_span_t added = es_span_of(again.data + before, again.len - before);
            es_bundle_item_t back;
            must(es_bundle_next(&added, &back) == 1 && added.len == 0 && es_span_eq(back.key, item.key));
            must(es_span_eq(back.envelope, item.envelope) && es_span_eq(back.body, item.body));
        }
        if (es_decode(decoder, item.envelope.ptr, item.envelope.len, &msg) != ES_DECODE_OK) continue;
        before = again.len;
        if (es_bundle_add(&again, item.key, &msg, item.body.ptr, item.body.len) != ES_BUNDLE_TAKEN) continue;
        es_span_t added = es_span_of(again.data + before, again.len - before);
        must(es_bundle_next(&added, &item) == 1 && added.len == 0);
        must(es_decode(decoder, item.envelope.ptr, item.envelope.len, &copy) == ES_DECODE_OK);
        must(copy.seq == msg.seq && copy.kind == msg.kind);
    }
    return 0;
}
