/* What the jobs actor and a child that decodes say to one another, over a SOCK_SEQPACKET pair: one message, one packet.
 *
 *      actor: OPEN (with the file's descriptor)    child: INFO, then AUDIO and BUSY, then END; or REFUSED at any time
 *
 * The child reads foreign bytes and may be anybody's by then: what it says is checked. Pure. */
#ifndef ES_DECODE_WIRE_H
#define ES_DECODE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ES_DECODE_FD 3          /* the child's end */
#define ES_DECODE_FRAME 1600u   /* samples of one AUDIO, but for the last: 100 ms */
#define ES_DECODE_TEXT_MAX 512u /* bytes */
#define ES_DECODE_BUSY 960000u  /* samples that are skipped without a word: a minute */

typedef enum {
    ES_DECODE_OPEN = 1,    /* pos: begin there; limit: no more samples than that; cpu_s */
    ES_DECODE_INFO = 2,    /* limit: samples that the file says it has, 0: it does not say; text: its format */
    ES_DECODE_AUDIO = 3,   /* pos: of the first sample */
    ES_DECODE_BUSY_AT = 4, /* pos: on the way to the first sample that is wanted */
    ES_DECODE_END = 5,     /* pos: samples in all; text: the damage, or empty */
    ES_DECODE_REFUSED = 6  /* it will never be decoded; text: why, for people */
} es_decode_kind_t;

typedef struct {
    es_decode_kind_t kind;
    uint64_t pos, limit, cpu_s;
    const char *text; /* not NUL-terminated, UTF-8 */
    size_t text_len;
    const int16_t *samples; /* aligned as the packet is */
    size_t n_samples;
} es_decode_msg_t;

#define ES_DECODE_PACKET_MAX (32u + ES_DECODE_FRAME * sizeof(int16_t))

/* Bytes of the packet; text and samples that are too long are cut. */
size_t es_decode_pack(const es_decode_msg_t *msg, char out[ES_DECODE_PACKET_MAX]);
/* Spans point into data, which must be aligned for int16_t. 0, or -1 for bytes that are no such message. Text that is no UTF-8 is refused too. */
int es_decode_unpack(const void *data, size_t len, es_decode_msg_t *out);

#endif
