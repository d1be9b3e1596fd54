/* Edges: for each room with members a real follower; lists of members every two seconds; a broker chosen by its beacons. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "rooms_sim.h"

enum { SYNC_US = 2000000, FIRST_SYNC_US = 100000, SOON_US = 50000, BEACON_US = 2000000, ROWS = 64, LISTED = 512 };

void edge_own_key(const edge_t *edge, char key[ES_CLIENT_ID_LEN + 1])
{
    snprintf(key, ES_CLIENT_ID_LEN + 1, "%.6s0000000000", edge->prefix);
}

/* ---- to the room's actor */

static bool fresh(const sim_t *sim, const edge_t *edge, int b)
{
    return sim->world.now < edge->heard_us[b] + BEACON_US;
}

static int choose_broker(const sim_t *sim, const edge_t *edge, uint64_t conn)
{
    int best = -1;
    uint64_t most = 0;
    for (int b = 0; b < sim->plan.brokers; b++) {
        uint64_t weight = world_mix(conn << 8 ^ (uint64_t)b) >> 1;
        if (fresh(sim, edge, b)) weight |= UINT64_C(1) << 63;
        if (best >= 0 && weight < most) continue;
        most = weight;
        best = b;
    }
    return best;
}

void edge_request(edge_room_t *room, uint64_t conn, const es_msg_t *msg, const void *body, size_t len)
{
    sim_t *sim = room->sim;
    char key[ES_KEY_MAX], id[] = {'r', (char)('0' + room->id)};
    size_t n = es_room_key(key, es_span_of(id, sizeof id));
    int b = choose_broker(sim, &sim->edges[room->edge], conn);
    network_send(sim, packet_new(NODE_EDGE + room->edge, NODE_BROKER + b, es_span_of(key, n), msg, body, len), 0);
}

static void announce(edge_room_t *room)
{
    es_room_member_t rows[LISTED];
    char sessions[CLIENTS][32], key[ES_CLIENT_ID_LEN + 1], body[LISTED * 80];
    size_t n = 0;
    for (const member_t *m = room->members; m; m = m->next) {
        if (m->leaving) continue;
        client_session(m->client, sessions[m->client]);
        rows[n] = (es_room_member_t){es_span(m->id), es_span(sessions[m->client]), es_span(m->name)};
        assert(++n < LISTED);
    }
    edge_own_key(&room->sim->edges[room->edge], key);
    es_msg_t msg = {.kind = ES_ROOM_MEMBERS};
    ES_SET(&msg, ES_M_CLIENT, client, es_span(key));
    room->sync_us = room->sim->world.now + SYNC_US;
    if (room->sim->off != SAFE_ANNOUNCE)
        edge_request(room, 0, &msg, body, es_room_members_encode(rows, n, body, sizeof body));
}

void edge_announce_soon(edge_room_t *room)
{
    uint64_t soon = room->sim->world.now + SOON_US;
    if (soon < room->sync_us) room->sync_us = soon;
    node_arm(room->sim, NODE_EDGE + room->edge, EV_EDGE, room->sync_us);
}

/* ---- what the follower gives out */

static void forget_recent(edge_room_t *room, uint32_t keep)
{
    while (room->recent.count > keep) free(es_ring_pop(&room->recent));
}

static void on_event(void *ctx, const es_room_event_t *event)
{
    edge_room_t *room = ctx;
    if (event->rseq > 0) {
        if (room->recent.count == ROWS) forget_recent(room, ROWS / 2);
        es_ring_push(&room->recent, row_new(event));
    }
    for (member_t *m = room->members; m; m = m->next) member_event(m, event);
}

static void on_fetch(void *ctx, uint64_t id, uint64_t from, uint64_t count)
{
    edge_room_t *room = ctx;
    char key[ES_CLIENT_ID_LEN + 1];
    edge_own_key(&room->sim->edges[room->edge], key);
    es_msg_t msg = {.kind = ES_ROOM_FETCH, .seq = id};
    ES_SET(&msg, ES_M_CLIENT, client, es_span(key));
    ES_SET(&msg, ES_M_FROM, from_seq, from);
    ES_SET(&msg, ES_M_COUNT, count, count);
    edge_request(room, 0, &msg, NULL, 0);
}

static void on_missed(void *ctx, uint64_t from, uint64_t to)
{
    edge_room_t *room = ctx;
    forget_recent(room, 0);
    for (member_t *m = room->members; m; m = m->next) member_missed(m, from, to);
}

static void on_reset(void *ctx, uint64_t log)
{
    edge_room_t *room = ctx;
    (void)log;
    room->sim->figures.resets++;
    forget_recent(room, 0);
    for (member_t *m = room->members; m; m = m->next) member_rejoin(m);
}

/* ---- rooms */

static edge_room_t *room_of(sim_t *sim, int e, int r)
{
    static const es_room_follower_ops_t ops = {
        .event = on_event, .fetch = on_fetch, .missed = on_missed, .reset = on_reset};
    edge_room_t **slot = &sim->edges[e].rooms[r];
    if (*slot) return *slot;
    edge_room_t *room = es_alloc_zero(sizeof *room);
    es_room_follower_config_t config = es_room_follower_defaults();
    config.backlog = sim->plan.backlog;
    config.fetch_page = sim->plan.page;
    config.held_max = (size_t)sim->plan.held;
    config.asked = ++sim->edges[e].begun << 32;
    *room = (edge_room_t){.sim = sim, .edge = e, .id = r};
    room->follower = es_room_follower_new(&config, &ops, room);
    room->sync_us = sim->world.now + FIRST_SYNC_US;
    room->hears_us = sim->world.now + world_below(&sim->world, MS(60));
    *slot = room;
    return room;
}

static void room_destroy(edge_room_t *room)
{
    es_room_follower_destroy(&room->follower);
    forget_recent(room, 0);
    es_ring_fini(&room->recent);
    room->sim->edges[room->edge].rooms[room->id] = NULL;
    free(room);
}

/* A connection that joins again goes on counting its operations. */
static void remember(edge_t *edge, const member_t *member)
{
    counted_t *counted = &edge->counted[edge->counted_n++ % COUNTED];
    *counted = (counted_t){.conn = member->conn, .last = es_room_outbox_last(member->outbox)};
}

static uint64_t counted(const edge_t *edge, uint64_t conn)
{
    uint64_t last = 0;
    for (size_t i = 0; i < COUNTED; i++)
        if (edge->counted[i].conn == conn && edge->counted[i].last > last) last = edge->counted[i].last;
    return last;
}

/* Whoever is over goes, and with the last member the room: then false. */
static bool tidy(edge_room_t *room)
{
    bool some = false;
    for (member_t *m = room->members, *next; m; m = next) {
        next = m->next;
        if (!m->over) continue;
        if (m->leaving) remember(&room->sim->edges[room->edge], m);
        member_destroy(m);
        some = true;
    }
    if (room->members) {
        if (some) edge_announce_soon(room);
        return true;
    }
    announce(room);
    room_destroy(room);
    return false;
}

static uint64_t tick_room(edge_room_t *room)
{
    sim_t *sim = room->sim;
    if (sim->world.now >= room->sync_us) announce(room);
    uint64_t next = room->sync_us;
    uint64_t asks = sim->off == SAFE_ASK ? NEVER : es_room_follower_tick(room->follower, sim->world.now);
    if (asks < next) next = asks;
    for (member_t *m = room->members; m; m = m->next) {
        member_advance(m);
        uint64_t at = member_tick(m);
        if (at < next) next = at;
    }
    return next;
}

/* After anything that came: timers may be others now. */
static void settle(sim_t *sim, int e)
{
    edge_t *edge = &sim->edges[e];
    for (int r = 0; r < ROOMS; r++) {
        edge_room_t *room = edge->rooms[r];
        if (room && tidy(room)) node_arm(sim, NODE_EDGE + e, EV_EDGE, tick_room(room));
    }
}

static void brokers_changed(edge_t *edge)
{
    for (int r = 0; r < ROOMS; r++) {
        if (!edge->rooms[r]) continue;
        edge_announce_soon(edge->rooms[r]);
        for (member_t *m = edge->rooms[r]->members; m; m = m->next)
            es_room_outbox_kick(m->outbox, m->room->sim->world.now);
    }
}

static void look_at_brokers(sim_t *sim, int e)
{
    edge_t *edge = &sim->edges[e];
    unsigned now = 0;
    for (int b = 0; b < sim->plan.brokers; b++) now |= fresh(sim, edge, b) ? 1u << b : 0;
    if (now == edge->fresh) return;
    edge->fresh = now;
    brokers_changed(edge);
}

void edge_timer(sim_t *sim, int e)
{
    if (!node_due(sim, NODE_EDGE + e)) return;
    look_at_brokers(sim, e);
    settle(sim, e);
    node_arm(sim, NODE_EDGE + e, EV_EDGE, sim->world.now + MS(500));
}

/* ---- what comes */

static member_t *member_of(edge_room_t *room, es_span_t client)
{
    member_t *m = room->members;
    while (m && !es_span_eq(es_span(m->id), client)) m = m->next;
    return m;
}

static void news(edge_room_t *room, const es_msg_t *msg, es_room_event_t *events, size_t n)
{
    uint64_t at = es_room_follower_at(room->follower);
    if (room->sim->off == SAFE_GAP && msg->log == es_room_follower_log(room->follower))
        for (size_t i = 0; i < n; i++)
            if (events[i].rseq > at) events[i].rseq = ++at;
    es_room_follower_news(room->follower, msg->log, events, n, room->sim->world.now);
    if (es_room_follower_wants_state(room->follower)) edge_announce_soon(room);
}

static void to_room(edge_room_t *room, const es_msg_t *msg, const packet_t *packet)
{
    sim_t *sim = room->sim;
    es_room_event_t events[512];
    if (msg->kind == ES_ROOM_STATE) {
        if (sim->off != SAFE_TAIL)
            es_room_follower_state(room->follower, msg->log, msg->rseq, msg->floor, sim->world.now);
        return;
    }
    int n = es_room_events_decode(sim->decoder, packet_body(packet), packet->body_len, events, 512);
    assert(n >= 0);
    if (msg->kind == ES_ROOM_NEWS)
        news(room, msg, events, (size_t)n);
    else
        es_room_follower_fetched(room->follower, msg->log, msg->seq, msg->rseq, msg->floor, events, (size_t)n,
                                 sim->world.now);
}

static void from_broker(sim_t *sim, int e, const es_msg_t *msg, const packet_t *packet)
{
    edge_t *edge = &sim->edges[e];
    char own[ES_CLIENT_ID_LEN + 1];
    es_span_t key = packet_key(packet), id = msg->room;
    if (msg->kind == ES_BEACON) {
        edge->heard_us[packet->from - NODE_BROKER] = sim->world.now;
        look_at_brokers(sim, e);
        return;
    }
    edge_own_key(edge, own);
    if (msg->kind == ES_ROOM_NEWS && !es_room_of_key(key, &id)) return;
    edge_room_t *room = edge->rooms[id.ptr[1] - '0'];
    if (!room || (msg->kind == ES_ROOM_NEWS && sim->world.now < room->hears_us)) return;
    member_t *member = member_of(room, key);
    if (msg->kind == ES_ROOM_NEWS || es_span_eq(key, es_span(own)))
        to_room(room, msg, packet);
    else if (member)
        member_answer(member, msg, packet_body(packet), packet->body_len);
    settle(sim, e);
}

static void from_client(sim_t *sim, int e, const es_msg_t *msg, const packet_t *packet)
{
    int c = packet->from - NODE_CLIENT, r = sim->clients[c].room;
    edge_room_t *room = msg->kind == SAY_JOIN ? room_of(sim, e, r) : sim->edges[e].rooms[r];
    member_t *member = room ? room->members : NULL;
    while (member && member->conn != packet->conn) member = member->next;
    if (msg->kind == SAY_JOIN && !member)
        member_new(room, c, packet->conn, msg, counted(&sim->edges[e], packet->conn));
    else if (member && msg->kind == SAY_BYE)
        member->over = true;
    else if (member)
        member_say(member, msg, packet_body(packet), packet->body_len);
    settle(sim, e);
}

void edge_receive(sim_t *sim, int e, const packet_t *packet)
{
    es_msg_t msg;
    if (!packet_open(sim, packet, &msg)) return;
    if (packet->conn > 0)
        from_client(sim, e, &msg, packet);
    else
        from_broker(sim, e, &msg, packet);
}

/* ---- life */

void edge_start(sim_t *sim, int e)
{
    edge_t *edge = &sim->edges[e];
    node_t *node = &sim->nodes[NODE_EDGE + e];
    node->life++;
    node->state = RUNNING;
    node->timer_at = NEVER;
    memset(edge, 0, sizeof *edge);
    snprintf(edge->prefix, sizeof edge->prefix, "e%05x", (unsigned)++sim->lives);
    for (int b = 0; b < sim->plan.brokers; b++) edge->heard_us[b] = sim->world.now;
    look_at_brokers(sim, e);
    node_arm(sim, NODE_EDGE + e, EV_EDGE, sim->world.now + MS(500));
}

void edge_stop(sim_t *sim, int e)
{
    node_t *node = &sim->nodes[NODE_EDGE + e];
    for (int r = 0; r < ROOMS; r++) {
        edge_room_t *room = sim->edges[e].rooms[r];
        while (room && room->members) member_destroy(room->members);
        if (room) room_destroy(room);
    }
    network_forget(&node->inbox, &node->inbox_end);
    node->state = DEAD;
    node->timer_at = NEVER;
}
