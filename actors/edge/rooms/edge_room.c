#include "edge_room.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "edge_metrics.h"
#include "log.h"
#include "membership.h"
#include "room_json.h"

enum {
    SYNC_US = 2000000,      /* members are announced so often */
    FIRST_SYNC_US = 100000, /* what was said before the subscription arrived is noticed then */
    SOON_US = 50000,        /* for company: many members come and go at once */
    KEEP = 65536,           /* bytes of the log kept for members who come later */
    LOOK_EACH = 16384,      /* bytes between two looks at what nobody needs */
    PATIENCE_US = 2000000,  /* more than the backlog may wait for a member so long */
    BURST = 8               /* and never more than so many times the backlog */
};

/* ---- the log */

static void append(es_edge_room_t *self, es_frame_buf_t *frame, size_t place, uint64_t rseq)
{
    uint8_t *bytes;
    es_frame_end(frame, place);
    size_t n = es_frame_buf_peek(frame, SIZE_MAX, &bytes);
    es_fanout_log_append(self->log, bytes, n, rseq);
    es_frame_buf_clear(frame);
}

static void on_event(void *ctx, const es_room_event_t *event)
{
    es_edge_room_t *self = ctx;
    es_frame_buf_t frame = {0};
    size_t place = es_frame_begin(&frame);
    es_room_json_event(&frame, es_edge_room_id(self), event, self->env->wall_ms);
    append(self, &frame, place, event->rseq);
    es_metric_add(&es_edge_room_events, 1);
}

static void on_fetch(void *ctx, uint64_t id, uint64_t from, uint64_t count)
{
    es_edge_room_t *self = ctx;
    es_msg_t msg = {.kind = ES_ROOM_FETCH, .seq = id};
    ES_SET(&msg, ES_M_CLIENT, client, es_span(self->own_key));
    ES_SET(&msg, ES_M_FROM, from_seq, from);
    ES_SET(&msg, ES_M_COUNT, count, count);
    es_metric_add(&es_edge_room_fetches, 1);
    es_edge_room_send(self, &msg, NULL, 0);
}

static void on_missed(void *ctx, uint64_t from, uint64_t to)
{
    es_edge_room_t *self = ctx;
    es_log_warn("events of a room were given up before they came here; its members are told",
                ES_B("room", self->id, self->id_len), ES_U("from", from), ES_U("to", to));
    es_frame_buf_t frame = {0};
    size_t place = es_frame_begin(&frame);
    es_room_json_gap(&frame, es_edge_room_id(self), es_room_follower_log(self->follower), from, to, self->env->wall_ms);
    append(self, &frame, place, 0);
    es_metric_add(&es_edge_room_gaps, 1);
}

static void on_reset(void *ctx, uint64_t log)
{
    es_edge_room_t *self = ctx;
    es_membership_t *member;
    (void)log;
    es_log_warn("a room goes on in another log; its members join it anew", ES_B("room", self->id, self->id_len));
    es_metric_add(&es_edge_room_gaps, 1);
    LIST_FOREACH(member, &self->members, in_room) es_membership_rejoin(member);
    es_fanout_log_forget_numbers(self->log);
}

/* ---- life */

es_edge_room_t *es_edge_room_new(es_edge_rooms_t *rooms, const es_edge_rooms_ops_t *ops,
                                 const es_edge_rooms_limits_t *limits, es_client_env_t *env, const char *own_key,
                                 es_span_t id)
{
    static const es_room_follower_ops_t follower_ops = {
        .event = on_event, .fetch = on_fetch, .missed = on_missed, .reset = on_reset};
    es_edge_room_t *self = es_alloc_zero(sizeof *self);
    es_room_follower_config_t config = es_room_follower_defaults();
    config.asked = es_edge_rooms_asked(rooms);
    self->rooms = rooms;
    self->ops = ops;
    self->limits = limits;
    self->env = env;
    self->own_key = own_key;
    self->id_len = id.len;
    memcpy(self->id, id.ptr, id.len);
    self->key_len = es_room_key(self->key, id);
    self->follower = es_room_follower_new(&config, &follower_ops, self);
    self->log = es_fanout_log_new();
    self->sync_us = env->now_us + FIRST_SYNC_US;
    ops->subscribe(ops->ctx, es_edge_room_key_of(self), true);
    return self;
}

static void announce(es_edge_room_t *self)
{
    es_room_member_t *list = es_alloc((self->count + 1) * sizeof *list);
    es_membership_t *member;
    size_t n = 0, bound = 16;
    LIST_FOREACH(member, &self->members, in_room)
    {
        if (member->leaving) continue;
        list[n] = (es_room_member_t){.client = es_span_of(member->client->id, ES_CLIENT_ID_LEN),
                                     .session = es_span(member->client->session),
                                     .name = es_span(member->join.name)};
        bound += 16 + ES_CLIENT_ID_LEN + ES_SESSION_MAX + list[n++].name.len;
    }
    char *body = es_alloc(bound);
    size_t len = es_room_members_encode(list, n, body, bound);
    es_msg_t msg = {.kind = ES_ROOM_MEMBERS};
    ES_SET(&msg, ES_M_CLIENT, client, es_span(self->own_key));
    es_edge_room_send(self, &msg, body, len);
    free(body);
    free(list);
}

void es_edge_room_destroy(es_edge_room_t **self_p)
{
    es_edge_room_t *self = *self_p;
    *self_p = NULL;
    assert(LIST_EMPTY(&self->members));
    announce(self);
    self->ops->subscribe(self->ops->ctx, es_edge_room_key_of(self), false);
    es_room_follower_destroy(&self->follower);
    es_fanout_log_destroy(&self->log);
    free(self);
}

es_span_t es_edge_room_id(const es_edge_room_t *self)
{
    return es_span_of(self->id, self->id_len);
}

es_span_t es_edge_room_key_of(const es_edge_room_t *self)
{
    return es_span_of(self->key, self->key_len);
}

void es_edge_room_send(es_edge_room_t *self, const es_msg_t *msg, const void *body, size_t len)
{
    self->ops->send(self->ops->ctx, es_edge_room_key_of(self), msg, body, len);
}

/* ---- what comes */

void es_edge_room_news(es_edge_room_t *self, const es_msg_t *msg, const void *body, size_t len)
{
    es_room_event_t *events;
    int n = es_edge_rooms_events(self->rooms, body, len, &events);
    if (n < 0) return;
    es_room_follower_news(self->follower, msg->log, events, (size_t)n, self->env->now_us);
    if (es_room_follower_wants_state(self->follower)) es_edge_room_announce_soon(self);
}

void es_edge_room_answer(es_edge_room_t *self, const es_msg_t *msg, const void *body, size_t len)
{
    es_room_event_t *events;
    if (msg->kind == ES_ROOM_STATE) {
        es_room_follower_state(self->follower, msg->log, msg->rseq, msg->floor, self->env->now_us);
        return;
    }
    int n = msg->kind == ES_ROOM_EVENTS ? es_edge_rooms_events(self->rooms, body, len, &events) : -1;
    if (n < 0) return;
    es_room_follower_fetched(self->follower, msg->log, msg->seq, msg->rseq, msg->floor, events, (size_t)n,
                             self->env->now_us);
}

/* ---- time */

void es_edge_room_tick(es_edge_room_t *self)
{
    if (self->env->now_us < self->sync_us) return;
    announce(self);
    self->sync_us = self->env->now_us + SYNC_US;
}

void es_edge_room_announce_soon(es_edge_room_t *self)
{
    uint64_t soon = self->env->now_us + SOON_US;
    if (soon >= self->sync_us) return;
    self->sync_us = soon;
    es_edge_rooms_touch(self->rooms, self);
}

/* Does it read too slowly? A burst alone is nobody's fault: more than the backlog must wait for some time. */
static bool too_slow(const es_edge_room_t *self, es_membership_t *member)
{
    if (es_fanout_log_end(self->log) - member->place <= self->limits->backlog) return false;
    if (member->behind_us > self->env->now_us) member->behind_us = self->env->now_us;
    return self->env->now_us - member->behind_us >= PATIENCE_US;
}

static void trim(es_edge_room_t *self)
{
    uint64_t end = es_fanout_log_end(self->log), needed = end;
    es_membership_t *member;
    if (end - self->trimmed_end < LOOK_EACH) return;
    self->trimmed_end = end;
    LIST_FOREACH(member, &self->members, in_room)
    {
        if (member->state != ES_LIVE || member->client->closing) continue;
        if (too_slow(self, member))
            es_client_cull(member->client);
        else if (member->place < needed)
            needed = member->place;
    }
    es_fanout_log_trim(self->log, needed, KEEP, self->limits->backlog * BURST);
    if (needed >= es_fanout_log_begin(self->log)) return;
    LIST_FOREACH(member, &self->members, in_room)
    {
        bool late = member->state == ES_LIVE && member->place < es_fanout_log_begin(self->log);
        if (late && !member->client->closing) es_client_cull(member->client);
    }
}

void es_edge_room_wake(es_edge_room_t *self)
{
    es_membership_t *member;
    trim(self);
    LIST_FOREACH(member, &self->members, in_room)
    {
        if (self->catching) es_membership_advance(member);
        if (member->state == ES_LIVE && member->place < es_fanout_log_end(self->log)) es_client_push(member->client);
    }
}
