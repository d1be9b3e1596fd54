/* What goes wrong in a schedule, drawn from its seed. */
#include "sim.h"

static int any_broker(sim_t *sim)
{
    return NODE_BROKER + (int)world_below(&sim->world, (uint64_t)sim->plan.brokers);
}

static int any_edge(sim_t *sim)
{
    return NODE_EDGE + (int)world_below(&sim->world, (uint64_t)sim->plan.edges);
}

static int any_worker(sim_t *sim)
{
    return NODE_WORKER + (int)world_below(&sim->world, (uint64_t)sim->plan.workers);
}

typedef int (*node_fn)(sim_t *sim);

/* Of 100. */
static const struct {
    uint32_t share;
    fault_kind_t kind;
    node_fn node;
} mixture[] = {
    {20, FAULT_KILL, any_worker}, {12, FAULT_STOP, any_worker},  {10, FAULT_DRAIN, any_worker},
    {6, FAULT_CUT, any_worker},   {4, FAULT_FORGET, any_worker}, {10, FAULT_KILL, any_broker},
    {5, FAULT_STOP, any_broker},  {4, FAULT_DRAIN, any_broker},  {4, FAULT_CUT, any_broker},
    {8, FAULT_KILL, any_edge},    {4, FAULT_STOP, any_edge},     {4, FAULT_DRAIN, any_edge},
    {2, FAULT_CUT, any_edge},     {4, FAULT_HANGUP, any_edge},   {3, FAULT_RAISE, any_edge},
};

static void draw_fault(sim_t *sim, fault_t *f)
{
    uint64_t dice = world_below(&sim->world, 100);
    *f = (fault_t){.at = world_below(&sim->world, SECONDS(6)), .lasts = MS(50) + world_below(&sim->world, SECONDS(4))};
    f->client = (int)world_below(&sim->world, (uint64_t)sim->plan.clients);
    size_t i = 0;
    for (; dice >= mixture[i].share; i++) dice -= mixture[i].share;
    f->kind = mixture[i].kind;
    f->node = mixture[i].node(sim);
    /* The first of a kind always comes back. */
    bool last_resort = f->node == NODE_BROKER || f->node == NODE_EDGE || f->node >= NODE_WORKER;
    f->forever = f->kind == FAULT_KILL && !last_resort && world_chance(&sim->world, 400);
}

static void draw_network(sim_t *sim, plan_t *p)
{
    world_t *w = &sim->world;
    if (world_chance(w, 500)) p->loss = (uint32_t)world_below(w, world_chance(w, 300) ? 200 : 30);
    if (world_chance(w, 300)) p->dup = (uint32_t)world_below(w, 100);
    if (world_chance(w, 200)) p->reorder = (uint32_t)world_below(w, 100);
    p->delay_us = 50 + world_below(w, world_chance(w, 200) ? MS(100) : MS(2));
    p->jitter_us = world_below(w, world_chance(w, 200) ? MS(50) : MS(1));
    p->line_us = world_below(w, world_chance(w, 300) ? MS(300) : MS(5));
}

static void draw_sizes(sim_t *sim, plan_t *p)
{
    world_t *w = &sim->world;
    p->clients = 1 + (int)world_below(w, SIM_CLIENTS);
    p->workers = 1 + (int)world_below(w, SIM_WORKERS);
    p->brokers = 1 + (int)world_below(w, SIM_BROKERS);
    p->edges = 1 + (int)world_below(w, SIM_EDGES);
    p->faults = (int)world_below(w, 8);
    p->max_segment = 1 + (uint32_t)world_below(w, ENGINE_SEGMENT_MAX);
    p->window_frames = 1 + (uint32_t)world_below(w, 40);
    p->window_bytes = world_chance(w, 200) ? 40 : 1u << 20;
    p->retain_frames = 2 * (ENGINE_SEGMENT_MAX + ENGINE_AHEAD_MAX) + 1 + (uint32_t)world_below(w, 60);
    p->batch = world_chance(w, 500) ? (uint32_t)world_below(w, 1000) : 0;
    p->reserve = world_below(w, 2);
    for (int i = 0; i < SIM_WORKERS; i++) p->capacity[i] = 1 + (uint32_t)world_below(w, 4);
}

/* Fewer places than streams, and some of those from a disk: who speaks must not wait for them. */
static void make_scarce(sim_t *sim, plan_t *p)
{
    p->brokers = p->workers = 1;
    p->capacity[0] = 1 + (uint32_t)world_below(&sim->world, 3);
    p->batch = 500;
    p->batch_interval_us = MS(500);
    if (p->clients < 3) p->clients = 3;
}

void faults_plan(sim_t *sim)
{
    plan_t *p = &sim->plan;
    world_t *w = &sim->world;
    *p = (plan_t){0};
    draw_sizes(sim, p);
    draw_network(sim, p);
    p->batch_interval_us = MS(100);
    if (world_chance(w, 150)) make_scarce(sim, p);
    p->decode_us = world_chance(w, 500) ? world_below(w, MS(400)) : 0;
    p->whimsical = world_chance(w, 250);
    p->partials = world_chance(w, 300);
    /* A broker hears only with the next heartbeat what a worker has of another broker: with two, an innocent stream may be blamed. */
    p->poisoned = p->brokers == 1 && world_chance(w, 150) ? (int)world_below(w, (uint64_t)p->clients) : -1;
    if (p->poisoned >= 0 && p->faults > 2) p->faults = 2; /* every death takes its time */
    p->quarantine =
        (uint64_t)p->faults + 8; /* more deaths than bad luck brings, and than an innocent suspect is blamed for */
    p->calm_at = SECONDS(7);
    for (int i = 0; i < p->faults; i++) {
        draw_fault(sim, &p->fault[i]);
        if (p->fault[i].at + p->fault[i].lasts > p->calm_at) p->calm_at = p->fault[i].at + p->fault[i].lasts;
        world_at(w, p->fault[i].at, EV_FAULT, i, NULL);
    }
}

typedef enum { BROKER, EDGE, WORKER } kind_t;

static kind_t kind_of(int node, int *index)
{
    kind_t kind = node < NODE_EDGE ? BROKER : node < NODE_WORKER ? EDGE : WORKER;
    *index = node - (kind == BROKER ? NODE_BROKER : kind == EDGE ? NODE_EDGE : NODE_WORKER);
    return kind;
}

/* What each kind of process does with it. */
static const struct {
    void (*start)(sim_t *sim, int index), (*stop)(sim_t *sim, int index), (*wake)(sim_t *sim, int index);
} kinds[] = {[BROKER] = {house_start, house_stop, house_timer},
             [EDGE] = {edge_start, edge_stop, edge_timer},
             [WORKER] = {worker_start, worker_stop, worker_timer}};

void faults_kill(sim_t *sim, int node)
{
    int index;
    kind_t kind = kind_of(node, &index);
    if (sim->nodes[node].state == DEAD) return;
    sim->nodes[node].state = DEAD;
    sim->nodes[node].timer_at = UINT64_MAX;
    sim_forget_inbox(&sim->nodes[node]);
    kinds[kind].stop(sim, index);
}

void faults_start(sim_t *sim, int node)
{
    int index;
    kind_t kind = kind_of(node, &index);
    if (sim->nodes[node].state == DEAD) kinds[kind].start(sim, index);
}

static void wake(sim_t *sim, int node)
{
    int index;
    kind_t kind = kind_of(node, &index);
    sim->nodes[node].state = RUNNING;
    sim_handle_inbox(sim, node);
    if (sim->nodes[node].state != RUNNING) return;
    sim->nodes[node].timer_at = sim->world.now;
    kinds[kind].wake(sim, index);
}

static void hang_up(sim_t *sim, int client)
{
    client_reconnect(sim, client, true, sim->world.now + world_below(&sim->world, MS(200)));
}

/* Some clients wait for an edge that says nothing, others try another one. */
static void stop(sim_t *sim, int node)
{
    sim->nodes[node].state = STOPPED;
    for (int i = 0; i < sim->plan.clients; i++) {
        int key = sim->clients[i].key;
        if (key >= 0 && sim->connections[key].edge == node - NODE_EDGE && world_chance(&sim->world, 500))
            hang_up(sim, i);
    }
}

static void drain(sim_t *sim, int node, uint64_t until)
{
    int index;
    kind_t kind = kind_of(node, &index);
    if (kind == WORKER)
        worker_drain(sim, index, until);
    else if (kind == EDGE)
        edge_drain(sim, index);
    else
        house_leave(sim, index, until);
}

static void raise_stream(sim_t *sim, int client)
{
    int key = sim->clients[client].key;
    connection_t *at = key >= 0 ? &sim->connections[key] : NULL;
    if (!at || !at->sender || sim->nodes[NODE_EDGE + at->edge].state != RUNNING) return;
    es_sender_raise(at->sender, sim->world.now);
    connection_rearm(at);
}

static void forget(sim_t *sim, int node, int client)
{
    int key = sim->clients[client].key;
    if (key >= 0) worker_forget(sim, node - NODE_WORKER, key);
}

void faults_begin(sim_t *sim, int i)
{
    static const char *const words[FAULT_KINDS] = {"kill", "stop", "raise", "forget", "cut off", "drain", "hang up"};
    const fault_t *f = &sim->plan.fault[i];
    uint64_t until = sim->world.now + f->lasts;
    if (sim->nodes[f->node].state != RUNNING) return;
    world_trace(&sim->world, "FAULT %s node %d client %d for %d ms%s", words[f->kind], f->node, f->client,
                (int)(f->lasts / 1000), f->forever ? ", for good" : "");
    if (f->kind == FAULT_KILL) faults_kill(sim, f->node);
    if (f->kind == FAULT_STOP) stop(sim, f->node);
    if (f->kind == FAULT_CUT) sim->cut_until[f->node] = until;
    if (f->kind == FAULT_DRAIN) drain(sim, f->node, until);
    if (f->kind == FAULT_HANGUP) hang_up(sim, f->client);
    if (f->kind == FAULT_FORGET) forget(sim, f->node, f->client);
    if (f->kind == FAULT_RAISE) raise_stream(sim, f->client);
    if (!f->forever) world_at(&sim->world, until, EV_RECOVER, i, NULL);
}

void faults_end(sim_t *sim, int i)
{
    int node = sim->plan.fault[i].node;
    fault_kind_t kind = sim->plan.fault[i].kind;
    bool down = kind == FAULT_KILL || kind == FAULT_STOP || kind == FAULT_DRAIN;
    if (!down || sim->nodes[node].state == RUNNING) return; /* it drained meanwhile, and has started anew */
    world_trace(&sim->world, "node %d is back", node);
    if (sim->nodes[node].state == STOPPED)
        wake(sim, node);
    else
        faults_start(sim, node);
}
