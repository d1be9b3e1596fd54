#include "rto.h"

#include <assert.h>

#define INITIAL_US 1000000u /* RFC 6298, 2.1 */
#define GRANULE_US 1000u    /* clock granularity G: callers tick about once a millisecond */
#define RTT_MAX_US 60000000u

void es_rto_init(es_rto_t *self, uint64_t min_us, uint64_t max_us)
{
    assert(min_us > 0 && min_us <= max_us);
    *self = (es_rto_t){.min_us = min_us, .max_us = max_us};
}

void es_rto_sample(es_rto_t *self, uint64_t rtt_us)
{
    if (rtt_us > RTT_MAX_US) rtt_us = RTT_MAX_US; /* a stopped process, not a path */
    if (!self->sampled) {
        self->srtt_us = rtt_us;
        self->rttvar_us = rtt_us / 2;
        self->sampled = true;
    } else {
        uint64_t off = self->srtt_us > rtt_us ? self->srtt_us - rtt_us : rtt_us - self->srtt_us;
        self->rttvar_us = (3 * self->rttvar_us + off) / 4;
        self->srtt_us = (7 * self->srtt_us + rtt_us) / 8;
    }
    self->backoff = 0;
}

void es_rto_expired(es_rto_t *self)
{
    if (es_rto_timeout(self) < self->max_us) self->backoff++;
}

void es_rto_calm(es_rto_t *self)
{
    self->backoff = 0;
}

static uint64_t variation(const es_rto_t *self)
{
    uint64_t v = 4 * self->rttvar_us;
    return v > GRANULE_US ? v : GRANULE_US;
}

uint64_t es_rto_timeout(const es_rto_t *self)
{
    uint64_t rto = self->sampled ? self->srtt_us + variation(self) : INITIAL_US;
    if (rto < self->min_us) rto = self->min_us;
    for (uint32_t i = 0; i < self->backoff && rto < self->max_us; i++) rto *= 2;
    return rto < self->max_us ? rto : self->max_us;
}

uint64_t es_rto_round_trip(const es_rto_t *self)
{
    if (!self->sampled) return self->min_us;
    uint64_t trip = self->srtt_us + variation(self);
    return trip < self->max_us ? trip : self->max_us;
}
