#include "room_members.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

void es_room_members_init(es_room_members_t *self, uint64_t seed, uint64_t *forgotten)
{
    *self = (es_room_members_t){.by_session = es_map_new(seed), .forgotten = forgotten};
}

void es_room_members_fini(es_room_members_t *self)
{
    es_room_departed_t *departed;
    for (size_t i = 0; i < self->count; i++) free(self->all[i]);
    while (self->edges) {
        es_room_edge_t *edge = self->edges;
        self->edges = edge->next;
        free(edge);
    }
    while ((departed = es_ring_pop(&self->departed))) free(departed);
    es_ring_fini(&self->departed);
    es_map_destroy(&self->by_session);
    free(self->all);
}

es_room_seated_t *es_room_members_find(const es_room_members_t *self, es_span_t session)
{
    return es_map_get(self->by_session, session);
}

/* ---- clients that are no members */

static es_room_departed_t *departed_of(const es_room_members_t *self, es_span_t client)
{
    for (uint64_t i = self->departed.count; i-- > 0;) {
        es_room_departed_t *departed = es_ring_at(&self->departed, i);
        if (departed && memcmp(departed->client, client.ptr, sizeof departed->client) == 0) return departed;
    }
    return NULL;
}

static void remember(es_room_members_t *self, es_span_t client, uint64_t operation, bool left)
{
    es_room_departed_t *departed = departed_of(self, client);
    if (!departed) {
        if (self->departed.count >= ES_ROOM_DEPARTED) {
            free(es_ring_pop(&self->departed));
            ++*self->forgotten;
        }
        departed = es_alloc_zero(sizeof *departed);
        memcpy(departed->client, client.ptr, sizeof departed->client);
        es_ring_push(&self->departed, departed);
    }
    if (operation > departed->operation) departed->operation = operation;
    departed->left = left;
}

uint64_t es_room_members_taken(const es_room_members_t *self, const es_room_seated_t *member, es_span_t client)
{
    if (member && es_span_eq(es_room_seated_client(member), client)) return member->operation;
    const es_room_departed_t *departed = departed_of(self, client);
    return departed ? departed->operation : 0;
}

void es_room_members_take(es_room_members_t *self, es_room_seated_t *member, es_span_t client, uint64_t operation)
{
    if (member && es_span_eq(es_room_seated_client(member), client))
        member->operation = operation;
    else
        remember(self, client, operation, es_room_members_left(self, client));
}

void es_room_members_leave(es_room_members_t *self, es_span_t client, uint64_t operation)
{
    remember(self, client, operation, true);
}

bool es_room_members_left(const es_room_members_t *self, es_span_t client)
{
    const es_room_departed_t *departed = departed_of(self, client);
    return departed && departed->left;
}

/* ---- edges */

es_room_edge_t *es_room_members_edge(const es_room_members_t *self, es_span_t client)
{
    es_room_edge_t *edge = self->edges;
    while (edge && memcmp(edge->prefix, client.ptr, ES_PREFIX_LEN) != 0) edge = edge->next;
    return edge;
}

static void enter_edge(es_room_members_t *self, es_room_seated_t *member, uint64_t now_us)
{
    es_room_edge_t *edge = es_room_members_edge(self, es_room_seated_client(member));
    if (!edge) {
        edge = es_alloc_zero(sizeof *edge);
        memcpy(edge->prefix, member->client, ES_PREFIX_LEN);
        edge->heard_us = now_us;
        edge->next = self->edges;
        self->edges = edge;
    }
    member->edge = edge;
    member->prev = NULL;
    member->next = edge->first;
    if (edge->first) edge->first->prev = member;
    edge->first = member;
    if (!member->away) edge->present++;
}

static void leave_edge(es_room_members_t *self, es_room_seated_t *member)
{
    es_room_edge_t *edge = member->edge;
    *(member->prev ? &member->prev->next : &edge->first) = member->next;
    if (member->next) member->next->prev = member->prev;
    if (!member->away) edge->present--;
    if (edge->first) return;
    es_room_edge_t **link = &self->edges;
    while (*link != edge) link = &(*link)->next;
    *link = edge->next;
    free(edge);
}

/* ---- members */

/* The client is a member again. Returns its last operation. */
static uint64_t come_back(es_room_members_t *self, es_span_t client)
{
    es_room_departed_t *departed = departed_of(self, client);
    if (departed) departed->left = false;
    return departed ? departed->operation : 0;
}

static void push(es_room_members_t *self, es_room_seated_t *member)
{
    if (self->count == self->cap) {
        self->cap = self->cap ? 2 * self->cap : 8;
        es_room_seated_t **all = es_alloc(self->cap * sizeof(void *));
        if (self->count > 0) memcpy(all, self->all, self->count * sizeof(void *));
        free(self->all);
        self->all = all;
    }
    member->at = self->count;
    self->all[self->count++] = member;
}

es_room_seated_t *es_room_members_add(es_room_members_t *self, const es_room_seat_t *seat, uint64_t now_us)
{
    assert(seat->client.len == ES_CLIENT_ID_LEN && seat->session.len <= ES_SESSION_MAX &&
           seat->name.len <= ES_NAME_MAX);
    es_room_seated_t *member = es_alloc_zero(sizeof *member + seat->session.len + seat->name.len);
    memcpy(member->client, seat->client.ptr, sizeof member->client);
    member->session_len = (uint8_t)seat->session.len;
    member->name_len = (uint8_t)seat->name.len;
    memcpy(member->text, seat->session.ptr, seat->session.len);
    memcpy(member->text + seat->session.len, seat->name.ptr, seat->name.len);
    uint64_t taken = come_back(self, seat->client);
    member->operation = seat->operation ? seat->operation : taken;
    push(self, member);
    es_map_put(self->by_session, es_room_seated_session(member), member);
    enter_edge(self, member, now_us);
    return member;
}

void es_room_members_move(es_room_members_t *self, es_room_seated_t *member, es_span_t client, uint64_t now_us)
{
    remember(self, es_room_seated_client(member), member->operation, false);
    es_room_members_back(self, member);
    leave_edge(self, member);
    member->operation = come_back(self, client);
    memcpy(member->client, client.ptr, sizeof member->client);
    enter_edge(self, member, now_us);
}

void es_room_members_remove(es_room_members_t *self, es_room_seated_t *member)
{
    remember(self, es_room_seated_client(member), member->operation, false);
    if (member->away) self->away--;
    leave_edge(self, member);
    es_map_remove(self->by_session, es_room_seated_session(member));
    self->all[member->at] = self->all[--self->count];
    self->all[member->at]->at = member->at;
    free(member);
}

void es_room_members_away(es_room_members_t *self, es_room_seated_t *member, uint64_t now_us)
{
    if (member->away) return;
    member->away = true;
    member->away_us = now_us;
    member->edge->present--;
    self->away++;
}

void es_room_members_back(es_room_members_t *self, es_room_seated_t *member)
{
    if (!member->away) return;
    member->away = false;
    member->edge->present++;
    self->away--;
}
