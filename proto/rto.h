/* The retransmission time-out of RFC 6298: smoothed round trip, its variation, exponential back-off. */
#ifndef ES_RTO_H
#define ES_RTO_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint64_t min_us, max_us;
    uint64_t srtt_us, rttvar_us;
    uint32_t backoff; /* expiries since the last sample */
    bool sampled;
} es_rto_t;

void es_rto_init(es_rto_t *self, uint64_t min_us, uint64_t max_us);
/* A round trip of a frame that was sent once (Karn's rule is the caller's). Ends the back-off. */
void es_rto_sample(es_rto_t *self, uint64_t rtt_us);
/* The timer expired: double. */
void es_rto_expired(es_rto_t *self);
/* The path is another now, or known to live: forget the back-off, keep the estimate. */
void es_rto_calm(es_rto_t *self);
/* Time-out to arm now, within min_us..max_us. */
uint64_t es_rto_timeout(const es_rto_t *self);
/* What one round trip takes at most, as far as known; for "at most once a round trip". min_us before the first sample. */
uint64_t es_rto_round_trip(const es_rto_t *self);

#endif
