/* Brokers: the real registry, and between it and the sockets what broker/house.c and broker/rooms.c do. */
#include <string.h>

#include "rooms_sim.h"

static int actor_of(const sim_t *sim, uint64_t inc)
{
    for (int a = 0; a < sim->plan.actors; a++)
        if (sim->actors[a].inc == inc && sim->nodes[NODE_ACTOR + a].state != DEAD) return a;
    return -1;
}

static void tell(sim_t *sim, int b, uint64_t inc, es_kind_t kind)
{
    int a = actor_of(sim, inc);
    es_msg_t msg = {.kind = kind};
    if (a >= 0) network_send(sim, packet_new(NODE_BROKER + b, NODE_ACTOR + a, es_span("0"), &msg, NULL, 0), 0);
}

/* The weights are others than those of broker/rooms.c, the choice is made alike. */
static const es_actor_t *choose(const es_registry_t *registry, es_span_t id)
{
    const es_actor_t *best = NULL, *actor;
    uint64_t most = 0;
    for (size_t i = 0; (actor = es_registry_at(registry, i)); i++) {
        if (actor->draining) continue;
        uint64_t weight = world_mix((uint64_t)actor->name[5] << 8 ^ (uint64_t)id.ptr[1]);
        if (best && (weight < most || (weight == most && actor->inc < best->inc))) continue;
        most = weight;
        best = actor;
    }
    return best;
}

static void pass_on(sim_t *sim, int b, int to, int channel, const packet_t *packet, const es_msg_t *msg)
{
    network_send(sim, packet_new(NODE_BROKER + b, to, packet_key(packet), msg, packet_body(packet), packet->body_len),
                 channel);
}

static void request(sim_t *sim, int b, const packet_t *packet, const es_msg_t *msg)
{
    es_span_t id;
    const es_actor_t *actor = es_room_of_key(packet_key(packet), &id) ? choose(sim->brokers[b].registry, id) : NULL;
    if (!actor) return;
    int a = actor_of(sim, actor->inc);
    if (a >= 0)
        pass_on(sim, b, NODE_ACTOR + a, 0, packet, msg);
    else if (world_chance(&sim->world, 300)) /* else it goes into the pipe of a dead peer */
        es_registry_remove(sim->brokers[b].registry, actor->inc);
}

static void publish(sim_t *sim, int b, const packet_t *packet, const es_msg_t *msg)
{
    es_span_t key = packet_key(packet);
    for (int e = 0; e < sim->plan.edges; e++) {
        bool own = memcmp(key.ptr, sim->edges[e].prefix, ES_PREFIX_LEN) == 0;
        if (sim->nodes[NODE_EDGE + e].state != DEAD && (msg->kind == ES_ROOM_NEWS || own))
            pass_on(sim, b, NODE_EDGE + e, 1, packet, msg);
    }
}

void broker_receive(sim_t *sim, int b, const packet_t *packet)
{
    es_registry_t *registry = sim->brokers[b].registry;
    es_msg_t msg;
    if (!packet_open(sim, packet, &msg)) return;
    if (packet->from < NODE_ACTOR)
        request(sim, b, packet, &msg);
    else if (packet->channel == 1)
        publish(sim, b, packet, &msg);
    else if (msg.kind == ES_HELLO && actor_of(sim, msg.inc) >= 0)
        es_registry_hello(registry, msg.inc, &msg, sim->world.now);
    else if (msg.kind == ES_HEARTBEAT && !es_registry_heartbeat(registry, msg.inc, &msg, sim->world.now))
        tell(sim, b, msg.inc, ES_WHO_ARE_YOU);
}

typedef struct {
    sim_t *sim;
    int broker;
} tick_t;

static void ping(void *ctx, uint64_t inc)
{
    const tick_t *tick = ctx;
    tell(tick->sim, tick->broker, inc, ES_PING);
}

static void lost(void *ctx, uint64_t inc, uint64_t silence_us)
{
    const tick_t *tick = ctx;
    world_trace(&tick->sim->world, "broker-%d: room actor of incarnation %d silent for %d ms", tick->broker + 1,
                (int)inc, (int)(silence_us / 1000));
}

static void beacon(sim_t *sim, int b)
{
    broker_t *broker = &sim->brokers[b];
    if (sim->world.now < broker->beacon_us) return;
    broker->beacon_us = sim->world.now + MS(500);
    es_msg_t msg = {.kind = ES_BEACON};
    for (int e = 0; e < sim->plan.edges; e++)
        if (sim->nodes[NODE_EDGE + e].state != DEAD)
            network_send(sim, packet_new(NODE_BROKER + b, NODE_EDGE + e, es_span("sys/"), &msg, NULL, 0), 1);
}

void broker_timer(sim_t *sim, int b)
{
    static const es_registry_ops_t ops = {.ping = ping, .lost = lost};
    tick_t tick = {.sim = sim, .broker = b};
    if (!node_due(sim, NODE_BROKER + b)) return;
    uint64_t next = es_registry_tick(sim->brokers[b].registry, &ops, &tick, sim->world.now);
    beacon(sim, b);
    node_arm(sim, NODE_BROKER + b, EV_BROKER, next);
    node_arm(sim, NODE_BROKER + b, EV_BROKER, sim->brokers[b].beacon_us);
}

void broker_start(sim_t *sim, int b)
{
    node_t *node = &sim->nodes[NODE_BROKER + b];
    node->life++;
    node->state = RUNNING;
    node->timer_at = NEVER;
    sim->brokers[b] = (broker_t){.inc = ++sim->lives, .registry = es_registry_new(NULL, sim->world.now)};
    node_arm(sim, NODE_BROKER + b, EV_BROKER, sim->world.now);
}

void broker_stop(sim_t *sim, int b)
{
    node_t *node = &sim->nodes[NODE_BROKER + b];
    es_registry_destroy(&sim->brokers[b].registry);
    network_forget(&node->inbox, &node->inbox_end);
    node->state = DEAD;
    node->timer_at = NEVER;
}
