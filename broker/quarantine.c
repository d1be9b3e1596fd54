#include "quarantine.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void forget_oldest(es_quarantine_t *self)
{
    self->count--;
    memmove(&self->list[0], &self->list[1], self->count * sizeof self->list[0]);
}

/* The sender may say its START again before it has heard. */
static es_quarantined_t *slot_of(es_quarantine_t *self, es_span_t client)
{
    for (size_t i = 0; i < self->count; i++)
        if (es_span_eq(es_span(self->list[i].client), client)) return &self->list[i];
    if (self->count == ES_QUARANTINE_MAX) forget_oldest(self);
    return &self->list[self->count++];
}

const char *es_quarantine_add(es_quarantine_t *self, es_span_t client, uint64_t deaths, uint64_t now_us)
{
    es_quarantined_t *entry = slot_of(self, client);
    snprintf(entry->client, sizeof entry->client, "%.*s", (int)client.len, client.ptr);
    snprintf(entry->reason, sizeof entry->reason,
             "%" PRIu64 " workers died in a row while they had nothing but this stream; it gets no other", deaths);
    entry->at_us = now_us;
    return entry->reason;
}

void es_quarantine_tick(es_quarantine_t *self, uint64_t now_us)
{
    while (self->count > 0 && now_us - self->list[0].at_us >= ES_QUARANTINE_US) forget_oldest(self);
}
