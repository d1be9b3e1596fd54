/* The store: a log for each room, its members, how far captions have come, and the term of whoever has taken the room over last. A transaction of an older term
 * fails; so does any while the disk fails, though some of those are stored all the same. Nothing here is ever forgotten: it is what views are held against. */
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "rooms.h"

static void own(es_span_t *span, char **at)
{
    if (span->len > 0) memcpy(*at, span->ptr, span->len);
    *span = es_span_of(span->len > 0 ? *at : NULL, span->len);
    *at += span->len;
}

row_t *row_new(const es_room_event_t *event)
{
    row_t *row = es_alloc(sizeof *row + event->member.len + event->name.len + event->text.len + event->msg_id.len +
                          event->stream.len);
    row->event = *event;
    char *at = row->text;
    own(&row->event.member, &at);
    own(&row->event.name, &at);
    own(&row->event.text, &at);
    own(&row->event.msg_id, &at);
    own(&row->event.stream, &at);
    return row;
}

row_t *store_row(const log_t *log, uint64_t rseq)
{
    return rseq > 0 && rseq <= log->at.last ? log->rows[rseq - 1] : NULL;
}

const log_t *store_log(const sim_t *sim, int room, uint64_t log)
{
    const log_t *found = sim->stores[room].log;
    while (found && found->at.log != log) found = found->older;
    return found;
}

/* ---- transactions */

change_t *transaction_add(transaction_t *tx, int kind)
{
    change_t *change = es_alloc_zero(sizeof *change);
    change->kind = kind;
    if (!tx->first) tx->end = &tx->first;
    *tx->end = change;
    tx->end = &change->next;
    return change;
}

void transaction_forget(transaction_t *tx)
{
    for (change_t *change = tx->first, *next; change; change = next) {
        next = change->next;
        free(change->row);
        free(change);
    }
    *tx = (transaction_t){0};
}

static void append(log_t *log, row_t *row)
{
    uint64_t rseq = row->event.rseq;
    if (rseq > log->cap) {
        size_t cap = log->cap > 0 ? log->cap * 2 : 64;
        row_t **rows = es_alloc_zero(cap * sizeof *rows);
        if (log->cap > 0) memcpy(rows, log->rows, log->cap * sizeof *rows);
        free(log->rows);
        log->rows = rows;
        log->cap = cap;
    }
    free(log->rows[rseq - 1]); /* there is one only where nobody is fenced */
    log->rows[rseq - 1] = row;
    if (rseq > log->at.last) log->at.last = rseq;
}

static void sit(store_t *store, const seat_t *seat)
{
    seat_t *place = NULL;
    for (int i = CLIENTS; i-- > 0;)
        if (!store->seats[i].there || strcmp(store->seats[i].session, seat->session) == 0) place = &store->seats[i];
    for (int i = 0; i < CLIENTS; i++)
        if (store->seats[i].there && strcmp(store->seats[i].session, seat->session) == 0) place = &store->seats[i];
    *place = *seat;
}

static void stand(store_t *store, const seat_t *seat)
{
    for (int i = 0; i < CLIENTS; i++)
        if (strcmp(store->seats[i].session, seat->session) == 0) store->seats[i].there = false;
}

static void caption(store_t *store, const captions_t *captions)
{
    size_t i = 0;
    while (i < store->captions_n && (strcmp(store->captions[i].session, captions->session) != 0 ||
                                     strcmp(store->captions[i].stream, captions->stream) != 0))
        i++;
    if (i == store->captions_n) store->captions_n++;
    store->captions[i] = *captions;
}

static void apply(store_t *store, change_t *change)
{
    switch (change->kind) {
    case CHANGE_APPEND:
        append(store->log, change->row);
        change->row = NULL;
        break;
    case CHANGE_CAPTION:
        caption(store, &change->captions);
        break;
    case CHANGE_SEAT:
        sit(store, &change->seat);
        break;
    case CHANGE_UNSEAT:
        stand(store, &change->seat);
        break;
    case CHANGE_FLOOR:
        store->log->at.floor = change->number;
        break;
    }
}

bool store_commit(sim_t *sim, int room, uint64_t term, transaction_t *tx)
{
    store_t *store = &sim->stores[room];
    bool fenced = term != store->term && sim->off != SAFE_FENCE;
    bool fails = sim->world.now < store->fails_until;
    bool stored = !fenced && store->log && (!fails || world_chance(&sim->world, 300));
    if (fenced) sim->figures.fenced++;
    for (change_t *change = tx->first; change && stored; change = change->next) apply(store, change);
    transaction_forget(tx);
    return stored && !fails;
}

bool store_take_over(sim_t *sim, int room, uint64_t *term)
{
    store_t *store = &sim->stores[room];
    if (sim->world.now < store->fails_until) return false;
    if (!store->log) {
        store->log = es_alloc_zero(sizeof *store->log);
        store->log->at = (es_room_log_t){.log = 1000 + ++sim->logs, .floor = 1};
    }
    *term = ++store->term;
    return true;
}

static void log_free(log_t *log)
{
    for (; log;) {
        log_t *older = log->older;
        for (size_t i = 0; i < log->cap; i++) free(log->rows[i]);
        free(log->rows);
        free(log);
        log = older;
    }
}

/* The file is gone, and with it all that made anything unrepeatable. */
void store_wipe(sim_t *sim, int room)
{
    store_t *store = &sim->stores[room];
    log_t *fresh = es_alloc_zero(sizeof *fresh);
    fresh->at = (es_room_log_t){.log = 1000 + ++sim->logs, .floor = 1};
    fresh->older = store->log;
    store->log = fresh;
    store->term++;
    store->captions_n = 0;
    memset(store->seats, 0, sizeof store->seats);
}

void store_fini(store_t *store)
{
    log_free(store->log);
    store->log = NULL;
}
