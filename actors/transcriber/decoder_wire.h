/* What host and decoder say to each other over a stream socket: a header, then `len` bytes. Both are the same binary on the same machine, so numbers
 * lie as the machine has them; the host checks what it reads all the same, for a decoder may die in the middle of a word. */
#ifndef ES_DECODER_WIRE_H
#define ES_DECODER_WIRE_H

#include "engine.h"

enum {
    /* host -> decoder */
    ES_DW_DECODE = 1, /* a whole segment: samples */
    ES_DW_OPEN,       /* a segment for partials begins */
    ES_DW_FEED,       /* its samples, ES_ENGINE_FEED each */
    ES_DW_ASK,        /* its words so far, please */
    ES_DW_CANCEL,     /* that was all of it */
    /* decoder -> host */
    ES_DW_READY, /* attached to the model; id: its process */
    ES_DW_RESULT /* of DECODE or ASK: es_dw_pack */
};

typedef struct {
    uint32_t type, len; /* len: bytes that follow */
    uint64_t id;        /* of the segment */
} es_dw_header_t;

#define ES_DW_MAX ((size_t)4 << 20) /* bytes of a message */

/* A result as bytes, malloc'ed. */
void *es_dw_pack(const es_engine_result_t *result, size_t *len);
/* Spans and words point into data and `words`. 0, or -1 where the bytes are not a result. */
int es_dw_unpack(const void *data, size_t len, es_engine_result_t *out, es_word_t words[ES_ENGINE_WORDS_MAX]);

#endif
