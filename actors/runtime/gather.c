#include "gather.h"

enum {
    REVIEW = 16,      /* gathered turns between two looks at what they gathered */
    SLEEP_MIN_US = 60 /* the kernel's timer slack: shorter sleeps last as long */
};

static void stop(es_gather_t *self)
{
    self->gathering = false;
    self->quick = 0;
}

static void start(es_gather_t *self)
{
    self->gathering = true;
    self->gap_us = self->tick_us;
    self->reviewed = 0;
    self->reviewed_sum = 0;
}

void es_gather_set_tick(es_gather_t *self, uint64_t tick_us)
{
    self->tick_us = tick_us;
    self->gathering = false;
}

void es_gather_count(es_gather_t *self, uint64_t messages)
{
    self->counted = true;
    self->messages += messages;
}

void es_gather_idle(es_gather_t *self)
{
    if (self->gathering) stop(self);
}

/* Did the last gathered turns have anything to gather? */
static void review(es_gather_t *self, uint64_t now_us)
{
    if (!self->counted || ++self->reviewed < REVIEW) return;
    if (self->reviewed_sum < UINT64_C(2) * REVIEW) {
        stop(self);
        self->hold_us = now_us + ES_GATHER_HOLD_US;
    }
    self->reviewed = 0;
    self->reviewed_sum = 0;
}

uint64_t es_gather_until(es_gather_t *self, uint64_t now_us)
{
    uint64_t since = now_us - self->turn_us, messages = self->messages;
    self->turn_us = now_us;
    self->messages = 0;
    if (self->tick_us == 0) return 0;
    if (!self->gathering) {
        self->quick = since < self->tick_us / 2 ? self->quick + 1 : 0;
        if (self->quick < ES_GATHER_QUICK || now_us < self->hold_us) return 0;
        start(self);
    }
    uint64_t want = self->counted && messages ? since * ES_GATHER_BATCH / messages : self->tick_us;
    self->gap_us = (3 * self->gap_us + (want < self->tick_us ? want : self->tick_us)) / 4;
    self->reviewed_sum += messages;
    review(self, now_us);
    return self->gathering && self->gap_us >= SLEEP_MIN_US ? now_us + self->gap_us : 0;
}
