#include "seats.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "alloc.h"
#include "map.h"

typedef struct {
    es_seat_t seat; /* first */
    size_t holders;
    char name[];
} entry_t;

struct es_seats {
    es_map_t *by_name;
    size_t held;
    bool closed;
};

es_seats_t *es_seats_new(void)
{
    es_seats_t *self = es_alloc_zero(sizeof *self);
    uint64_t seed;
    if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed) abort();
    self->by_name = es_map_new(seed);
    return self;
}

static void free_where_over(es_seats_t *self)
{
    if (!self->closed || self->held) return;
    es_map_destroy(&self->by_name);
    free(self);
}

void es_seats_destroy(es_seats_t **self_p)
{
    if (!*self_p) return;
    (*self_p)->closed = true;
    free_where_over(*self_p);
    *self_p = NULL;
}

es_seat_t *es_seats_take(es_seats_t *self, const char *name)
{
    entry_t *entry = es_map_get(self->by_name, es_span(name));
    if (!entry) {
        size_t len = strlen(name) + 1;
        entry = es_alloc_zero(sizeof *entry + len);
        memcpy(entry->name, name, len);
        es_map_put(self->by_name, es_span(entry->name), entry);
    }
    entry->holders++;
    self->held++;
    return &entry->seat;
}

void es_seats_give_back(es_seats_t *self, es_seat_t *seat)
{
    entry_t *entry = (entry_t *)seat;
    if (--entry->holders == 0) {
        es_map_remove(self->by_name, es_span(entry->name));
        free(entry);
    }
    self->held--;
    free_where_over(self);
}
