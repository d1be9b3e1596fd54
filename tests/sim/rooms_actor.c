/* Room actors: the real room machine, in turns. A turn takes what has come, then commits it, then waits for the disk, and speaks only after that. */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "rooms.h"

static es_room_now_t room_now(const sim_t *sim)
{
    return (es_room_now_t){.us = sim->world.now, .ms = UINT64_C(1700000000000) + sim->world.now / 1000};
}

static void keep(char *out, size_t cap, es_span_t span)
{
    assert(span.len < cap);
    memcpy(out, span.ptr, span.len);
    out[span.len] = '\0';
}

/* ---- what the room knows of the store, this turn's changes included */

static uint64_t said(void *ctx, es_span_t session, es_span_t msg_id)
{
    hosted_t *h = ctx;
    const log_t *log = h->sim->stores[h->id].log;
    if (h->sim->off == SAFE_DEDUPE) return 0;
    for (const change_t *c = h->tx.first; c; c = c->next)
        if (c->row && es_span_eq(c->row->event.msg_id, msg_id) && es_span_eq(c->row->event.member, session))
            return c->row->event.rseq;
    for (uint64_t rseq = log->at.last; rseq > 0; rseq--) {
        const es_room_event_t *e = &store_row(log, rseq)->event;
        if (e->type == ES_EVENT_MESSAGE && es_span_eq(e->msg_id, msg_id) && es_span_eq(e->member, session)) return rseq;
    }
    return 0;
}

static bool is_caption(const captions_t *captions, es_span_t session, es_span_t stream)
{
    return es_span_eq(es_span(captions->session), session) && es_span_eq(es_span(captions->stream), stream);
}

static bool captioned(void *ctx, es_span_t session, es_span_t stream, uint64_t *until)
{
    hosted_t *h = ctx;
    const store_t *store = &h->sim->stores[h->id];
    bool found = false;
    if (h->sim->off == SAFE_CUT) return false;
    for (size_t i = 0; i < store->captions_n; i++) {
        if (!is_caption(&store->captions[i], session, stream)) continue;
        *until = store->captions[i].until;
        found = true;
    }
    for (const change_t *c = h->tx.first; c; c = c->next) {
        if (c->kind != CHANGE_CAPTION || !is_caption(&c->captions, session, stream)) continue;
        *until = c->captions.until;
        found = true;
    }
    return found;
}

static void read_events(void *ctx, uint64_t from, uint64_t count, bool (*each)(void *arg, const es_room_event_t *event),
                        void *arg)
{
    hosted_t *h = ctx;
    const log_t *log = h->sim->stores[h->id].log;
    uint64_t rseq = from;
    for (; rseq < from + count && rseq <= log->at.last; rseq++)
        if (!each(arg, &store_row(log, rseq)->event)) return;
    for (const change_t *c = h->tx.first; c && rseq < from + count; c = c->next) {
        if (!c->row || c->row->event.rseq != rseq) continue;
        if (!each(arg, &c->row->event)) return;
        rseq++;
    }
}

/* ---- what it changes */

static void append(void *ctx, const es_room_event_t *event)
{
    hosted_t *h = ctx;
    transaction_add(&h->tx, CHANGE_APPEND)->row = row_new(event);
    h->sim->figures.events++;
}

static void caption(void *ctx, es_span_t session, es_span_t stream, uint64_t until)
{
    captions_t *captions = &transaction_add(&((hosted_t *)ctx)->tx, CHANGE_CAPTION)->captions;
    keep(captions->session, sizeof captions->session, session);
    keep(captions->stream, sizeof captions->stream, stream);
    captions->until = until;
}

static void seat(void *ctx, const es_room_seat_t *seated)
{
    seat_t *place = &transaction_add(&((hosted_t *)ctx)->tx, CHANGE_SEAT)->seat;
    keep(place->session, sizeof place->session, seated->session);
    keep(place->name, sizeof place->name, seated->name);
    memcpy(place->client, seated->client.ptr, ES_CLIENT_ID_LEN);
    place->operation = seated->operation;
    place->there = true;
}

static void unseat(void *ctx, es_span_t session)
{
    seat_t *place = &transaction_add(&((hosted_t *)ctx)->tx, CHANGE_UNSEAT)->seat;
    keep(place->session, sizeof place->session, session);
}

static void raise_floor(void *ctx, uint64_t floor)
{
    transaction_add(&((hosted_t *)ctx)->tx, CHANGE_FLOOR)->number = floor;
}

static void push(packet_t ***end, packet_t *packet)
{
    **end = packet;
    *end = &packet->next;
}

static void send(void *ctx, es_span_t key, const es_msg_t *msg, const void *body, size_t len)
{
    hosted_t *h = ctx;
    for (int b = 0; b < h->sim->plan.brokers; b++) {
        packet_t *packet = packet_new(NODE_ACTOR + h->actor, NODE_BROKER + b, key, msg, body, len);
        if (h->sim->off == SAFE_COMMIT)
            network_send(h->sim, packet, 1);
        else
            push(&h->unsaid_end, packet);
    }
}

const es_room_ops_t actor_ops = {.said = said,
                                 .captioned = captioned,
                                 .read = read_events,
                                 .append = append,
                                 .caption = caption,
                                 .seat = seat,
                                 .unseat = unseat,
                                 .floor = raise_floor,
                                 .send = send};

/* ---- rooms */

static void unload(hosted_t *h)
{
    es_room_destroy(&h->room);
    transaction_forget(&h->tx);
    network_forget(&h->unsaid, &h->unsaid_end);
    h->touched = false;
}

void actor_unload(sim_t *sim, int a, int room)
{
    unload(&sim->actors[a].rooms[room]);
}

static bool load(sim_t *sim, hosted_t *h)
{
    const store_t *store = &sim->stores[h->id];
    if (h->room) return true;
    if (!store_take_over(sim, h->id, &h->term)) return false;
    char id[] = {'r', (char)('0' + h->id)};
    h->room = es_room_new(&sim->actors[h->actor].shared, es_span_of(id, sizeof id), &store->log->at, &actor_ops, h);
    world_trace(&sim->world, "room-%d takes r%d over: term %" PRIu64 ", log %" PRIu64 ", last %" PRIu64, h->actor + 1,
                h->id, h->term, store->log->at.log, store->log->at.last);
    for (int i = 0; i < CLIENTS; i++) {
        const seat_t *s = &store->seats[i];
        es_room_seat_t seated = {.session = es_span(s->session),
                                 .client = es_span_of(s->client, ES_CLIENT_ID_LEN),
                                 .name = es_span(s->name),
                                 .operation = s->operation};
        if (s->there) es_room_restore(h->room, &seated, room_now(sim));
    }
    return true;
}

static int event_who(const sim_t *sim, int a)
{
    return NODE_ACTOR + a + NODES * (int)sim->nodes[NODE_ACTOR + a].life;
}

static void begin_turn(sim_t *sim, int a)
{
    actor_t *actor = &sim->actors[a];
    if (actor->turn) return;
    actor->turn = true;
    world_at(&sim->world, sim->world.now + sim->plan.turn_us, EV_TURN, event_who(sim, a), NULL);
}

static void end_room_turn(sim_t *sim, hosted_t *h)
{
    actor_t *actor = &sim->actors[h->actor];
    h->tick_at = es_room_tick(h->room, room_now(sim));
    es_room_flush(h->room);
    h->touched = false;
    if (!store_commit(sim, h->id, h->term, &h->tx)) {
        world_trace(&sim->world, "room-%d loses r%d: its transaction of term %" PRIu64 " failed", h->actor + 1, h->id,
                    h->term);
        unload(h);
    } else if (h->unsaid) {
        *actor->saying_end = h->unsaid;
        actor->saying_end = h->unsaid_end;
        h->unsaid = NULL;
        h->unsaid_end = &h->unsaid;
    }
}

static void arm(sim_t *sim, int a)
{
    const actor_t *actor = &sim->actors[a];
    for (int r = 0; r < ROOMS; r++)
        if (actor->rooms[r].room) node_arm(sim, NODE_ACTOR + a, EV_ACTOR, actor->rooms[r].tick_at);
    for (int b = 0; b < sim->plan.brokers; b++) {
        uint64_t hello = actor->hello_us[b] + SECONDS(1), silent = actor->heard_us[b] + MS(1500);
        node_arm(sim, NODE_ACTOR + a, EV_ACTOR, hello > silent ? hello : silent);
    }
}

void actor_turn(sim_t *sim, int a)
{
    actor_t *actor = &sim->actors[a];
    node_t *node = &sim->nodes[NODE_ACTOR + a];
    if (node->state != RUNNING || !actor->turn) return;
    actor->turn = false;
    for (int r = 0; r < ROOMS; r++)
        if (actor->rooms[r].touched) end_room_turn(sim, &actor->rooms[r]);
    arm(sim, a);
    if (!actor->saying) return;
    node->busy = true;
    world_at(&sim->world, sim->world.now + sim->plan.sync_us, EV_SYNCED, event_who(sim, a), NULL);
}

void actor_synced(sim_t *sim, int a)
{
    actor_t *actor = &sim->actors[a];
    node_t *node = &sim->nodes[NODE_ACTOR + a];
    if (node->state != RUNNING || !node->busy) return;
    node->busy = false;
    while (actor->saying) {
        packet_t *packet = actor->saying;
        actor->saying = packet->next;
        packet->next = NULL;
        network_send(sim, packet, 1);
    }
    actor->saying_end = &actor->saying;
    network_handle_inbox(sim, NODE_ACTOR + a);
    node->timer_at = sim->world.now;
    actor_timer(sim, a);
}

/* ---- what comes */

static void tell(sim_t *sim, int a, int b, es_kind_t kind)
{
    actor_t *actor = &sim->actors[a];
    char name[] = {'r', 'o', 'o', 'm', '-', (char)('1' + a)};
    es_msg_t msg = {.kind = kind};
    ES_SET(&msg, ES_M_INC, inc, actor->inc);
    if (kind == ES_HELLO) {
        ES_SET(&msg, ES_M_SERVICE, service, es_span("room"));
        ES_SET(&msg, ES_M_CAPACITY, capacity, 1000);
        ES_SET(&msg, ES_M_NAME, name, es_span_of(name, sizeof name));
        actor->hello_us[b] = sim->world.now;
    }
    network_send(sim, packet_new(NODE_ACTOR + a, NODE_BROKER + b, es_span("0"), &msg, NULL, 0), 0);
}

static void request(sim_t *sim, int a, es_msg_t *msg, const packet_t *packet)
{
    es_span_t id;
    bool valid = es_room_of_key(packet_key(packet), &id);
    assert(valid);
    hosted_t *h = &sim->actors[a].rooms[id.ptr[1] - '0'];
    if (!load(sim, h)) return;
    if (sim->off == SAFE_ORDER && ES_HAS(msg, ES_M_BASE)) msg->base = msg->seq;
    es_room_message(h->room, msg, es_span_of(packet_body(packet), packet->body_len), room_now(sim));
    h->touched = true;
    begin_turn(sim, a);
}

void actor_receive(sim_t *sim, int a, const packet_t *packet)
{
    es_msg_t msg;
    if (!packet_open(sim, packet, &msg)) return;
    sim->actors[a].heard_us[packet->from - NODE_BROKER] = sim->world.now;
    if (msg.kind == ES_PING)
        tell(sim, a, packet->from - NODE_BROKER, ES_HEARTBEAT);
    else if (msg.kind == ES_WHO_ARE_YOU)
        tell(sim, a, packet->from - NODE_BROKER, ES_HELLO);
    else
        request(sim, a, &msg, packet);
}

void actor_timer(sim_t *sim, int a)
{
    actor_t *actor = &sim->actors[a];
    if (!node_due(sim, NODE_ACTOR + a)) return;
    for (int r = 0; r < ROOMS; r++) {
        hosted_t *h = &actor->rooms[r];
        if (!h->room || sim->world.now < h->tick_at) continue;
        h->tick_at = NEVER; /* known again at the end of the turn */
        h->touched = true;
        begin_turn(sim, a);
    }
    for (int b = 0; b < sim->plan.brokers; b++)
        if (sim->world.now >= actor->heard_us[b] + MS(1500) && sim->world.now >= actor->hello_us[b] + SECONDS(1))
            tell(sim, a, b, ES_HELLO);
    arm(sim, a);
}

/* ---- life */

void actor_start(sim_t *sim, int a)
{
    actor_t *actor = &sim->actors[a];
    node_t *node = &sim->nodes[NODE_ACTOR + a];
    node->life++;
    node->state = RUNNING;
    node->timer_at = NEVER;
    memset(actor, 0, sizeof *actor);
    actor->inc = ++sim->lives;
    actor->saying_end = &actor->saying;
    es_room_shared_init(&actor->shared, actor->inc);
    actor->shared.history = sim->plan.history;
    for (int r = 0; r < ROOMS; r++) {
        actor->rooms[r] = (hosted_t){.sim = sim, .actor = a, .id = r};
        actor->rooms[r].unsaid_end = &actor->rooms[r].unsaid;
    }
    for (int b = 0; b < sim->plan.brokers; b++) tell(sim, a, b, ES_HELLO);
    arm(sim, a);
}

void actor_stop(sim_t *sim, int a)
{
    actor_t *actor = &sim->actors[a];
    node_t *node = &sim->nodes[NODE_ACTOR + a];
    for (int r = 0; r < ROOMS; r++) unload(&actor->rooms[r]);
    if (node->life > 0) network_forget(&actor->saying, &actor->saying_end);
    es_room_shared_fini(&actor->shared);
    network_forget(&node->inbox, &node->inbox_end);
    node->state = DEAD;
    node->busy = false;
    node->timer_at = NEVER;
}
