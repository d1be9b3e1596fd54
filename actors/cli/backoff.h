/* How long to wait before a lost connection is made again: 0.2 s, doubled up to 5 s, with jitter. Pure. */
#ifndef ES_BACKOFF_H
#define ES_BACKOFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ES_BACKOFF_MIN_US UINT64_C(200000)
#define ES_BACKOFF_MAX_US UINT64_C(5000000)

typedef struct {
    size_t addresses;  /* each has its turn before the wait is doubled */
    uint64_t random;   /* not 0 */
    unsigned failures; /* in a row */
} es_backoff_t;

void es_backoff_init(es_backoff_t *self, size_t addresses, uint64_t seed);
/* A connection is lost, or could not be made: how long to wait before the next. good: it served for a while. */
uint64_t es_backoff_lost(es_backoff_t *self, bool good);

#endif
