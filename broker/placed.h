/* A stream that has a place: what placement.c knows of it, linked by pool.h and batch.h. */
#ifndef ES_PLACED_H
#define ES_PLACED_H

#include "pool.h"

typedef struct es_placed {
    LIST_ENTRY(es_placed) of_worker;
    TAILQ_ENTRY(es_placed) of_age, of_batch; /* of_batch: where `batch` */
    es_pool_worker_t *worker;
    uint64_t epoch;            /* highest forwarded or learnt */
    uint64_t base;             /* committed when it was placed */
    uint64_t last_us, seen_us; /* of its last frame; of its entry into the list of ages */
    uint64_t hello;            /* number of its worker's HELLO that listed it last */
    bool learned;              /* from a HELLO alone: no frame of it has come through us, it may be another broker's */
    bool batch;
    size_t len;
    char key[]; /* len bytes */
} es_placed_t;

#endif
