/* A broker: the real placement and registry, with what broker/house.c does between them and the sockets. */
#include <string.h>

#include "sim.h"

#define BEACON_US MS(500)
#define LEAVE_US MS(300) /* between saying so and ending */

static int broker_of(const packet_t *packet)
{
    return packet->to - NODE_BROKER;
}

static void arm(sim_t *sim, int b, uint64_t at)
{
    node_t *node = &sim->nodes[NODE_BROKER + b];
    if (at < sim->world.now) at = sim->world.now;
    if (at >= node->timer_at) return;
    node->timer_at = at;
    world_at(&sim->world, at, EV_BROKER, b, NULL);
}

/* The worker that this incarnation is, or -1 where it died. */
static int worker_of(const sim_t *sim, uint64_t inc)
{
    int w = (int)(inc / 1000) - 1;
    return sim->workers[w].inc == inc && sim->nodes[NODE_WORKER + w].state != DEAD ? w : -1;
}

/* What the registry and placement call back with. */
typedef struct {
    sim_t *sim;
    int broker;
    uint64_t streams; /* of a worker that died; 0: it did not */
    int guilty;       /* key of the stream that is to blame */
} caller_t;

static void publish(sim_t *sim, int b, int key, const es_msg_t *msg, const packet_t *result)
{
    sim_send(sim, NODE_BROKER + b, NODE_EDGE + sim->connections[key].edge, 1, key, msg, result ? result->data : NULL,
             result ? result->len : 0);
}

static void stream_lost(void *ctx, es_span_t key, uint64_t epoch)
{
    const caller_t *caller = ctx;
    es_msg_t msg = {.kind = ES_WORKER_LOST, .epoch = epoch};
    uint64_t streams = key_parse(key) == caller->guilty ? 1 : caller->streams;
    if (caller->streams > 0) ES_SET(&msg, ES_M_LOAD, load, streams);
    publish(caller->sim, caller->broker, key_parse(key), &msg, NULL);
}

static void bury(sim_t *sim, int b, uint64_t inc)
{
    es_placement_t *placement = sim->houses[b].placement;
    char key[ES_KEY_MAX];
    caller_t caller = {sim, b, es_placement_worker_open(placement, inc), -1};
    size_t len = es_placement_worker_suspect(placement, inc, key);
    if (len > 0) caller.guilty = key_parse(es_span_of(key, len));
    es_placement_worker_lost(placement, inc, stream_lost, &caller);
}

static void unreachable(sim_t *sim, int b, uint64_t inc)
{
    world_trace(&sim->world, "broker-%d: worker %d is unreachable", b + 1, (int)inc);
    es_registry_remove(sim->houses[b].registry, inc);
    bury(sim, b, inc);
}

static void goodbye(sim_t *sim, int b, uint64_t inc)
{
    caller_t caller = {sim, b, 0, -1};
    es_registry_remove(sim->houses[b].registry, inc);
    es_placement_worker_lost(sim->houses[b].placement, inc, stream_lost, &caller);
}

static void move_away(sim_t *sim, int b, uint64_t inc)
{
    caller_t caller = {sim, b, 0, -1};
    const house_t *h = &sim->houses[b];
    if (!es_registry_find(h->registry, inc)->draining) return;
    sim->figures.moves += es_placement_worker_movable(h->placement, inc, sim->world.now, stream_lost, &caller);
}

static void tell(sim_t *sim, int b, uint64_t inc, int key, es_kind_t kind, uint64_t epoch)
{
    int w = worker_of(sim, inc);
    es_msg_t msg = {.kind = kind, .epoch = epoch};
    if (w >= 0) sim_send(sim, NODE_BROKER + b, NODE_WORKER + w, 0, key, &msg, NULL, 0);
}

static void hello(sim_t *sim, int b, const packet_t *packet)
{
    static es_decoder_t *decoder;
    house_t *h = &sim->houses[b];
    const es_msg_t *msg = &packet->msg;
    es_stream_ref_t refs[SIM_KEYS];
    if (worker_of(sim, msg->inc) < 0) return;
    if (!decoder) decoder = es_decoder_new();
    es_registry_hello(h->registry, msg->inc, msg, sim->world.now);
    es_placement_worker_up(h->placement, msg->inc, msg->service, msg->capacity);
    int n = es_streams_decode(decoder, packet->data, packet->len, refs, SIM_KEYS);
    for (int i = 0; i < n; i++)
        if (!es_placement_learn(h->placement, msg->inc, &refs[i], sim->world.now))
            tell(sim, b, msg->inc, key_parse(refs[i].key), ES_DROP, refs[i].epoch);
    es_placement_worker_listed(h->placement, msg->inc);
    es_placement_worker_load(h->placement, msg->inc, msg->load);
    move_away(sim, b, msg->inc);
}

static void heartbeat(sim_t *sim, int b, const es_msg_t *msg)
{
    house_t *h = &sim->houses[b];
    if (!es_registry_heartbeat(h->registry, msg->inc, msg, sim->world.now)) {
        tell(sim, b, msg->inc, -1, ES_WHO_ARE_YOU, 0);
        return;
    }
    if (es_placement_worker_load(h->placement, msg->inc, msg->load)) tell(sim, b, msg->inc, -1, ES_WHO_ARE_YOU, 0);
    move_away(sim, b, msg->inc);
}

/* A frame to a worker that is dead goes into the pipe of a dead peer, or that is noticed. */
static void forward(sim_t *sim, int b, uint64_t inc, const packet_t *packet)
{
    int w = worker_of(sim, inc);
    if (w >= 0)
        sim_send(sim, NODE_BROKER + b, NODE_WORKER + w, 0, packet->key, &packet->msg, packet->data, packet->len);
    else if (world_chance(&sim->world, 300))
        unreachable(sim, b, inc);
}

static void route(sim_t *sim, int b, const packet_t *packet)
{
    static const es_kind_t answers[] = {
        [ES_ROUTE_WAIT] = ES_WAIT, [ES_ROUTE_REFUSE] = ES_REFUSED, [ES_ROUTE_REWIND] = ES_REWIND};
    char key[ES_CLIENT_ID_LEN + 1];
    const es_msg_t *msg = &packet->msg;
    key_text(packet->key, key);
    es_route_t r = es_placement_route(sim->houses[b].placement, es_span(key), msg, sim->world.now);
    if (r.displaced) tell(sim, b, r.displaced, packet->key, ES_DROP, msg->epoch - 1);
    if (r.verdict == ES_ROUTE_FORWARD) {
        forward(sim, b, r.worker, packet);
    } else if (r.verdict != ES_ROUTE_DROP) {
        es_msg_t answer = {.kind = answers[r.verdict], .epoch = r.epoch};
        if (r.verdict == ES_ROUTE_WAIT) ES_SET(&answer, ES_M_PLACE, place, r.place);
        publish(sim, b, packet->key, &answer, NULL);
    }
    if (r.calls.len > 0) {
        es_msg_t call = {.kind = ES_WAIT, .epoch = r.calls_epoch};
        ES_SET(&call, ES_M_PLACE, place, 0);
        publish(sim, b, key_parse(r.calls), &call, NULL);
    }
    if (r.yields.len > 0 && sim->off != SAFE_YIELD)
        publish(sim, b, key_parse(r.yields), &(es_msg_t){.kind = ES_YIELD, .epoch = r.yields_epoch}, NULL);
}

/* Of a stream that is at another broker this one cannot know whose it is: some of what it brings is forged. */
static void relay(sim_t *sim, int b, const packet_t *packet)
{
    es_msg_t msg = packet->msg;
    bool own = sim->connections[packet->key].broker == b;
    if (!own && msg.kind == ES_FINAL && world_chance(&sim->world, 20)) msg.text = es_span("lies");
    publish(sim, b, packet->key, &msg, packet);
}

void house_receive(sim_t *sim, const packet_t *packet)
{
    const es_msg_t *msg = &packet->msg;
    int b = broker_of(packet);
    if (packet->from < NODE_WORKER)
        route(sim, b, packet);
    else if (msg->kind == ES_HELLO)
        hello(sim, b, packet);
    else if (msg->kind == ES_HEARTBEAT)
        heartbeat(sim, b, msg);
    else if (msg->kind == ES_GOODBYE)
        goodbye(sim, b, msg->inc);
    else
        relay(sim, b, packet);
    arm(sim, b, sim->world.now + MS(100)); /* a queue may have begun */
}

static void ping(void *ctx, uint64_t inc)
{
    const caller_t *caller = ctx;
    tell(caller->sim, caller->broker, inc, -1, ES_PING, 0);
}

static void silent(void *ctx, uint64_t inc, uint64_t silence_us)
{
    const caller_t *caller = ctx;
    world_trace(&caller->sim->world, "broker-%d: worker %d silent for %d ms", caller->broker + 1, (int)inc,
                (int)(silence_us / 1000));
    bury(caller->sim, caller->broker, inc);
}

static void say_beacon(sim_t *sim, int b)
{
    es_msg_t msg = {.kind = ES_BEACON};
    if (sim->houses[b].leave_at > 0) ES_SET(&msg, ES_M_FLAGS, flags, ES_F_LEAVING);
    for (int e = 0; e < sim->plan.edges; e++) sim_send(sim, NODE_BROKER + b, NODE_EDGE + e, 1, -1, &msg, NULL, 0);
    sim->houses[b].beacon_at = sim->world.now + BEACON_US;
}

void house_timer(sim_t *sim, int b)
{
    static const es_registry_ops_t ops = {.ping = ping, .lost = silent};
    node_t *node = &sim->nodes[NODE_BROKER + b];
    house_t *h = &sim->houses[b];
    if (node->state != RUNNING || sim->world.now < node->timer_at) return;
    node->timer_at = UINT64_MAX;
    if (h->leave_at > 0 && sim->world.now >= h->leave_at) {
        faults_kill(sim, NODE_BROKER + b);
        world_at(&sim->world, h->back_at, EV_START, NODE_BROKER + b, NULL);
        return;
    }
    caller_t caller = {sim, b, 0, -1};
    uint64_t at = es_registry_tick(h->registry, &ops, &caller, sim->world.now);
    uint64_t also = es_placement_tick(h->placement, sim->world.now);
    if (also < at) at = also;
    if (sim->plan.brokers > 1) { /* with one there is nothing to choose */
        if (sim->world.now >= h->beacon_at) say_beacon(sim, b);
        if (h->beacon_at < at) at = h->beacon_at;
    }
    arm(sim, b, h->leave_at > 0 && h->leave_at < at ? h->leave_at : at);
}

void house_leave(sim_t *sim, int b, uint64_t back_at)
{
    house_t *h = &sim->houses[b];
    if (h->leave_at > 0) return;
    h->leave_at = sim->world.now + LEAVE_US;
    h->back_at = back_at > h->leave_at ? back_at : h->leave_at + MS(100);
    say_beacon(sim, b);
    arm(sim, b, h->leave_at);
}

void house_start(sim_t *sim, int b)
{
    node_t *node = &sim->nodes[NODE_BROKER + b];
    house_t *h = &sim->houses[b];
    es_placement_config_t placement = es_placement_defaults();
    es_registry_config_t registry = es_registry_defaults();
    placement.stream_idle_us = SECONDS(20);
    placement.quarantine = sim->off == SAFE_QUARANTINE ? 0 : sim->plan.quarantine;
    if (sim->off == SAFE_SUSPECTS) placement.suspect = 0;
    placement.live_reserve = sim->plan.reserve;
    registry.max_actors = 64;
    node->life++;
    node->state = RUNNING;
    node->timer_at = UINT64_MAX;
    h->placement = es_placement_new(&placement, sim->world.now);
    h->registry = es_registry_new(&registry, sim->world.now);
    h->beacon_at = 0;
    h->leave_at = 0;
    arm(sim, b, sim->world.now);
}

void house_stop(sim_t *sim, int b)
{
    es_placement_destroy(&sim->houses[b].placement);
    es_registry_destroy(&sim->houses[b].registry);
}
