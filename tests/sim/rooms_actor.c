/* Room actors: the real rooms and their turns (actors/room/rooms.h). A turn takes what has come, commits it, waits for the disk, and speaks only then. */
#include <string.h>

#include "rooms_sim.h"

static es_room_now_t room_now(const sim_t *sim)
{
    return (es_room_now_t){.us = sim->world.now, .ms = UINT64_C(1700000000000) + sim->world.now / 1000};
}

static void push(queue_t *queue, packet_t *packet)
{
    *queue->end = packet;
    queue->end = &packet->next;
}

static packet_t *pop(queue_t *queue)
{
    packet_t *packet = queue->first;
    if (!packet) return NULL;
    queue->first = packet->next;
    if (!queue->first) queue->end = &queue->first;
    packet->next = NULL;
    return packet;
}

static uint64_t no_random(void)
{
    return 1; /* the store names logs here */
}

static void publish(void *ctx, es_span_t key, const es_msg_t *msg, const void *body, size_t len)
{
    actor_t *actor = ctx;
    sim_t *sim = actor->store.sim;
    for (int b = 0; b < sim->plan.brokers; b++) {
        packet_t *packet = packet_new(NODE_ACTOR + actor->store.actor, NODE_BROKER + b, key, msg, body, len);
        if (sim->off == SAFE_COMMIT)
            network_send(sim, packet, 1);
        else
            push(&actor->saying, packet);
    }
}

/* ---- turns */

/* Events of a turn carry the life in which it began. */
static void plan(sim_t *sim, int a, event_kind_t kind, uint64_t us)
{
    int who = NODE_ACTOR + a + NODES * (int)sim->nodes[NODE_ACTOR + a].life;
    world_at(&sim->world, sim->world.now + us, kind, who, NULL);
}

static void begin_turn(sim_t *sim, int a)
{
    actor_t *actor = &sim->actors[a];
    if (actor->turn) return;
    actor->turn = true;
    plan(sim, a, EV_TURN, sim->plan.turn_us);
}

static void request(sim_t *sim, actor_t *actor, const packet_t *packet)
{
    es_msg_t msg;
    if (!packet_open(sim, packet, &msg)) return;
    if (sim->off == SAFE_ORDER && ES_HAS(&msg, ES_M_BASE)) msg.base = msg.seq;
    if (!es_rooms_message(actor->rooms, packet_key(packet), &msg, es_span_of(packet_body(packet), packet->body_len),
                          room_now(sim)))
        world_fail(&sim->world, "a request that is none to a room");
}

static void arm(sim_t *sim, int a)
{
    const actor_t *actor = &sim->actors[a];
    node_arm(sim, NODE_ACTOR + a, EV_ACTOR, actor->tick_us);
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
    for (packet_t *packet; (packet = pop(&actor->asked));) {
        request(sim, actor, packet);
        packet_free(packet);
    }
    actor->tick_us = es_rooms_tick(actor->rooms, room_now(sim));
    es_rooms_flush(actor->rooms);
    arm(sim, a);
    if (!actor->saying.first && !actor->store.first) return;
    node->busy = true;
    plan(sim, a, EV_SYNCED, sim->plan.sync_us);
}

void actor_synced(sim_t *sim, int a)
{
    actor_t *actor = &sim->actors[a];
    node_t *node = &sim->nodes[NODE_ACTOR + a];
    if (node->state != RUNNING || !node->busy) return;
    node->busy = false;
    store_apply_turn(&actor->store); /* where that was put off */
    for (packet_t *packet; (packet = pop(&actor->saying));) network_send(sim, packet, 1);
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
        ES_SET(&msg, ES_M_SERVICE, service, es_span(ES_ROOM_SERVICE));
        ES_SET(&msg, ES_M_CAPACITY, capacity, actor->draining ? 0 : 1000);
        ES_SET(&msg, ES_M_NAME, name, es_span_of(name, sizeof name));
        actor->hello_us[b] = sim->world.now;
    }
    network_send(sim, packet_new(NODE_ACTOR + a, NODE_BROKER + b, es_span("0"), &msg, NULL, 0), 0);
}

void actor_receive(sim_t *sim, int a, const packet_t *packet)
{
    actor_t *actor = &sim->actors[a];
    int b = packet->from - NODE_BROKER;
    es_msg_t msg;
    if (!packet_open(sim, packet, &msg)) return;
    actor->heard_us[b] = sim->world.now;
    if (msg.kind == ES_PING) {
        tell(sim, a, b, ES_HEARTBEAT);
    } else if (msg.kind == ES_WHO_ARE_YOU) {
        tell(sim, a, b, ES_HELLO);
    } else {
        push(&actor->asked, packet_copy(packet));
        begin_turn(sim, a);
    }
}

void actor_timer(sim_t *sim, int a)
{
    actor_t *actor = &sim->actors[a];
    if (!node_due(sim, NODE_ACTOR + a)) return;
    if (sim->world.now >= actor->tick_us) {
        actor->tick_us = NEVER; /* known again at the end of the turn */
        begin_turn(sim, a);
    }
    for (int b = 0; b < sim->plan.brokers; b++)
        if (sim->world.now >= actor->heard_us[b] + MS(1500) && sim->world.now >= actor->hello_us[b] + SECONDS(1))
            tell(sim, a, b, ES_HELLO);
    arm(sim, a);
}

/* ---- life */

static void begin_queue(queue_t *queue)
{
    queue->first = NULL;
    queue->end = &queue->first;
}

void actor_start(sim_t *sim, int a)
{
    actor_t *actor = &sim->actors[a];
    node_t *node = &sim->nodes[NODE_ACTOR + a];
    es_rooms_config_t config = es_rooms_defaults(no_random);
    node->life++;
    node->state = RUNNING;
    node->timer_at = NEVER;
    memset(actor, 0, sizeof *actor);
    actor->store = (es_room_store_t){.sim = sim, .actor = a};
    actor->inc = ++sim->lives;
    begin_queue(&actor->asked);
    begin_queue(&actor->saying);
    es_room_shared_init(&actor->shared, actor->inc);
    actor->shared.history = sim->plan.history;
    config.idle_us = sim->plan.idle_us;
    actor->rooms = es_rooms_new(&config, &actor->shared, &actor->store, publish, actor);
    for (int b = 0; b < sim->plan.brokers; b++) tell(sim, a, b, ES_HELLO);
    arm(sim, a);
}

/* It moves its rooms elsewhere, answers what is under way for a while, and ends. */
void actor_drain(sim_t *sim, int a)
{
    sim->actors[a].draining = true;
    for (int b = 0; b < sim->plan.brokers; b++) tell(sim, a, b, ES_HELLO);
}

void actor_stop(sim_t *sim, int a)
{
    actor_t *actor = &sim->actors[a];
    node_t *node = &sim->nodes[NODE_ACTOR + a];
    if (!actor->rooms) return;
    es_rooms_destroy(&actor->rooms);
    es_room_shared_fini(&actor->shared);
    store_forget_turn(&actor->store);
    for (packet_t *packet; (packet = pop(&actor->asked));) packet_free(packet);
    for (packet_t *packet; (packet = pop(&actor->saying));) packet_free(packet);
    network_forget(&node->inbox, &node->inbox_end);
    node->state = DEAD;
    node->busy = false;
    node->timer_at = NEVER;
}
