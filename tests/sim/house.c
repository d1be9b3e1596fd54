/* The broker: the real placement and registry, with what broker/house.c does between them and the sockets. */
#include <string.h>

#include "sim.h"

static void arm(sim_t *sim, uint64_t at)
{
    node_t *node = &sim->nodes[NODE_BROKER];
    if (at < sim->world.now) at = sim->world.now;
    if (at >= node->timer_at) return;
    node->timer_at = at;
    world_at(&sim->world, at, EV_BROKER, 0, NULL);
}

/* The worker that this incarnation is, or -1 where it died. */
static int worker_of(const sim_t *sim, uint64_t inc)
{
    int w = (int)(inc / 1000) - 1;
    return sim->workers[w].inc == inc && sim->nodes[NODE_WORKER + w].state != DEAD ? w : -1;
}

static int client_of(es_span_t key)
{
    return key.ptr[ES_CLIENT_ID_LEN - 1] - '0';
}

typedef struct {
    sim_t *sim;
    uint64_t streams; /* of a worker that died; 0: it did not */
} loss_t;

static void publish(sim_t *sim, int client, const es_msg_t *msg)
{
    sim_send(sim, NODE_BROKER, NODE_EDGE, 1, client, msg, NULL, 0);
}

static void stream_lost(void *ctx, es_span_t key, uint64_t epoch)
{
    const loss_t *loss = ctx;
    es_msg_t msg = {.kind = ES_WORKER_LOST, .epoch = epoch};
    if (loss->streams > 0) ES_SET(&msg, ES_M_LOAD, load, loss->streams);
    publish(loss->sim, client_of(key), &msg);
}

static void bury(sim_t *sim, uint64_t inc)
{
    loss_t loss = {sim, es_placement_worker_streams(sim->house.placement, inc)};
    es_placement_worker_lost(sim->house.placement, inc, stream_lost, &loss);
}

static void goodbye(sim_t *sim, uint64_t inc)
{
    loss_t loss = {sim, 0};
    es_registry_remove(sim->house.registry, inc);
    es_placement_worker_lost(sim->house.placement, inc, stream_lost, &loss);
}

static void move_away(sim_t *sim, uint64_t inc)
{
    loss_t loss = {sim, 0};
    if (!es_registry_find(sim->house.registry, inc)->draining) return;
    sim->figures.moves += es_placement_worker_movable(sim->house.placement, inc, sim->world.now, stream_lost, &loss);
}

static void lose(sim_t *sim, uint64_t inc, const char *why)
{
    world_trace(&sim->world, "broker: worker %d lost, %s", (int)inc, why);
    es_registry_remove(sim->house.registry, inc);
    bury(sim, inc);
}

static void tell(sim_t *sim, uint64_t inc, int client, es_kind_t kind, uint64_t epoch)
{
    int w = worker_of(sim, inc);
    es_msg_t msg = {.kind = kind, .epoch = epoch};
    if (w >= 0) sim_send(sim, NODE_BROKER, NODE_WORKER + w, 0, client, &msg, NULL, 0);
}

static void hello(sim_t *sim, const packet_t *packet)
{
    house_t *h = &sim->house;
    const es_msg_t *msg = &packet->msg;
    es_registry_hello(h->registry, msg->inc, msg, sim->world.now);
    es_placement_worker_up(h->placement, msg->inc, msg->service, msg->capacity);
    es_stream_ref_t refs[SIM_CLIENTS];
    static es_decoder_t *decoder;
    if (!decoder) decoder = es_decoder_new();
    int n = es_streams_decode(decoder, packet->data, packet->len, refs, SIM_CLIENTS);
    for (int i = 0; i < n; i++)
        if (!es_placement_learn(h->placement, msg->inc, refs[i].key, refs[i].epoch, sim->world.now))
            tell(sim, msg->inc, client_of(refs[i].key), ES_DROP, refs[i].epoch);
    es_placement_worker_load(h->placement, msg->inc, msg->load);
    move_away(sim, msg->inc);
}

static void heartbeat(sim_t *sim, const es_msg_t *msg)
{
    if (!es_registry_heartbeat(sim->house.registry, msg->inc, msg, sim->world.now)) {
        tell(sim, msg->inc, -1, ES_WHO_ARE_YOU, 0);
        return;
    }
    es_placement_worker_load(sim->house.placement, msg->inc, msg->load);
    move_away(sim, msg->inc);
}

static void route(sim_t *sim, const packet_t *packet)
{
    char key[ES_CLIENT_ID_LEN + 1];
    const es_msg_t *msg = &packet->msg;
    client_key(packet->client, key);
    es_route_t r = es_placement_route(sim->house.placement, es_span(key), msg, sim->world.now);
    if (r.displaced) tell(sim, r.displaced, packet->client, ES_DROP, msg->epoch - 1);
    es_msg_t answer = {.kind = r.verdict == ES_ROUTE_WAIT ? ES_WAIT : ES_REWIND, .epoch = r.epoch};
    int w = r.verdict == ES_ROUTE_FORWARD ? worker_of(sim, r.worker) : -1;
    if (w >= 0)
        sim_send(sim, NODE_BROKER, NODE_WORKER + w, 0, packet->client, msg, packet->data, packet->len);
    else if (r.verdict == ES_ROUTE_FORWARD &&
             world_chance(&sim->world, 300)) /* else it goes into the pipe of a dead peer */
        lose(sim, r.worker, "unreachable");
    if (r.verdict == ES_ROUTE_WAIT) ES_SET(&answer, ES_M_PLACE, place, r.place);
    if (r.verdict == ES_ROUTE_WAIT || r.verdict == ES_ROUTE_REWIND) publish(sim, packet->client, &answer);
}

void house_receive(sim_t *sim, const packet_t *packet)
{
    const es_msg_t *msg = &packet->msg;
    if (packet->from == NODE_EDGE) {
        route(sim, packet);
    } else if (msg->kind == ES_HELLO) {
        if (worker_of(sim, msg->inc) >= 0) hello(sim, packet);
    } else if (msg->kind == ES_HEARTBEAT) {
        heartbeat(sim, msg);
    } else if (msg->kind == ES_GOODBYE) {
        goodbye(sim, msg->inc);
    } else {
        sim_send(sim, NODE_BROKER, NODE_EDGE, 1, packet->client, msg, packet->data, packet->len);
    }
    arm(sim, sim->world.now + MS(100)); /* a queue may have begun */
}

static void ping(void *ctx, uint64_t inc)
{
    tell(ctx, inc, -1, ES_PING, 0);
}

static void silent(void *ctx, uint64_t inc, uint64_t silence_us)
{
    sim_t *sim = ctx;
    world_trace(&sim->world, "broker: worker %d silent for %d ms", (int)inc, (int)(silence_us / 1000));
    bury(sim, inc);
}

void house_timer(sim_t *sim)
{
    static const es_registry_ops_t ops = {.ping = ping, .lost = silent};
    node_t *node = &sim->nodes[NODE_BROKER];
    if (node->state != RUNNING || sim->world.now < node->timer_at) return;
    node->timer_at = UINT64_MAX;
    uint64_t a = es_registry_tick(sim->house.registry, &ops, sim, sim->world.now);
    uint64_t b = es_placement_tick(sim->house.placement, sim->world.now);
    arm(sim, a < b ? a : b);
}

void house_start(sim_t *sim)
{
    node_t *node = &sim->nodes[NODE_BROKER];
    es_placement_config_t placement = es_placement_defaults();
    es_registry_config_t registry = es_registry_defaults();
    placement.stream_idle_us = SECONDS(20);
    registry.max_actors = 64;
    node->life++;
    node->state = RUNNING;
    node->timer_at = UINT64_MAX;
    sim->house.placement = es_placement_new(&placement, sim->world.now);
    sim->house.registry = es_registry_new(&registry, sim->world.now);
    arm(sim, sim->world.now);
}

void house_stop(sim_t *sim)
{
    es_placement_destroy(&sim->house.placement);
    es_registry_destroy(&sim->house.registry);
}
