/* Watching jobs over /ws, through any number of connections, until all of them are over. */
#ifndef ES_BATCH_WATCH_H
#define ES_BATCH_WATCH_H

#include "addresses.h"
#include "batch_bars.h"

typedef struct {
    const es_addresses_t *addresses;
    uint64_t connect_us, patience_us, seed;
    bool (*interrupted)(void);
    es_batch_board_t *board;
    es_batch_bars_t *bars;
    FILE *json;          /* events go here as they are, a line each; or NULL */
    const char *session; /* watch all of it, or */
    const char *token;   /* watch all of the house; both NULL: the jobs of the board */
} es_batch_watch_t;

/* An exit status of batch_options.h, OK where all is over (whether it is good is the board's to tell). Sessions and houses are never over. Messages are printed. */
int es_batch_watch(const es_batch_watch_t *watch);

#endif
