#include "backoff.h"

enum { DOUBLINGS_MAX = 5 };

void es_backoff_init(es_backoff_t *self, size_t addresses, uint64_t seed)
{
    *self = (es_backoff_t){.addresses = addresses, .random = seed | 1};
}

static uint64_t draw(es_backoff_t *self, uint64_t below)
{
    self->random ^= self->random << 13; /* xorshift64 */
    self->random ^= self->random >> 7;
    self->random ^= self->random << 17;
    return self->random % below;
}

uint64_t es_backoff_lost(es_backoff_t *self, bool good)
{
    self->failures = good ? 0 : self->failures + 1;
    size_t doublings = self->failures / self->addresses;
    uint64_t whole = ES_BACKOFF_MIN_US << (doublings < DOUBLINGS_MAX ? doublings : DOUBLINGS_MAX);
    if (whole > ES_BACKOFF_MAX_US) whole = ES_BACKOFF_MAX_US;
    return whole / 2 + draw(self, whole / 2 + 1);
}
