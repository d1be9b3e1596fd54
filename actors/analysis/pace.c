#include "pace.h"

static uint64_t width_for(uint64_t duration_ms)
{
    static const unsigned seconds[] = {10, 30, 60, 120, 300, 600, 1800, 3600};
    size_t last = sizeof seconds / sizeof seconds[0] - 1;
    for (size_t i = 0; i < last; i++)
        if (duration_ms <= UINT64_C(1000) * seconds[i] * ES_PACE_BUCKETS_MAX) return UINT64_C(1000) * seconds[i];
    uint64_t hours = (duration_ms - 1) / (UINT64_C(3600000) * ES_PACE_BUCKETS_MAX) + 1;
    return hours * 3600000;
}

void es_pace_measure(es_pace_t *out, const es_document_t *doc)
{
    *out = (es_pace_t){.width_ms = width_for(doc->duration_ms)};
    if (doc->duration_ms == 0) return;
    out->count = (size_t)((doc->duration_ms + out->width_ms / 2) / out->width_ms);
    if (out->count == 0) out->count = 1;
    for (size_t i = 0; i < doc->n_words; i++) {
        size_t at = (size_t)(doc->words[i].start_ms / out->width_ms);
        out->words[at < out->count ? at : out->count - 1]++;
    }
}

uint64_t es_pace_end(const es_pace_t *self, size_t i, uint64_t duration_ms)
{
    return i + 1 == self->count ? duration_ms : (i + 1) * self->width_ms;
}
