/* The host's end of one decoder: its socket in the loop, unsent bytes, whole messages. Never blocks. */
#ifndef ES_DECODER_LINK_H
#define ES_DECODER_LINK_H

#include "decoder_wire.h"
#include "loop.h"
#include "zygote.h"

typedef struct es_decoder_link es_decoder_link_t;

typedef struct {
    /* The decoder is attached; pid is its process. Must not destroy the link. */
    void (*ready)(void *ctx, int pid);
    /* It said this. Must not destroy the link. */
    void (*result)(void *ctx, uint64_t id, const es_engine_result_t *result);
    /* It is no more, or says what it should not. Destroy the link, now or later; nothing else is called. */
    void (*gone)(void *ctx);
} es_decoder_link_ops_t;

/* Forks decoder `id`. NULL where that could not even be asked for. */
es_decoder_link_t *es_decoder_link_new(es_zygote_t *zygote, es_loop_t *loop, uint32_t id, es_decoder_role_t role,
                                       const es_decoder_link_ops_t *ops, void *ctx);
/* Kills the decoder. */
void es_decoder_link_destroy(es_decoder_link_t **self_p);
/* Says something; copied. What does not leave at once leaves as the decoder reads. */
void es_decoder_link_send(es_decoder_link_t *self, uint32_t type, uint64_t id, const void *data, size_t len);
/* Bytes that the decoder has not taken. */
size_t es_decoder_link_unsent(const es_decoder_link_t *self);
/* Takes what has come without waiting for the loop. The link may be gone afterwards. */
void es_decoder_link_pump(es_decoder_link_t *self);

#endif
