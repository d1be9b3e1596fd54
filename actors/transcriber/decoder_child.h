/* What runs in a decoder: one engine, one socket, no threads, no loop. */
#ifndef ES_DECODER_CHILD_H
#define ES_DECODER_CHILD_H

#include "engine.h"

typedef struct {
    bool live;  /* for partials */
    bool batch; /* for file jobs: it comes after all others that want the processor */
    int nice;   /* so much nicer than its host; 19 and batch: it runs when nothing else of ours wants the processor */
} es_decoder_role_t;

/* Attaches to the model and serves the host at the other end of fd until that is closed; then ends the process. */
_Noreturn void es_decoder_child_run(const es_engine_t *engine, void *model, int fd, es_decoder_role_t role);

#endif
