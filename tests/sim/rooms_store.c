/* The store of rooms (room_store.h), in memory: a log for each room, its members, how far captions have come, and the term of whoever claimed the room last. One for all
 * actors, which it outlives, each with a turn of its own. While the disk fails, turns do too, though some of those are stored all the same; while an actor
 * stands still with a commit under way, nobody else may write. Nothing is ever forgotten: it is what views are held against. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "rooms_sim.h"

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
    *row = (row_t){.event = *event};
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

bool store_gave_up(const log_t *log, uint64_t rseq)
{
    const row_t *row = store_row(log, rseq);
    return rseq < log->at.floor || (row && row->dropped);
}

const log_t *store_log(const sim_t *sim, int room, uint64_t log)
{
    const log_t *found = sim->tables[room].log;
    while (found && found->at.log != log) found = found->older;
    return found;
}

/* ---- changes of a turn */

static void copy_text(char *out, size_t cap, es_span_t span)
{
    assert(span.len < cap);
    memcpy(out, span.ptr, span.len);
    out[span.len] = '\0';
}

static change_t *add(es_room_store_t *self, int64_t room, int kind)
{
    change_t *change = es_alloc_zero(sizeof *change);
    change->kind = kind;
    change->room = (int)room;
    if (!self->first) self->end = &self->first;
    *self->end = change;
    self->end = &change->next;
    return change;
}

void store_forget_turn(es_room_store_t *self)
{
    for (change_t *change = self->first, *next; change; change = next) {
        next = change->next;
        free(change->row);
        free(change);
    }
    self->first = NULL;
    self->failed = false;
}

static void append(log_t *log, row_t *row)
{
    uint64_t rseq = row->event.rseq;
    while (rseq > log->cap) {
        size_t cap = log->cap > 0 ? log->cap * 2 : 64;
        void **rows = es_alloc_zero(cap * sizeof *rows);
        if (log->cap > 0) memcpy(rows, log->rows, log->cap * sizeof *rows);
        free(log->rows);
        log->rows = rows;
        log->cap = cap;
    }
    free(log->rows[rseq - 1]); /* there is one only where nobody is fenced */
    log->rows[rseq - 1] = row;
    if (rseq > log->at.last) log->at.last = rseq;
}

static void drop(log_t *log, uint64_t rseq)
{
    row_t *row = rseq <= log->at.last ? log->rows[rseq - 1] : NULL;
    if (row) row->dropped = true;
}

static seat_t *seat_of(table_t *table, const char *session)
{
    seat_t *free_one = NULL;
    for (int i = 0; i < CLIENTS; i++) {
        if (table->seats[i].there && strcmp(table->seats[i].session, session) == 0) return &table->seats[i];
        if (!table->seats[i].there) free_one = &table->seats[i];
    }
    return free_one;
}

static void caption(table_t *table, const captions_t *captions)
{
    size_t i = 0;
    while (i < table->captions_n && (strcmp(table->captions[i].session, captions->session) != 0 ||
                                     strcmp(table->captions[i].stream, captions->stream) != 0))
        i++;
    if (i == table->captions_n) table->captions_n++;
    table->captions[i] = *captions;
}

static log_t *log_new(sim_t *sim, log_t *older)
{
    log_t *log = es_alloc_zero(sizeof *log);
    log->at = (es_room_log_t){.log = 1000 + ++sim->logs, .floor = 1};
    log->older = older;
    return log;
}

static void apply(sim_t *sim, change_t *change)
{
    table_t *table = &sim->tables[change->room];
    seat_t *seat = seat_of(table, change->seat.session);
    switch (change->kind) {
    case CHANGE_CLAIM:
        table->term++;
        break;
    case CHANGE_APPEND:
        append(table->log, change->row);
        change->row = NULL;
        break;
    case CHANGE_CAPTION:
        caption(table, &change->captions);
        break;
    case CHANGE_SEAT:
        if (seat) *seat = change->seat;
        break;
    case CHANGE_UNSEAT:
        if (seat && seat->there) seat->there = false;
        break;
    case CHANGE_FLOOR:
        table->log->at.floor = change->number;
        break;
    case CHANGE_DROP:
        drop(table->log, change->number);
        break;
    }
}

void store_apply_turn(es_room_store_t *self)
{
    for (change_t *change = self->first; change; change = change->next) apply(self->sim, change);
    store_forget_turn(self);
}

/* ---- may it write? */

static bool mine(const es_room_store_t *self, const es_room_hold_t *hold)
{
    uint64_t term = self->sim->tables[hold->number].term;
    for (const change_t *c = self->first; c; c = c->next)
        if (c->kind == CHANGE_CLAIM && c->room == hold->number) term++;
    return term == hold->term || self->sim->off == SAFE_FENCE;
}

/* An actor that stands still in its commit holds the file. */
static bool locked(const es_room_store_t *self)
{
    for (int a = 0; a < self->sim->plan.actors; a++) {
        const node_t *node = &self->sim->nodes[NODE_ACTOR + a];
        if (a != self->actor && node->state == STOPPED && node->busy) return true;
    }
    return false;
}

static bool may_write(es_room_store_t *self)
{
    bool fails = self->sim->world.now < self->sim->disk_fails_until && world_chance(&self->sim->world, 300);
    if (fails || locked(self)) self->failed = true;
    return !self->failed;
}

static void count_kept(const log_t *log, es_room_log_t *out)
{
    for (uint64_t rseq = log->at.floor; rseq <= log->at.last; rseq++) {
        const row_t *row = store_row(log, rseq);
        if (row->dropped) continue;
        bool moves = row->event.type == ES_EVENT_JOINED || row->event.type == ES_EVENT_LEFT;
        out->moves += moves;
        out->said += !moves;
    }
}

es_store_result_t es_room_store_claim(es_room_store_t *self, es_span_t id, uint64_t fresh, uint64_t now_ms,
                                      es_room_hold_t *out)
{
    table_t *table = &self->sim->tables[id.ptr[1] - '0'];
    (void)fresh;
    (void)now_ms;
    if (!may_write(self)) return ES_STORE_FAILED;
    if (!table->log) table->log = log_new(self->sim, NULL);
    add(self, id.ptr[1] - '0', CHANGE_CLAIM);
    *out = (es_room_hold_t){.number = id.ptr[1] - '0', .term = table->term + 1, .log = table->log->at};
    count_kept(table->log, &out->log);
    world_trace(&self->sim->world, "room-%d claims r%d: term %d, log %d, last %d", self->actor + 1, (int)out->number,
                (int)out->term, (int)out->log.log, (int)out->log.last);
    return ES_STORE_OK;
}

es_store_result_t es_room_store_members(es_room_store_t *self, const es_room_hold_t *hold,
                                        void (*fn)(void *arg, const es_room_seat_t *seat), void *arg)
{
    for (int i = 0; i < CLIENTS; i++) {
        const seat_t *s = &self->sim->tables[hold->number].seats[i];
        es_room_seat_t seat = {.session = es_span(s->session),
                               .client = es_span_of(s->client, ES_CLIENT_ID_LEN),
                               .name = es_span(s->name),
                               .operation = s->operation};
        if (s->there) fn(arg, &seat);
    }
    return ES_STORE_OK;
}

es_store_result_t es_room_store_enter(es_room_store_t *self, const es_room_hold_t *hold)
{
    if (!may_write(self)) return ES_STORE_FAILED;
    if (mine(self, hold)) return ES_STORE_OK;
    self->sim->figures.fenced++;
    return ES_STORE_PASSED;
}

es_store_result_t es_room_store_holds(es_room_store_t *self, const es_room_hold_t *hold)
{
    if (mine(self, hold)) return ES_STORE_OK;
    self->sim->figures.fenced++;
    return ES_STORE_PASSED;
}

es_store_result_t es_room_store_commit(es_room_store_t *self)
{
    bool fails = self->first && self->sim->world.now < self->sim->disk_fails_until;
    bool stored = !self->failed && (!fails || world_chance(&self->sim->world, 300));
    bool told = !self->failed && !fails;
    if (!stored) store_forget_turn(self);
    if (self->sim->off != SAFE_COMMIT) store_apply_turn(self); /* else it says so before it is */
    return told ? ES_STORE_OK : ES_STORE_FAILED;
}

/* ---- writes */

void es_room_store_append(es_room_store_t *self, const es_room_hold_t *hold, const es_room_event_t *event)
{
    add(self, hold->number, CHANGE_APPEND)->row = row_new(event);
    self->sim->figures.events++;
}

void es_room_store_caption(es_room_store_t *self, const es_room_hold_t *hold, es_span_t session, es_span_t stream,
                           uint64_t until, uint64_t now_ms)
{
    captions_t *captions = &add(self, hold->number, CHANGE_CAPTION)->captions;
    (void)now_ms;
    copy_text(captions->session, sizeof captions->session, session);
    copy_text(captions->stream, sizeof captions->stream, stream);
    captions->until = until;
}

void es_room_store_seat(es_room_store_t *self, const es_room_hold_t *hold, const es_room_seat_t *seat)
{
    seat_t *place = &add(self, hold->number, CHANGE_SEAT)->seat;
    copy_text(place->session, sizeof place->session, seat->session);
    copy_text(place->name, sizeof place->name, seat->name);
    memcpy(place->client, seat->client.ptr, ES_CLIENT_ID_LEN);
    place->operation = seat->operation;
    place->there = true;
}

void es_room_store_unseat(es_room_store_t *self, const es_room_hold_t *hold, es_span_t session)
{
    seat_t *place = &add(self, hold->number, CHANGE_UNSEAT)->seat;
    copy_text(place->session, sizeof place->session, session);
}

void es_room_store_drop(es_room_store_t *self, const es_room_hold_t *hold, uint64_t rseq)
{
    add(self, hold->number, CHANGE_DROP)->number = rseq;
    self->sim->figures.dropped++;
}

void es_room_store_settle(es_room_store_t *self, const es_room_hold_t *hold, const es_room_log_t *log)
{
    add(self, hold->number, CHANGE_FLOOR)->number = log->floor;
}

void es_room_store_touch(es_room_store_t *self, const es_room_hold_t *hold, uint64_t now_ms)
{
    (void)self;
    (void)hold;
    (void)now_ms;
}

uint64_t es_room_store_trim(es_room_store_t *self, uint64_t now_ms, uint64_t max)
{
    (void)self;
    (void)now_ms;
    (void)max;
    return 0;
}

/* ---- reads; this turn's changes included */

static bool said_by(const es_room_event_t *e, es_span_t session, es_span_t msg_id)
{
    return e->type == ES_EVENT_MESSAGE && es_span_eq(e->msg_id, msg_id) && es_span_eq(e->member, session);
}

es_store_result_t es_room_store_said(es_room_store_t *self, const es_room_hold_t *hold, es_span_t session,
                                     es_span_t msg_id, uint64_t *rseq)
{
    const log_t *log = self->sim->tables[hold->number].log;
    *rseq = 0;
    if (self->sim->off == SAFE_DEDUPE) return ES_STORE_OK;
    for (const change_t *c = self->first; c; c = c->next)
        if (c->row && c->room == hold->number && said_by(&c->row->event, session, msg_id)) *rseq = c->row->event.rseq;
    for (uint64_t at = log->at.last; at > 0 && *rseq == 0; at--)
        if (said_by(&store_row(log, at)->event, session, msg_id)) *rseq = at;
    return ES_STORE_OK;
}

static bool is_caption(const captions_t *captions, es_span_t session, es_span_t stream)
{
    return es_span_eq(es_span(captions->session), session) && es_span_eq(es_span(captions->stream), stream);
}

es_store_result_t es_room_store_captioned(es_room_store_t *self, const es_room_hold_t *hold, es_span_t session,
                                          es_span_t stream, bool *known, uint64_t *until)
{
    const table_t *table = &self->sim->tables[hold->number];
    *known = false;
    for (size_t i = 0; i < table->captions_n && self->sim->off != SAFE_CUT; i++) {
        if (!is_caption(&table->captions[i], session, stream)) continue;
        *until = table->captions[i].until;
        *known = true;
    }
    for (const change_t *c = self->first; c && self->sim->off != SAFE_CUT; c = c->next) {
        if (c->kind != CHANGE_CAPTION || c->room != hold->number || !is_caption(&c->captions, session, stream))
            continue;
        *until = c->captions.until;
        *known = true;
    }
    return ES_STORE_OK;
}

static bool dropped(const es_room_store_t *self, const es_room_hold_t *hold, uint64_t rseq)
{
    const row_t *row = store_row(self->sim->tables[hold->number].log, rseq);
    for (const change_t *c = self->first; c; c = c->next)
        if (c->kind == CHANGE_DROP && c->room == hold->number && c->number == rseq) return true;
    return row && row->dropped;
}

es_store_result_t es_room_store_read(es_room_store_t *self, const es_room_hold_t *hold, uint64_t from, uint64_t count,
                                     bool (*each)(void *arg, const es_room_event_t *event), void *arg)
{
    const log_t *log = self->sim->tables[hold->number].log;
    uint64_t rseq = from;
    for (; count > 0 && rseq <= log->at.last; rseq++) {
        if (dropped(self, hold, rseq)) continue;
        if (!each(arg, &store_row(log, rseq)->event)) return ES_STORE_OK;
        count--;
    }
    for (const change_t *c = self->first; c && count > 0; c = c->next) {
        if (!c->row || c->room != hold->number || c->row->event.rseq != rseq) continue;
        rseq++;
        if (dropped(self, hold, rseq - 1)) continue;
        if (!each(arg, &c->row->event)) return ES_STORE_OK;
        count--;
    }
    return ES_STORE_OK;
}

/* Nobody here scrolls back. */
es_store_result_t es_room_store_back(es_room_store_t *self, const es_room_hold_t *hold, uint64_t to, uint64_t count,
                                     uint64_t *rseq)
{
    (void)self;
    (void)hold;
    (void)to;
    (void)count;
    *rseq = 0;
    return ES_STORE_OK;
}

/* ---- life */

/* The file is gone, and with it all that made anything unrepeatable. */
void store_wipe(sim_t *sim, int room)
{
    table_t *table = &sim->tables[room];
    table->log = log_new(sim, table->log);
    table->term++;
    table->captions_n = 0;
    memset(table->seats, 0, sizeof table->seats);
}

void store_fini(sim_t *sim)
{
    for (int r = 0; r < ROOMS; r++)
        for (log_t *log = sim->tables[r].log, *older; log; log = older) {
            older = log->older;
            for (size_t i = 0; i < log->cap; i++) free(log->rows[i]);
            free(log->rows);
            free(log);
        }
}
