/* A token bucket: so many a second, so many at once. Pure. */
#ifndef ES_RATE_LIMIT_H
#define ES_RATE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

/* All zero: full. */
typedef struct {
    uint64_t spent; /* millionths of a token */
    uint64_t at_us;
} es_rate_t;

/* Takes one token. False: there is none now. rate 0: always true. */
static inline bool es_rate_take(es_rate_t *self, uint64_t rate, uint64_t burst, uint64_t now_us)
{
    const uint64_t token = 1000000;
    if (rate == 0) return true;
    uint64_t back = (now_us - self->at_us) * rate;
    self->at_us = now_us;
    self->spent = self->spent > back ? self->spent - back : 0;
    if (self->spent + token > burst * token) return false;
    self->spent += token;
    return true;
}

#endif
