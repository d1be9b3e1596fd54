#include "senders.h"

#include <string.h>

#define STOOD_STILL_US UINT64_C(1500000)

static size_t find(const es_senders_t *self, es_span_t key)
{
    size_t i = 0;
    while (i < self->count && memcmp(self->list[i].prefix, key.ptr, ES_PREFIX_LEN) != 0) i++;
    return i;
}

void es_senders_take(es_senders_t *self, es_span_t key, uint64_t now_us)
{
    size_t i = find(self, key);
    if (i == ES_SENDERS_MAX) {
        self->unknown++;
        return;
    }
    if (i == self->count) memcpy(self->list[self->count++].prefix, key.ptr, ES_PREFIX_LEN);
    self->list[i].heard_us = now_us;
}

void es_senders_left(es_senders_t *self, es_span_t key)
{
    size_t i = find(self, key);
    if (i < self->count) self->list[i] = self->list[--self->count];
}

void es_senders_replaced(es_senders_t *self, es_span_t key, uint64_t now_us)
{
    size_t i = find(self, key);
    uint64_t since = now_us + ES_SENDER_PROOF_US - ES_SENDER_SILENCE_US;
    if (i < self->count && self->list[i].heard_us > since) self->list[i].heard_us = since;
}

/* Reports wait unread where we stood still. */
static void forgive(es_senders_t *self, uint64_t now_us)
{
    bool stood = self->ticked_us && now_us - self->ticked_us > STOOD_STILL_US;
    self->ticked_us = now_us;
    for (size_t i = 0; stood && i < self->count; i++) self->list[i].heard_us = now_us;
}

bool es_senders_silent(es_senders_t *self, uint64_t now_us, char prefix[ES_PREFIX_LEN])
{
    forgive(self, now_us);
    for (size_t i = 0; i < self->count; i++) {
        if (now_us - self->list[i].heard_us < ES_SENDER_SILENCE_US) continue;
        memcpy(prefix, self->list[i].prefix, ES_PREFIX_LEN);
        self->list[i] = self->list[--self->count];
        return true;
    }
    return false;
}
