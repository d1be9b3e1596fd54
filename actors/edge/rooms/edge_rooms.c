#include "edge_rooms.h"

#include <assert.h>
#include <stdlib.h>

#include "alloc.h"
#include "edge_metrics.h"
#include "edge_room.h"
#include "keymap.h"
#include "log.h"
#include "membership.h"

enum { TIMERS_A_TURN = 4096 };

struct es_edge_rooms {
    es_edge_rooms_limits_t limits;
    es_edge_rooms_ops_t ops;
    es_client_env_t *env;
    const char *own_key;
    es_keymap_t *by_id;
    es_timers_t timers, member_timers;
    es_edge_room_t *fresh; /* something came for these in this turn */
    es_decoder_t *decoder;
    es_room_event_t *events;
    es_room_member_t *members;
    uint64_t askers; /* rooms and memberships so far */
};

es_edge_rooms_t *es_edge_rooms_new(const es_edge_rooms_limits_t *limits, const es_edge_rooms_ops_t *ops,
                                   es_client_env_t *env, const char *own_key)
{
    es_edge_rooms_t *self = es_alloc_zero(sizeof *self);
    self->limits = *limits;
    self->ops = *ops;
    self->env = env;
    self->own_key = own_key;
    self->by_id = es_keymap_new();
    self->decoder = es_decoder_new();
    return self;
}

void es_edge_rooms_destroy(es_edge_rooms_t **self_p)
{
    es_edge_rooms_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    assert(es_keymap_count(self->by_id) == 0);
    es_keymap_destroy(&self->by_id);
    es_timers_fini(&self->timers);
    es_timers_fini(&self->member_timers);
    es_decoder_destroy(&self->decoder);
    free(self->events);
    free(self->members);
    free(self);
}

es_edge_room_t *es_edge_rooms_need(es_edge_rooms_t *self, es_span_t id)
{
    es_edge_room_t *room = es_keymap_get(self->by_id, id);
    if (room) return room;
    if (es_keymap_count(self->by_id) >= self->limits.max_rooms) return NULL;
    room = es_edge_room_new(self, &self->ops, &self->limits, self->env, self->own_key, id);
    es_keymap_put(self->by_id, id, room);
    es_metric_set(&es_edge_rooms_open, es_keymap_count(self->by_id));
    es_timers_arm(&self->timers, &room->timer, room->sync_us);
    return room;
}

static void forget_fresh(es_edge_rooms_t *self, es_edge_room_t *room)
{
    for (es_edge_room_t **link = &self->fresh; room->fresh && *link; link = &(*link)->next_fresh) {
        if (*link != room) continue;
        *link = room->next_fresh;
        return;
    }
}

void es_edge_rooms_release(es_edge_rooms_t *self, es_edge_room_t *room)
{
    forget_fresh(self, room);
    es_keymap_remove(self->by_id, es_edge_room_id(room));
    es_timers_disarm(&self->timers, &room->timer);
    es_edge_room_destroy(&room);
    es_metric_set(&es_edge_rooms_open, es_keymap_count(self->by_id));
}

uint64_t es_edge_rooms_asked(es_edge_rooms_t *self)
{
    return ++self->askers << 32;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

void es_edge_rooms_touch(es_edge_rooms_t *self, es_edge_room_t *room)
{
    uint64_t at = es_room_follower_tick(room->follower, self->env->now_us);
    es_timers_arm(&self->timers, &room->timer, earlier(at, room->sync_us));
    if (room->fresh) return;
    room->fresh = true;
    room->next_fresh = self->fresh;
    self->fresh = room;
}

void es_edge_rooms_news(es_edge_rooms_t *self, es_span_t id, const es_msg_t *msg, const void *body, size_t len)
{
    es_edge_room_t *room = es_keymap_get(self->by_id, id);
    if (!room) return; /* its last member has just left */
    es_edge_room_news(room, msg, body, len);
    es_edge_rooms_touch(self, room);
}

void es_edge_rooms_answer(es_edge_rooms_t *self, const es_msg_t *msg, const void *body, size_t len)
{
    es_edge_room_t *room = es_keymap_get(self->by_id, msg->room);
    if (!room) return;
    es_edge_room_answer(room, msg, body, len);
    es_edge_rooms_touch(self, room);
}

void es_edge_rooms_arm(es_edge_rooms_t *self, es_membership_t *member, uint64_t at)
{
    es_timers_arm(&self->member_timers, &member->timer, at);
}

void es_edge_rooms_disarm(es_edge_rooms_t *self, es_membership_t *member)
{
    es_timers_disarm(&self->member_timers, &member->timer);
}

uint64_t es_edge_rooms_turn(es_edge_rooms_t *self)
{
    es_timer_t *timer;
    for (int i = 0; i < TIMERS_A_TURN && (timer = es_timers_due(&self->member_timers, self->env->now_us)); i++)
        es_membership_tick((es_membership_t *)((char *)timer - offsetof(es_membership_t, timer)));
    for (int i = 0; i < TIMERS_A_TURN && (timer = es_timers_due(&self->timers, self->env->now_us)); i++) {
        es_edge_room_t *room = (es_edge_room_t *)((char *)timer - offsetof(es_edge_room_t, timer));
        es_edge_room_tick(room);
        es_edge_rooms_touch(self, room);
    }
    while (self->fresh) {
        es_edge_room_t *room = self->fresh;
        self->fresh = room->next_fresh;
        room->fresh = false;
        es_edge_room_wake(room);
        es_timers_arm(&self->timers, &room->timer, room->sync_us);
    }
    return earlier(es_timers_next(&self->timers), es_timers_next(&self->member_timers));
}

void es_edge_rooms_brokers_changed(es_edge_rooms_t *self)
{
    es_edge_room_t *room;
    for (size_t at = 0; (room = es_keymap_next(self->by_id, &at));) {
        es_membership_t *member;
        es_edge_room_announce_soon(room);
        LIST_FOREACH(member, &room->members, in_room) es_membership_kick(member);
    }
}

static int counted(int n)
{
    if (n >= 0) return n;
    es_metric_add(&es_edge_room_malformed, 1);
    es_log_warn("a room actor's message was dropped: its list is malformed");
    return n;
}

int es_edge_rooms_events(es_edge_rooms_t *self, const void *body, size_t len, es_room_event_t **events)
{
    if (!self->events) self->events = es_alloc(ES_ROOM_ROWS_MAX * sizeof *self->events);
    *events = self->events;
    return counted(es_room_events_decode(self->decoder, body, len, self->events, ES_ROOM_ROWS_MAX));
}

int es_edge_rooms_members(es_edge_rooms_t *self, const void *body, size_t len, es_room_member_t **members)
{
    if (!self->members) self->members = es_alloc(ES_ROOM_ROWS_MAX * sizeof *self->members);
    *members = self->members;
    return counted(es_room_members_decode(self->decoder, body, len, self->members, ES_ROOM_ROWS_MAX));
}
