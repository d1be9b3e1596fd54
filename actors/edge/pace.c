#include "pace.h"

static const uint64_t second_ns = 1000000000, burst_ns = 1000000000, pause_ns = 500000000;
static const uint64_t hold_us = 10000; /* at least: to stop and go on reading costs system calls */

/* Returns up to when it is paid for. */
static uint64_t pay(uint64_t *paid_ns, uint64_t rate, uint64_t n, uint64_t now_ns)
{
    uint64_t begin = now_ns > burst_ns ? now_ns - burst_ns : 0;
    if (!rate) return begin;
    if (*paid_ns < begin) *paid_ns = begin;
    *paid_ns += n * second_ns / rate;
    return *paid_ns;
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

bool es_pace_spend(es_pace_t *self, const es_pace_limits_t *limits, uint64_t messages, uint64_t bytes, uint64_t now_us)
{
    uint64_t now_ns = now_us * 1000;
    if (later(self->messages_ns, self->bytes_ns) + pause_ns < now_ns) self->since_us = 0;
    uint64_t paid = later(pay(&self->messages_ns, limits->messages, messages, now_ns),
                          pay(&self->bytes_ns, limits->bytes, bytes, now_ns));
    if (paid <= now_ns || es_pace_held(self, now_us)) return false;
    self->until_us = later(paid / 1000, now_us + hold_us);
    if (!self->since_us) self->since_us = now_us;
    return true;
}

bool es_pace_is_flood(const es_pace_t *self, const es_pace_limits_t *limits, uint64_t now_us)
{
    if (!self->since_us) return false;
    return now_us - self->since_us >= limits->patience_us || self->until_us > now_us + limits->patience_us;
}
