#include "membership.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "edge_metrics.h"

enum {
    HISTORY = 50,      /* events that a newcomer gets */
    PAGE = 100,        /* events fetched at once in catching up */
    PAGE_ROOM = 65536, /* bytes waiting for the client above which no page is fetched */
    ASK_AGAIN_US = 500000,
    PARTIALS_BEHIND = 4, /* operations not answered above which partials are not worth it */
    CATCHING_ASK = 0
};
static const uint64_t outage_us = 5000000;

/* ---- sending */

static void sign(es_membership_t *self, es_msg_t *msg)
{
    ES_SET(msg, ES_M_CLIENT, client, es_span_of(self->client->id, ES_CLIENT_ID_LEN));
    ES_SET(msg, ES_M_SESSION, session, es_span(self->client->session));
}

static void outbox_send(void *ctx, const es_msg_t *op, const void *body, size_t len)
{
    es_edge_room_send(((es_membership_t *)ctx)->room, op, body, len);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* When this membership must be called next. */
static void rearm(es_membership_t *self)
{
    uint64_t at = es_room_outbox_tick(self->outbox, self->room->env->now_us);
    uint64_t since = es_room_outbox_since(self->outbox);
    if (since && !self->warned) at = earlier(at, since + outage_us);
    if (since && !es_membership_late(self)) at = earlier(at, since + self->room->env->limits.caption_us);
    for (int i = 0; i < ES_MEMBERSHIP_ASKS; i++)
        if (self->asks[i].kind) at = earlier(at, self->asks[i].due_us);
    es_edge_rooms_arm(self->room->rooms, self, at);
}

int es_membership_do(es_membership_t *self, es_msg_t *op, const void *body, size_t len)
{
    sign(self, op);
    ES_SET(op, ES_M_NAME, name, es_span(self->join.name));
    if (es_room_outbox_push(self->outbox, op, body, len, self->room->env->now_us) != 0) return -1;
    rearm(self);
    return 0;
}

uint64_t es_membership_last(const es_membership_t *self)
{
    return es_room_outbox_last(self->outbox);
}

bool es_membership_answered(const es_membership_t *self, uint64_t op)
{
    return es_room_outbox_answered(self->outbox, op);
}

bool es_membership_late(const es_membership_t *self)
{
    uint64_t since = es_room_outbox_since(self->outbox);
    return since && self->room->env->now_us >= since + self->room->env->limits.caption_us;
}

size_t es_membership_captions(const es_membership_t *self)
{
    return es_room_outbox_count_of(self->outbox, ES_ROOM_CAPTION);
}

void es_membership_partial(es_membership_t *self, es_msg_t *partial)
{
    if (self->state == ES_JOINING || es_room_outbox_count(self->outbox) > PARTIALS_BEHIND) return;
    sign(self, partial);
    ES_SET(partial, ES_M_NAME, name, es_span(self->join.name));
    es_edge_room_send(self->room, partial, NULL, 0);
}

static void send_ask(es_membership_t *self, es_ask_t *ask)
{
    es_msg_t msg = {.kind = ask->kind, .seq = ask->id};
    ES_SET(&msg, ES_M_CLIENT, client, es_span_of(self->client->id, ES_CLIENT_ID_LEN));
    if (ask->kind == ES_ROOM_FETCH) {
        ES_SET(&msg, ES_M_FROM, from_seq, ask->from);
        ES_SET(&msg, ES_M_COUNT, count, ask->count);
        if (ask != &self->asks[CATCHING_ASK]) ES_SET(&msg, ES_M_TO, to_seq, ask->from + ask->count - 1);
    }
    ask->due_us = self->room->env->now_us + ASK_AGAIN_US;
    es_edge_room_send(self->room, &msg, NULL, 0);
}

static void ask_with(es_membership_t *self, es_ask_t *ask, uint32_t kind, uint64_t from, uint64_t count)
{
    *ask = (es_ask_t){.kind = kind, .id = ++self->ask_id, .from = from, .count = count};
    send_ask(self, ask);
    rearm(self);
}

int es_membership_ask(es_membership_t *self, uint32_t kind, uint64_t from, uint64_t count)
{
    for (int i = CATCHING_ASK + 1; i < ES_MEMBERSHIP_ASKS; i++) {
        if (self->asks[i].kind) continue;
        ask_with(self, &self->asks[i], kind, from, count);
        return 0;
    }
    return -1;
}

/* ---- catching up */

static void go_live(es_membership_t *self, uint64_t place)
{
    self->state = ES_LIVE;
    self->place = place;
    self->room->catching--;
    if (place < es_fanout_log_end(self->room->log)) es_client_wake(self->client);
}

/* Live where the next event is in the fan-out log, or will be the next one there; older ones are fetched for this client alone. */
void es_membership_advance(es_membership_t *self)
{
    const es_edge_room_t *room = self->room;
    uint64_t place;
    if (self->state != ES_CATCHING_UP || self->client->closing || !es_room_follower_known(room->follower)) return;
    uint64_t at = es_room_follower_at(room->follower);
    if (self->log != es_room_follower_log(room->follower) || at < self->at) return;
    if (es_fanout_log_find(room->log, self->at + 1, &place))
        go_live(self, place);
    else if (at == self->at)
        go_live(self, es_fanout_log_end(room->log));
    else if (!self->asks[CATCHING_ASK].kind && es_frame_buf_size(&self->client->out) < PAGE_ROOM)
        ask_with(self, &self->asks[CATCHING_ASK], ES_ROOM_FETCH, self->at + 1, PAGE);
}

/* What has not come below this number was given up. */
static void skip_below(es_membership_t *self, uint64_t rseq)
{
    if (rseq <= self->at + 1) return;
    self->ops->gone(self, self->at + 1, rseq - 1);
    self->at = rseq - 1;
}

static void on_page(es_membership_t *self, const es_msg_t *answer, const es_room_event_t *events, size_t n)
{
    if (self->state != ES_CATCHING_UP || answer->log != self->log) return;
    skip_below(self, answer->floor);
    for (size_t i = 0; i < n; i++) {
        skip_below(self, events[i].rseq);
        if (events[i].rseq != self->at + 1) continue;
        self->ops->event(self, &events[i]);
        self->at++;
    }
    es_membership_advance(self);
}

/* Where a client that has just joined begins, and whether anything that it should get is gone. */
static bool begin_at(es_membership_t *self, const es_msg_t *done)
{
    uint64_t last = done->rseq, kept = done->floor ? done->floor - 1 : 0;
    uint64_t recent = last > HISTORY ? last - HISTORY : 0;
    const es_join_t *join = &self->join;
    bool usable = join->has_since && join->since <= last && (!join->has_log || join->log == done->log);
    uint64_t wanted = usable ? join->since : recent;
    self->log = done->log;
    self->at = wanted > kept ? wanted : kept;
    return usable ? kept <= wanted : !join->has_since && kept == 0;
}

static void on_joined(es_membership_t *self, const es_msg_t *done, const void *body, size_t len)
{
    es_room_member_t *members;
    int n = es_edge_rooms_members(self->room->rooms, body, len, &members);
    es_room_follower_state(self->room->follower, done->log, done->rseq, done->floor, self->room->env->now_us);
    bool complete = begin_at(self, done);
    self->state = ES_CATCHING_UP;
    self->room->catching++;
    self->ops->joined(self, done, members, n > 0 ? (size_t)n : 0, self->at + 1, complete);
    es_membership_advance(self);
    es_edge_rooms_touch(self->room->rooms, self->room);
}

/* ---- what comes */

static void outbox_answered(void *ctx, const es_msg_t *op, const es_msg_t *answer, const void *body, size_t len)
{
    es_membership_t *self = ctx;
    self->warned = false;
    if (answer->kind == ES_ROOM_REFUSED) {
        self->over = op->kind == ES_ROOM_JOIN || op->kind == ES_ROOM_LEAVE;
        self->ops->refused(self, op, answer->reason);
    } else if (op->kind == ES_ROOM_JOIN) {
        on_joined(self, answer, body, len);
    } else if (op->kind == ES_ROOM_LEAVE) {
        self->over = true;
        self->ops->left(self, answer);
    } else if (op->kind == ES_ROOM_SAY) {
        self->ops->said(self, op, answer->rseq);
    }
}

static void on_events(es_membership_t *self, const es_ask_t *ask, bool catching, const es_msg_t *msg, const void *body,
                      size_t len)
{
    es_room_event_t *events;
    int n = es_edge_rooms_events(self->room->rooms, body, len, &events);
    if (n < 0) n = 0;
    if (catching)
        on_page(self, msg, events, (size_t)n);
    else
        self->ops->history(self, ask, msg, events, (size_t)n);
}

static void on_present(es_membership_t *self, const es_msg_t *msg, const void *body, size_t len)
{
    es_room_member_t *members;
    int n = es_edge_rooms_members(self->room->rooms, body, len, &members);
    if (n >= 0) self->ops->present(self, msg, members, (size_t)n);
}

static void answer_ask(es_membership_t *self, const es_msg_t *msg, const void *body, size_t len)
{
    uint32_t kind = msg->kind == ES_ROOM_EVENTS ? ES_ROOM_FETCH : ES_ROOM_WHO;
    for (int i = 0; i < ES_MEMBERSHIP_ASKS; i++) {
        es_ask_t ask = self->asks[i];
        if (ask.kind != kind || ask.id != msg->seq) continue;
        self->asks[i].kind = 0;
        if (kind == ES_ROOM_FETCH)
            on_events(self, &ask, i == CATCHING_ASK, msg, body, len);
        else
            on_present(self, msg, body, len);
        return;
    }
}

void es_membership_receive(es_membership_t *self, const es_msg_t *msg, const void *body, size_t len)
{
    if (msg->kind == ES_ROOM_DONE || msg->kind == ES_ROOM_REFUSED)
        es_room_outbox_answer(self->outbox, msg, body, len, self->room->env->now_us);
    else if (msg->kind == ES_ROOM_EVENTS || msg->kind == ES_ROOM_PRESENT)
        answer_ask(self, msg, body, len);
    if (self->over)
        es_membership_destroy(&self);
    else
        rearm(self);
}

void es_membership_tick(es_membership_t *self)
{
    uint64_t now = self->room->env->now_us, since = es_room_outbox_since(self->outbox);
    if (since && !self->warned && now >= since + outage_us) {
        self->warned = true;
        self->ops->unavailable(self);
    }
    if (es_membership_late(self)) self->ops->late(self);
    for (int i = 0; i < ES_MEMBERSHIP_ASKS; i++)
        if (self->asks[i].kind && now >= self->asks[i].due_us) send_ask(self, &self->asks[i]);
    rearm(self);
}

void es_membership_kick(es_membership_t *self)
{
    es_room_outbox_kick(self->outbox, self->room->env->now_us);
    rearm(self);
}

/* ---- life */

es_membership_t *es_membership_new(es_client_t *client, es_edge_room_t *room, const es_membership_ops_t *ops,
                                   const es_join_t *join)
{
    static const es_room_outbox_ops_t outbox_ops = {.send = outbox_send, .answered = outbox_answered};
    es_membership_t *self = es_alloc_zero(sizeof *self);
    self->room = room;
    self->client = client;
    self->behind_us = UINT64_MAX;
    self->ask_id = es_edge_rooms_asked(room->rooms);
    self->ops = ops;
    self->join = *join;
    self->outbox = es_room_outbox_new(&outbox_ops, self);
    es_room_outbox_begin_after(self->outbox, client->envelope.operations);
    self->next = client->memberships;
    client->memberships = self;
    LIST_INSERT_HEAD(&room->members, self, in_room);
    room->count++;
    es_metric_add(&es_edge_room_members, 1);
    es_membership_do(self, &(es_msg_t){.kind = ES_ROOM_JOIN}, NULL, 0);
    return self;
}

void es_membership_destroy(es_membership_t **self_p)
{
    es_membership_t *self = *self_p;
    *self_p = NULL;
    es_edge_room_t *room = self->room;
    es_membership_t **link = &self->client->memberships;
    while (*link != self) link = &(*link)->next;
    *link = self->next;
    LIST_REMOVE(self, in_room);
    room->count--;
    if (self->state == ES_CATCHING_UP) room->catching--;
    es_metric_add(&es_edge_room_members, UINT64_MAX); /* one less */
    es_edge_rooms_disarm(room->rooms, self);
    self->client->envelope.pending = (uint16_t)(self->client->envelope.pending - self->says);
    uint64_t last = es_room_outbox_last(self->outbox);
    if (last > self->client->envelope.operations) self->client->envelope.operations = last;
    es_room_outbox_destroy(&self->outbox);
    free(self);
    if (room->count)
        es_edge_room_announce_soon(room);
    else
        es_edge_rooms_release(room->rooms, room);
}

es_membership_t *es_membership_find(const es_client_t *client, es_span_t room)
{
    es_membership_t *member = client->memberships;
    while (member && !es_span_eq(es_edge_room_id(member->room), room)) member = member->next;
    return member;
}

void es_membership_leave(es_membership_t *self)
{
    self->leaving = true;
    if (es_membership_do(self, &(es_msg_t){.kind = ES_ROOM_LEAVE}, NULL, 0) != 0) self->leaving = false;
}

void es_membership_rejoin(es_membership_t *self)
{
    if (self->state == ES_JOINING || self->client->closing) return;
    es_membership_unload(self);
    if (self->state == ES_CATCHING_UP) self->room->catching--;
    self->state = ES_JOINING; /* and hears nothing of the new log before it has joined it */
    self->join.has_since = self->join.has_log = false;
    self->asks[CATCHING_ASK].kind = 0;
    if (self->leaving) return;
    if (es_membership_do(self, &(es_msg_t){.kind = ES_ROOM_JOIN}, NULL, 0) != 0) es_client_cull(self->client);
}

/* ---- what waits for the client */

void es_membership_unload(es_membership_t *self)
{
    const uint8_t *data;
    for (size_t n; !self->client->closing && (n = es_membership_pending(self, &data)) != 0;) {
        es_frame_buf_append(&self->client->out, data, n);
        es_membership_written(self, n);
        es_client_wake(self->client);
    }
}

size_t es_membership_pending(const es_membership_t *self, const uint8_t **out)
{
    return self->state == ES_LIVE ? es_fanout_log_read(self->room->log, self->place, out) : 0;
}

void es_membership_written(es_membership_t *self, size_t n)
{
    self->place += n;
    uint64_t end = es_fanout_log_end(self->room->log);
    assert(self->place <= end);
    if (end - self->place <= self->room->limits->backlog) self->behind_us = UINT64_MAX;
    es_metric_add(&es_edge_room_bytes, n);
}
