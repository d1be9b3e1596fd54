/* What runs in a decoder: one engine, one socket, no threads, no loop. */
#ifndef ES_DECODER_CHILD_H
#define ES_DECODER_CHILD_H

#include "engine.h"

/* Attaches to the model and serves the host at the other end of fd until that is closed; then ends the process. live: for partials, and nicer to the
 * others. */
_Noreturn void es_decoder_child_run(const es_engine_t *engine, void *model, int fd, bool live);

#endif
