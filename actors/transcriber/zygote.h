/* A process that loads the model once and forks decoders from then on.
 *
 *      host (threads, sockets) ---control (SEQPACKET): spawn + socket, kill---> zygote (model; no threads) --fork--> decoder
 *        `--------------------------------- stream socket (decoder_wire.h) -----------------------------------------'
 *
 * Forking shares the model's memory page by page, which loading it in each decoder or thread would not, and the decoding library may call exit()
 * as it likes without taking streams along. All processes die with the one above them (PR_SET_PDEATHSIG, and end of file on the sockets).
 */
#ifndef ES_ZYGOTE_H
#define ES_ZYGOTE_H

#include "decoder_child.h"

typedef struct es_zygote es_zygote_t;

#define ES_ZYGOTE_CHILDREN 256u /* ids are below */

/* Forks it and waits until the model is loaded. Before the process has any other thread, and from the thread that lives longest. NULL with a sentence in
 * err; *refused: the engine said it, of this model, and would say it again. */
es_zygote_t *es_zygote_start(const es_engine_t *engine, const es_engine_config_t *config, bool *refused, char *err,
                             size_t err_len);
/* Ends it and all decoders. */
void es_zygote_destroy(es_zygote_t **self_p);
/* Readable where the zygote died. */
int es_zygote_fd(const es_zygote_t *self);
const es_engine_t *es_zygote_engine(const es_zygote_t *self);
/* Has decoder `id` forked. The host's end of its socket, non-blocking, or -1 with errno. End of file on it: that decoder is no more. */
int es_zygote_spawn(es_zygote_t *self, uint32_t id, es_decoder_role_t role);
/* Kills decoder `id`, if it lives. */
void es_zygote_kill(es_zygote_t *self, uint32_t id);

#endif
