#include "watchdog.h"

#include <stdlib.h>

#include "alloc.h"

struct es_watchdog {
    uint64_t patience_us, looked_us;
    size_t count;
    uint64_t heard_us[]; /* 0: nothing yet */
};

es_watchdog_t *es_watchdog_new(size_t count, uint64_t patience_us)
{
    es_watchdog_t *self = es_alloc_zero(sizeof *self + count * sizeof *self->heard_us);
    self->count = count;
    self->patience_us = patience_us;
    return self;
}

void es_watchdog_destroy(es_watchdog_t **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

void es_watchdog_heard(es_watchdog_t *self, size_t child, uint64_t now_us)
{
    self->heard_us[child] = now_us;
}

void es_watchdog_forget(es_watchdog_t *self, size_t child)
{
    self->heard_us[child] = 0;
}

void es_watchdog_look(es_watchdog_t *self, uint64_t now_us)
{
    bool away = now_us - self->looked_us > ES_WATCHDOG_AWAY_US;
    self->looked_us = now_us;
    for (size_t i = 0; away && i < self->count; i++)
        if (self->heard_us[i]) self->heard_us[i] = now_us;
}

bool es_watchdog_silent(const es_watchdog_t *self, size_t child)
{
    uint64_t heard_us = self->heard_us[child];
    return heard_us && self->looked_us > heard_us && self->looked_us - heard_us >= self->patience_us;
}
