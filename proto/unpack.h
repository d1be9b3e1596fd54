/* Foreign msgpack made safe to hand to msgpack-c, and the bounded packing of our own.
 *
 * msgpack-c allocates for the count that an array declares before it has seen one item: six bytes can ask for gigabytes. So the
 * bytes are walked once without memory: what is whole, ends where the buffer ends and is nested at most ES_NESTING_MAX deep is unpacked, and
 * then takes at most 24 bytes of scratch a byte. */
#ifndef ES_UNPACK_H
#define ES_UNPACK_H

#include <msgpack.h>

#include "envelope.h"

#define ES_NESTING_MAX 8u /* arrays and maps within one another, the outermost included */

/* Unpacks exactly one object. *out and what it points to live until the decoder is used again, strings as long as `data`. */
es_decode_t es_unpack(es_decoder_t *self, const void *data, size_t len, msgpack_object *out);
/* The bytes of a str (well-formed UTF-8 only) or bin. False for anything else. */
bool es_unpack_str(const msgpack_object *object, es_span_t *out);
bool es_unpack_bin(const msgpack_object *object, es_span_t *out);
/* A non-negative integer, however it was packed. */
bool es_unpack_uint(const msgpack_object *object, uint64_t *out);

/* A packer that writes into a buffer and remembers where that was too small. */
typedef struct {
    char *buf;
    size_t len, cap;
    msgpack_packer packer;
    bool full;
} es_pack_t;

void es_pack_init(es_pack_t *self, void *buf, size_t cap);
void es_pack_str(es_pack_t *self, es_span_t text);
void es_pack_bin(es_pack_t *self, es_span_t bytes);
/* Bytes written, or 0 where they did not fit. */
size_t es_pack_len(const es_pack_t *self);

#endif
