/* Edges: which broker is live, by its beacons; what becomes of the connections of one that dies or drains. What actors/runtime/sender_link.c does. */
#include "sim.h"

#define FRESH SECONDS(2) /* a beacon tells of a live broker for so long */
#define DRAIN_US MS(800) /* clients have so long to go by themselves */

int edge_broker(const sim_t *sim, int edge, int key)
{
    const edge_t *self = &sim->edges[edge];
    bool any = false;
    for (int b = 0; b < sim->plan.brokers; b++) any = any || self->beacon_at[b] > 0;
    int best = 0;
    uint64_t most = 0;
    for (int b = 0; b < sim->plan.brokers; b++) {
        uint64_t weight = world_mix((uint64_t)key << 8 | (uint64_t)b);
        if ((any && self->beacon_at[b] == 0) || weight < most) continue;
        most = weight;
        best = b;
    }
    return best;
}

int edge_pick(sim_t *sim)
{
    int first = (int)world_below(&sim->world, (uint64_t)sim->plan.edges);
    for (int i = 0; i < sim->plan.edges; i++) {
        int edge = (first + i) % sim->plan.edges;
        if (sim->nodes[NODE_EDGE + edge].state == RUNNING && sim->edges[edge].draining_until == 0) return edge;
    }
    return -1;
}

static bool is_of(const connection_t *connection, int edge)
{
    return connection->edge == edge && connection->sender;
}

static void brokers_changed(sim_t *sim, int edge)
{
    if (sim->off == SAFE_REBROKER) return;
    for (int k = 0; k < sim->keys; k++)
        if (is_of(&sim->connections[k], edge)) connection_rebroker(&sim->connections[k]);
}

static void hear_beacon(sim_t *sim, const packet_t *packet)
{
    int e = packet->to - NODE_EDGE, b = packet->from - NODE_BROKER;
    edge_t *self = &sim->edges[e];
    bool known = self->beacon_at[b] > 0, leaves = packet->msg.flags & ES_F_LEAVING;
    bool changed = leaves ? known : !known || self->broker_life[b] != packet->from_life;
    self->beacon_at[b] = leaves ? 0 : sim->world.now;
    self->broker_life[b] = packet->from_life;
    if (!leaves) world_at(&sim->world, sim->world.now + FRESH, EV_EDGE, e, NULL);
    if (changed) brokers_changed(sim, e);
}

void edge_receive(sim_t *sim, const packet_t *packet)
{
    if (packet->msg.kind == ES_BEACON)
        hear_beacon(sim, packet);
    else if (sim->connections[packet->key].edge == packet->to - NODE_EDGE)
        connection_receive(sim, packet);
}

static void end_drain(sim_t *sim, int edge)
{
    world_trace(&sim->world, "edge-%d has drained", edge + 1);
    for (int k = 0; k < sim->keys; k++)
        if (sim->connections[k].edge == edge) connection_end(&sim->connections[k]);
    edge_stop(sim, edge);
    sim->nodes[NODE_EDGE + edge].state = DEAD;
    world_at(&sim->world, sim->world.now + MS(100), EV_START, NODE_EDGE + edge, NULL);
}

void edge_timer(sim_t *sim, int edge)
{
    edge_t *self = &sim->edges[edge];
    bool changed = false;
    if (sim->nodes[NODE_EDGE + edge].state != RUNNING) return; /* looked at when it wakes */
    if (self->draining_until > 0 && sim->world.now >= self->draining_until) {
        end_drain(sim, edge);
        return;
    }
    for (int b = 0; b < sim->plan.brokers; b++) {
        if (self->beacon_at[b] == 0 || sim->world.now < self->beacon_at[b] + FRESH) continue;
        world_trace(&sim->world, "edge-%d: broker-%d is silent", edge + 1, b + 1);
        self->beacon_at[b] = 0;
        changed = true;
    }
    if (changed) brokers_changed(sim, edge);
}

void edge_start(sim_t *sim, int edge)
{
    node_t *node = &sim->nodes[NODE_EDGE + edge];
    node->life++;
    node->state = RUNNING;
    sim->edges[edge] = (edge_t){0};
}

void edge_stop(sim_t *sim, int edge)
{
    for (int k = 0; k < sim->keys; k++)
        if (sim->connections[k].edge == edge) connection_drop(&sim->connections[k]);
    for (int i = 0; i < sim->plan.clients; i++) {
        int key = sim->clients[i].key;
        if (key < 0 || sim->connections[key].edge != edge) continue;
        /* What was on the line may still arrive before the client sees the end of it. */
        client_reconnect(sim, i, false, sim->world.now + world_below(&sim->world, MS(500)));
    }
}

void edge_drain(sim_t *sim, int edge)
{
    edge_t *self = &sim->edges[edge];
    if (self->draining_until > 0) return;
    self->draining_until = sim->world.now + DRAIN_US;
    world_at(&sim->world, self->draining_until, EV_EDGE, edge, NULL);
    for (int i = 0; i < sim->plan.clients; i++) {
        int key = sim->clients[i].key;
        if (key >= 0 && sim->connections[key].edge == edge)
            client_reconnect(sim, i, false, sim->world.now + world_below(&sim->world, MS(1000)));
    }
}
