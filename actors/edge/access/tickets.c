#include "tickets.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "keymap.h"

static ES_METRIC_GAUGE(waiting, "earshot_edge_tickets", "tickets that wait to be used");
static ES_METRIC_COUNTER(issued, "earshot_edge_tickets_total{what=\"issued\"}", "tickets by what became of them");
static ES_METRIC_COUNTER(used, "earshot_edge_tickets_total{what=\"used\"}", "tickets by what became of them");
static ES_METRIC_COUNTER(expired, "earshot_edge_tickets_total{what=\"expired\"}", "tickets by what became of them");
static ES_METRIC_COUNTER(refused, "earshot_edge_tickets_total{what=\"refused\"}", "tickets by what became of them");

typedef struct ticket {
    struct ticket *older, *newer;
    uint64_t until_us;
    es_principal_t *principal;
    es_seat_t *seat;
    uint8_t digest[ES_TICKET_DIGEST];
} ticket_t;

struct es_tickets {
    es_keymap_t *by_digest;
    ticket_t *oldest, *newest; /* they end in the order in which they began */
    es_seats_t *seats;
    uint64_t max, each, life_us;
};

es_tickets_t *es_tickets_new(uint64_t max, uint64_t each, uint64_t life_us, es_seats_t *seats)
{
    es_tickets_t *self = es_alloc_zero(sizeof *self);
    *self = (es_tickets_t){.by_digest = es_keymap_new(), .seats = seats, .max = max, .each = each, .life_us = life_us};
    return self;
}

static es_span_t key_of(const uint8_t digest[ES_TICKET_DIGEST])
{
    return es_span_of(digest, ES_TICKET_DIGEST);
}

/* The principal's reference is the caller's. */
static es_principal_t *take_out(es_tickets_t *self, ticket_t *ticket)
{
    es_principal_t *principal = ticket->principal;
    es_keymap_remove(self->by_digest, key_of(ticket->digest));
    *(ticket->older ? &ticket->older->newer : &self->oldest) = ticket->newer;
    *(ticket->newer ? &ticket->newer->older : &self->newest) = ticket->older;
    ticket->seat->tickets--;
    es_seats_give_back(self->seats, ticket->seat);
    free(ticket);
    es_metric_set(&waiting, es_keymap_count(self->by_digest));
    return principal;
}

static void drop_first(es_tickets_t *self)
{
    assert(!self->oldest->older);
    es_principal_t *principal = take_out(self, self->oldest);
    es_principal_unref(&principal);
}

static void expire(es_tickets_t *self, uint64_t now_us)
{
    while (self->oldest && self->oldest->until_us <= now_us) {
        drop_first(self);
        es_metric_add(&expired, 1);
    }
}

void es_tickets_destroy(es_tickets_t **self_p)
{
    es_tickets_t *self = *self_p;
    if (!self) return;
    while (self->oldest) drop_first(self);
    es_keymap_destroy(&self->by_digest);
    free(self);
    *self_p = NULL;
}

static int full(es_tickets_t *self, const char *name, es_seat_t *seat)
{
    if (es_keymap_count(self->by_digest) < self->max && (!*name || seat->tickets < self->each)) return 0;
    es_seats_give_back(self->seats, seat);
    es_metric_add(&refused, 1);
    return -1;
}

int es_tickets_add(es_tickets_t *self, const uint8_t digest[ES_TICKET_DIGEST], es_principal_t *principal,
                   uint64_t now_us)
{
    const char *name = es_principal_name(principal);
    expire(self, now_us);
    es_seat_t *seat = es_seats_take(self->seats, name);
    if (full(self, name, seat)) return -1;
    ticket_t *ticket = es_alloc_zero(sizeof *ticket);
    *ticket = (ticket_t){.older = self->newest,
                         .until_us = now_us + self->life_us,
                         .principal = es_principal_ref(principal),
                         .seat = seat};
    memcpy(ticket->digest, digest, ES_TICKET_DIGEST);
    *(ticket->older ? &ticket->older->newer : &self->oldest) = ticket;
    self->newest = ticket;
    seat->tickets++;
    es_keymap_put(self->by_digest, key_of(ticket->digest), ticket);
    es_metric_add(&issued, 1);
    es_metric_set(&waiting, es_keymap_count(self->by_digest));
    return 0;
}

/* A digest is looked up, not a ticket: how long that takes tells nothing that helps to guess one. */
es_principal_t *es_tickets_redeem(es_tickets_t *self, const uint8_t digest[ES_TICKET_DIGEST], uint64_t now_us)
{
    expire(self, now_us);
    ticket_t *ticket = es_keymap_get(self->by_digest, key_of(digest));
    if (!ticket) return NULL;
    es_metric_add(&used, 1);
    return take_out(self, ticket);
}

es_metric_t *const *es_tickets_metrics(void)
{
    static es_metric_t *const list[] = {&waiting, &issued, &used, &expired, &refused, NULL};
    return list;
}
