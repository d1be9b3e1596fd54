/* Who is there: what edges say of their members, and what their silence says. */
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "room_state.h"

void es_room_heard(es_room_t *self, const es_msg_t *msg, es_room_now_t now)
{
    es_room_edge_t *edge = es_room_members_edge(&self->members, msg->client);
    es_room_seated_t *member = es_room_members_find(&self->members, msg->session);
    if (edge) edge->heard_us = now.us;
    if (member && es_span_eq(es_room_seated_client(member), msg->client)) es_room_members_back(&self->members, member);
}

/* ---- lists of an edge */

/* Is there a place for who is listed and no member? */
static bool may_sit(es_room_t *self, const es_room_seat_t *seat)
{
    if (es_room_members_left(&self->members, seat->client)) return false; /* the list is older than its LEAVE */
    if (self->members.count < self->shared->members_max) return true;
    self->shared->stats.not_seated++;
    return false;
}

static void list_member(es_room_t *self, const es_room_seat_t *seat, es_room_now_t now)
{
    es_room_seated_t *member = es_room_members_find(&self->members, seat->session);
    if (!member && may_sit(self, seat)) {
        es_room_sit(self, seat, now);
        member = es_room_members_find(&self->members, seat->session);
    } else if (member && member->away && !es_span_eq(es_room_seated_client(member), seat->client)) {
        es_room_move(self, member, seat->client, 0, now);
    }
    if (!member || !es_span_eq(es_room_seated_client(member), seat->client)) return; /* or present through another */
    es_room_members_back(&self->members, member);
    member->listed = self->lists;
}

static void not_listed_are_away(es_room_t *self, const es_room_edge_t *edge, es_room_now_t now)
{
    for (es_room_seated_t *member = edge ? edge->first : NULL; member; member = member->next)
        if (member->listed != self->lists) es_room_members_away(&self->members, member, now.us);
}

void es_room_list(es_room_t *self, const es_room_request_t *rq)
{
    size_t max = rq->body.len / 4 + 1; /* a row has at least four bytes */
    if (max > ES_ROOM_ROWS_MAX) max = ES_ROOM_ROWS_MAX;
    es_room_member_t *rows = es_alloc(max * sizeof *rows);
    int n = es_room_members_decode(self->shared->decoder, rq->body.ptr, rq->body.len, rows, max);
    if (n < 0) self->shared->stats.malformed++;
    if (n >= 0) self->lists++;
    for (int i = 0; i < n; i++) {
        es_room_seat_t seat = {.session = rows[i].session, .client = rows[i].client, .name = rows[i].name};
        bool own = es_room_seat_valid(&seat) && memcmp(seat.client.ptr, rq->msg->client.ptr, ES_PREFIX_LEN) == 0;
        if (own)
            list_member(self, &seat, rq->now);
        else
            self->shared->stats.malformed++;
    }
    free(rows);
    if (n < 0) return;
    not_listed_are_away(self, es_room_members_edge(&self->members, rq->msg->client), rq->now);
    es_msg_t answer = es_room_answer(self, ES_ROOM_STATE, rq);
    es_room_say(self, rq, &answer, NULL, 0);
}

/* ---- time */

static uint64_t silent_edges(es_room_t *self, es_room_now_t now)
{
    uint64_t next = UINT64_MAX;
    for (es_room_edge_t *edge = self->members.edges; edge; edge = edge->next) {
        uint64_t due = edge->heard_us + self->shared->silence_us;
        if (edge->present == 0) continue;
        if (now.us < due)
            next = es_room_sooner(next, due);
        else
            for (es_room_seated_t *m = edge->first; m; m = m->next) es_room_members_away(&self->members, m, now.us);
    }
    return next;
}

static uint64_t leave_away(es_room_t *self, es_room_now_t now)
{
    uint64_t next = UINT64_MAX;
    unsigned left = 0;
    if (self->members.away == 0) return next;
    for (size_t i = self->members.count; i-- > 0;) {
        es_room_seated_t *member = self->members.all[i];
        uint64_t due = member->away_us + self->shared->grace_us;
        if (!member->away) continue;
        if (now.us < due)
            next = es_room_sooner(next, due);
        else if (left++ < ES_ROOM_LEAVES_A_TURN)
            es_room_stand(self, member, now);
        else
            return now.us;
    }
    return next;
}

uint64_t es_room_presence(es_room_t *self, es_room_now_t now)
{
    uint64_t next = silent_edges(self, now);
    return es_room_sooner(next, leave_away(self, now));
}
