/* A client's place in a room, at its edge: a real outbox, and the way from its last event to those that the follower gives out. As actors/edge/membership.c. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "rooms_sim.h"

enum { RECENT = 50, ASK_US = 500000 };

static sim_t *sim_of(const member_t *self)
{
    return self->room->sim;
}

static void tell(member_t *self, const es_msg_t *msg, const void *body, size_t len)
{
    network_tell(sim_of(self), NODE_EDGE + self->room->edge, NODE_CLIENT + self->client, self->conn, msg, body, len);
}

static void operate(member_t *self, es_msg_t *op, const void *body, size_t len)
{
    char session[32];
    client_session(self->client, session);
    ES_SET(op, ES_M_CLIENT, client, es_span(self->id));
    ES_SET(op, ES_M_SESSION, session, es_span(session));
    ES_SET(op, ES_M_NAME, name, es_span(self->name));
    if (op->kind == ES_ROOM_PARTIAL)
        edge_request(self->room, self->conn, op, NULL, 0);
    else if (es_room_outbox_push(self->outbox, op, body, len, sim_of(self)->world.now) != 0)
        world_fail(&sim_of(self)->world, "c%d: its outbox is full", self->client);
}

/* ---- catching up */

static void tell_event(member_t *self, const es_room_event_t *event)
{
    char body[4096];
    es_msg_t msg = {.kind = TOLD_EVENT};
    ES_SET(&msg, ES_M_LOG, log, self->log);
    ES_SET(&msg, ES_M_RSEQ, rseq, event->rseq);
    tell(self, &msg, body, es_room_events_encode(event, 1, body, sizeof body));
    if (event->rseq > 0) self->at = event->rseq;
}

void member_event(member_t *self, const es_room_event_t *event)
{
    if (self->state == LIVE) tell_event(self, event);
}

static void tell_gone(member_t *self, uint64_t from, uint64_t to)
{
    es_msg_t msg = {.kind = TOLD_GONE};
    ES_SET(&msg, ES_M_FROM, from_seq, from);
    ES_SET(&msg, ES_M_TO, to_seq, to);
    tell(self, &msg, NULL, 0);
    self->at = to;
}

void member_missed(member_t *self, uint64_t from, uint64_t to)
{
    if (self->state == LIVE) tell_gone(self, from, to);
}

static void ask_page(member_t *self)
{
    es_msg_t msg = {.kind = ES_ROOM_FETCH, .seq = self->ask_id};
    ES_SET(&msg, ES_M_CLIENT, client, es_span(self->id));
    ES_SET(&msg, ES_M_FROM, from_seq, self->at + 1);
    ES_SET(&msg, ES_M_COUNT, count, sim_of(self)->plan.page);
    self->ask_due_us = sim_of(self)->world.now + ASK_US;
    edge_request(self->room, self->conn, &msg, NULL, 0);
}

void member_advance(member_t *self)
{
    const edge_room_t *room = self->room;
    const es_room_follower_t *follower = room->follower;
    if (self->state != CATCHING_UP || self->over || !es_room_follower_known(follower)) return;
    uint64_t at = es_room_follower_at(follower);
    if (self->log != es_room_follower_log(follower) || at < self->at) return;
    const row_t *row = es_ring_at(&room->recent, 0);
    uint64_t first = row ? row->event.rseq : at + 1;
    if (self->at + 1 >= first || at == self->at) {
        for (uint32_t i = 0; (row = es_ring_at(&room->recent, i)); i++)
            if (row->event.rseq > self->at) tell_event(self, &row->event);
        self->state = LIVE;
        self->ask_due_us = NEVER;
    } else if (self->ask_due_us == NEVER) {
        self->ask_id++;
        ask_page(self);
    }
}

static void skip_below(member_t *self, uint64_t rseq)
{
    if (rseq > self->at + 1) tell_gone(self, self->at + 1, rseq - 1);
}

static void page(member_t *self, const es_msg_t *answer, const char *body, size_t len)
{
    es_room_event_t events[512];
    int n = es_room_events_decode(sim_of(self)->decoder, body, len, events, 512);
    assert(n >= 0);
    if (answer->seq != self->ask_id || self->ask_due_us == NEVER) return;
    self->ask_due_us = NEVER;
    if (self->state != CATCHING_UP || answer->log != self->log) return;
    skip_below(self, answer->floor);
    for (int i = 0; i < n; i++) {
        skip_below(self, events[i].rseq);
        if (events[i].rseq == self->at + 1) tell_event(self, &events[i]);
    }
    member_advance(self);
}

/* ---- joining */

/* Where a client that has just joined begins, and whether anything that it should get is gone. */
static bool begin_at(member_t *self, const es_msg_t *done)
{
    uint64_t last = done->rseq, kept = done->floor - 1, recent = last > RECENT ? last - RECENT : 0;
    bool usable = self->has_since && self->since <= last && self->since_log == done->log;
    uint64_t wanted = usable ? self->since : recent;
    self->log = done->log;
    self->at = wanted > kept ? wanted : kept;
    return usable ? kept <= wanted : !self->has_since && kept == 0;
}

static void joined(member_t *self, const es_msg_t *done)
{
    es_room_follower_state(self->room->follower, done->log, done->rseq, done->floor, sim_of(self)->world.now);
    bool complete = begin_at(self, done);
    es_msg_t msg = {.kind = TOLD_JOINED};
    ES_SET(&msg, ES_M_LOG, log, done->log);
    ES_SET(&msg, ES_M_RSEQ, rseq, done->rseq);
    ES_SET(&msg, ES_M_FROM, from_seq, self->at + 1);
    ES_SET(&msg, ES_M_FLAGS, flags, complete);
    self->state = CATCHING_UP;
    tell(self, &msg, NULL, 0);
    member_advance(self);
}

void member_rejoin(member_t *self)
{
    if (self->state == JOINING) return;
    self->state = JOINING;
    self->has_since = true; /* in the other log: not usable */
    self->since = self->at;
    self->since_log = self->log;
    self->ask_due_us = NEVER;
    if (!self->leaving) operate(self, &(es_msg_t){.kind = ES_ROOM_JOIN}, NULL, 0);
}

/* ---- operations */

static void on_send(void *ctx, const es_msg_t *op, const void *body, size_t len)
{
    const member_t *self = ctx;
    edge_request(self->room, self->conn, op, body, len);
}

static void refused(member_t *self, const es_msg_t *op, const es_msg_t *answer)
{
    es_msg_t msg = {.kind = TOLD_REFUSED};
    ES_SET(&msg, ES_M_FLAGS, flags, op->kind);
    ES_SET(&msg, ES_M_MSG_ID, msg_id, op->msg_id);
    ES_SET(&msg, ES_M_REASON, reason, answer->reason);
    if (op->kind == ES_ROOM_JOIN || op->kind == ES_ROOM_LEAVE) self->over = true;
    tell(self, &msg, NULL, 0);
}

static void captioned(member_t *self, const es_msg_t *op)
{
    es_msg_t msg = {.kind = TOLD_CAPTIONED};
    ES_SET(&msg, ES_M_STREAM, stream, op->stream);
    ES_SET(&msg, ES_M_START, start, op->start);
    ES_SET(&msg, ES_M_END, end, op->end);
    tell(self, &msg, NULL, 0);
}

static void on_answered(void *ctx, const es_msg_t *op, const es_msg_t *answer, const void *body, size_t len)
{
    member_t *self = ctx;
    (void)body;
    (void)len;
    es_msg_t msg = {.kind = TOLD_SAID};
    ES_SET(&msg, ES_M_LOG, log, answer->log);
    ES_SET(&msg, ES_M_RSEQ, rseq, answer->rseq);
    if (answer->kind == ES_ROOM_REFUSED) {
        refused(self, op, answer);
    } else if (op->kind == ES_ROOM_JOIN) {
        joined(self, answer);
    } else if (op->kind == ES_ROOM_LEAVE) {
        msg.kind = TOLD_LEFT;
        self->over = true;
        tell(self, &msg, NULL, 0);
    } else if (op->kind == ES_ROOM_SAY) {
        ES_SET(&msg, ES_M_MSG_ID, msg_id, op->msg_id);
        tell(self, &msg, NULL, 0);
    } else {
        captioned(self, op);
    }
}

void member_say(member_t *self, const es_msg_t *said, const char *body, size_t len)
{
    static const es_kind_t kinds[] = {[SAY_LEAVE - SAY_BYE] = ES_ROOM_LEAVE,
                                      [SAY_TEXT - SAY_BYE] = ES_ROOM_SAY,
                                      [SAY_CAPTION - SAY_BYE] = ES_ROOM_CAPTION};
    es_msg_t op = *said;
    op.kind = kinds[said->kind - SAY_BYE];
    if (said->kind == SAY_LEAVE) self->leaving = true;
    if (said->kind == SAY_CAPTION) {
        es_msg_t partial = op;
        partial.kind = ES_ROOM_PARTIAL;
        operate(self, &partial, NULL, 0);
        if (sim_of(self)->off == SAFE_HOLD) captioned(self, &op);
    }
    operate(self, &op, body, len);
}

void member_answer(member_t *self, const es_msg_t *msg, const char *body, size_t len)
{
    if (msg->kind == ES_ROOM_EVENTS)
        page(self, msg, body, len);
    else
        es_room_outbox_answer(self->outbox, msg, body, len, sim_of(self)->world.now);
}

uint64_t member_tick(member_t *self)
{
    uint64_t now = sim_of(self)->world.now;
    if (now >= self->ask_due_us) ask_page(self);
    uint64_t at = sim_of(self)->off == SAFE_RESEND ? NEVER : es_room_outbox_tick(self->outbox, now);
    return at < self->ask_due_us ? at : self->ask_due_us;
}

/* ---- life */

member_t *member_new(edge_room_t *room, int client, uint64_t conn, const es_msg_t *join, uint64_t counted)
{
    static const es_room_outbox_ops_t ops = {.send = on_send, .answered = on_answered};
    member_t *self = es_alloc_zero(sizeof *self);
    *self = (member_t){.next = room->members, .room = room, .client = client, .conn = conn, .ask_due_us = NEVER};
    snprintf(self->id, sizeof self->id, "%.6s%010" PRIx64, room->sim->edges[room->edge].prefix, conn);
    snprintf(self->name, sizeof self->name, "%.*s", (int)join->name.len, join->name.ptr);
    self->ask_id = ++room->sim->edges[room->edge].begun << 32;
    self->has_since = ES_HAS(join, ES_M_RSEQ);
    self->since = join->rseq;
    self->since_log = join->log;
    self->outbox = es_room_outbox_new(&ops, self);
    es_room_outbox_begin_after(self->outbox, counted);
    room->members = self;
    operate(self, &(es_msg_t){.kind = ES_ROOM_JOIN}, NULL, 0);
    return self;
}

void member_destroy(member_t *self)
{
    member_t **link = &self->room->members;
    while (*link != self) link = &(*link)->next;
    *link = self->next;
    es_room_outbox_destroy(&self->outbox);
    free(self);
}
