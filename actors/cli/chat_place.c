#include "chat_place.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"

static const es_chat_gap_t none = {.from = 1, .to = 0};

void es_chat_place_fini(es_chat_place_t *self)
{
    free(self->log);
    *self = (es_chat_place_t){.log = NULL};
}

es_chat_entry_t es_chat_place_enter(es_chat_place_t *self, const char *log, uint64_t rseq, uint64_t from,
                                    es_chat_gap_t *gap)
{
    /* A log that ends before what came of it is another one, whatever its name: it was restored from a copy. */
    bool same = self->log && strcmp(self->log, log) == 0 && rseq >= self->last;
    es_chat_entry_t entry = !self->log ? ES_CHAT_FIRST : same ? ES_CHAT_GOES_ON : ES_CHAT_OTHER_LOG;
    *gap = none;
    self->entry = rseq;
    if (entry == ES_CHAT_GOES_ON) {
        if (from > self->last + 1) *gap = (es_chat_gap_t){.from = self->last + 1, .to = from - 1};
        if (from > self->last + 1) self->last = from - 1;
        return entry;
    }
    free(self->log);
    self->log = es_alloc_copy(log, strlen(log));
    self->oldest = from;
    self->last = from ? from - 1 : 0;
    return entry;
}

bool es_chat_place_take(es_chat_place_t *self, uint64_t rseq, es_chat_gap_t *gap)
{
    *gap = none;
    if (rseq <= self->last) return false;
    if (rseq > self->last + 1) *gap = (es_chat_gap_t){.from = self->last + 1, .to = rseq - 1};
    self->last = rseq;
    return true;
}

void es_chat_place_skip(es_chat_place_t *self, uint64_t to, es_chat_gap_t *gap)
{
    *gap = none;
    if (to <= self->last) return;
    *gap = (es_chat_gap_t){.from = self->last + 1, .to = to};
    self->last = to;
}

bool es_chat_place_caught_up(const es_chat_place_t *self)
{
    return self->log && self->last >= self->entry;
}
