/* `earshot status --watch`: the house, again and again, until somebody ends it. */
#ifndef ES_STATUS_WATCH_H
#define ES_STATUS_WATCH_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    const char *brokers;
    bool json;        /* a line of JSON each second, on standard output; else on the terminal */
    uint64_t wait_us; /* for a first sign of life, with json; a terminal shows that there is none */
} es_status_watch_t;

/* 0: ended by the user; -1: with json, no broker was heard. Blocks. */
int es_status_watch_run(const es_status_watch_t *config);
/* Can both ends of this process be used as a terminal? */
bool es_status_watch_terminal(void);

#endif
