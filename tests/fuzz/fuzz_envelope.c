/* Envelopes and the two msgpack bodies. What is accepted must be sayable again, mean the same and then be said in the same bytes: decode, encode,
 * decode is a fixpoint. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue.h"

#define LIST_MAX 4096u
#define BUF_MAX (1u << 20)

#define PROPERTY(holds)                                                         \
    do {                                                                        \
        if (!(holds)) {                                                         \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #holds); \
            abort();                                                            \
        }                                                                       \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static es_decoder_t *decoder;
static char first[BUF_MAX], second[BUF_MAX];

static bool same_msg(const es_msg_t *a, const es_msg_t *b)
{
    if (a->version != b->version || a->kind != b->kind || a->epoch != b->epoch || a->seq != b->seq ||
        a->time_us != b->time_us || a->present != b->present || !es_span_eq(a->trace, b->trace))
        return false;
    for (const uint64_t *x = &a->flags, *y = &b->flags; x <= &a->floor; x++, y++)
        if (*x != *y) return false;
    for (const es_span_t *x = &a->checkpoint, *y = &b->checkpoint; x <= &a->stream; x++, y++)
        if (!es_span_eq(*x, *y)) return false;
    return true;
}

static void within_limits(const es_msg_t *msg)
{
    PROPERTY(msg->version == ES_VERSION);
    PROPERTY(msg->trace.len == 0 || msg->trace.len == ES_TRACE_LEN);
    PROPERTY(msg->checkpoint.len <= ES_CHECKPOINT_MAX && msg->text.len <= ES_TEXT_MAX);
    PROPERTY(msg->service.len <= ES_NAME_MAX && msg->name.len <= ES_NAME_MAX && msg->language.len <= ES_NAME_MAX);
    PROPERTY(msg->reason.len <= ES_REASON_MAX && msg->msg_id.len <= ES_MSG_ID_MAX);
    PROPERTY(msg->client.len <= ES_CLIENT_ID_LEN && msg->room.len <= ES_NAME_MAX);
    PROPERTY(msg->session.len <= ES_SESSION_MAX && msg->stream.len <= ES_SESSION_MAX);
    PROPERTY(es_utf8_valid(msg->text.ptr, msg->text.len) && es_utf8_valid(msg->reason.ptr, msg->reason.len));
    PROPERTY((msg->present & ~((ES_BIT(ES_M_END_OF_KEYS) - 1) & ~UINT64_C(1))) == 0);
}

static void try_envelope(const uint8_t *data, size_t size)
{
    es_msg_t msg, again;
    es_decode_t reason = es_decode(decoder, data, size, &msg);
    PROPERTY(reason < ES_DECODE_REASONS);
    PROPERTY(reason != ES_DECODE_VERSION || msg.version != ES_VERSION);
    if (reason != ES_DECODE_OK) return;
    within_limits(&msg);
    PROPERTY(es_catalogue_check(&msg, size) < ES_CHECK_REASONS);
    size_t len = es_encode(&msg, first, ES_ENVELOPE_MAX);
    PROPERTY(len > 0 && len <= size);
    PROPERTY(es_decode(decoder, first, len, &again) == ES_DECODE_OK);
    PROPERTY(same_msg(&msg, &again));
    PROPERTY(es_encode(&again, second, ES_ENVELOPE_MAX) == len && memcmp(first, second, len) == 0);
    PROPERTY(es_encode(&again, second, len - 1) == 0);
}

static void try_words(const uint8_t *data, size_t size)
{
    static es_word_t words[LIST_MAX], again[LIST_MAX];
    int n = es_words_decode(decoder, data, size, words, LIST_MAX);
    PROPERTY(n >= -1 && n <= (int)LIST_MAX);
    if (n < 0) return;
    size_t len = es_words_encode(words, (size_t)n, first, BUF_MAX);
    PROPERTY(len > 0);
    PROPERTY(es_words_decode(decoder, first, len, again, LIST_MAX) == n);
    for (int i = 0; i < n; i++)
        PROPERTY(es_span_eq(words[i].text, again[i].text) && words[i].start == again[i].start &&
                 words[i].end == again[i].end && words[i].confidence == again[i].confidence);
    PROPERTY(es_words_encode(again, (size_t)n, second, BUF_MAX) == len && memcmp(first, second, len) == 0);
}

/* A key that came as bin and is not UTF-8 cannot be said as str; all others can. */
static void try_streams(const uint8_t *data, size_t size)
{
    static es_stream_ref_t streams[LIST_MAX], again[LIST_MAX];
    int n = es_streams_decode(decoder, data, size, streams, LIST_MAX);
    PROPERTY(n >= -1 && n <= (int)LIST_MAX);
    bool sayable = n >= 0;
    for (int i = 0; i < n; i++) {
        PROPERTY(streams[i].key.len <= ES_KEY_MAX);
        sayable = sayable && es_utf8_valid(streams[i].key.ptr, streams[i].key.len);
    }
    if (n < 0) return;
    size_t len = es_streams_encode(streams, (size_t)n, first, BUF_MAX);
    PROPERTY((len > 0) == sayable);
    if (!sayable) return;
    PROPERTY(es_streams_decode(decoder, first, len, again, LIST_MAX) == n);
    for (int i = 0; i < n; i++)
        PROPERTY(es_span_eq(streams[i].key, again[i].key) && streams[i].epoch == again[i].epoch &&
                 streams[i].priority == again[i].priority);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!decoder) decoder = es_decoder_new();
    try_envelope(data, size);
    try_words(data, size);
    try_streams(data, size);
    return 0;
}
