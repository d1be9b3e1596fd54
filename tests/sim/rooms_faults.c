/* What goes wrong in a schedule, drawn from its seed. */
#include "rooms_sim.h"

static int some(sim_t *sim, int first, int n)
{
    return first + (int)world_below(&sim->world, (uint64_t)n);
}

static void draw_fault(sim_t *sim, fault_t *f)
{
    const plan_t *p = &sim->plan;
    uint64_t dice = world_below(&sim->world, 100);
    int actor = some(sim, NODE_ACTOR, p->actors), edge = some(sim, NODE_EDGE, p->edges);
    int broker = some(sim, NODE_BROKER, p->brokers);
    *f = (fault_t){.at = SECONDS(1) + world_below(&sim->world, SECONDS(7)),
                   .lasts = MS(50) + world_below(&sim->world, SECONDS(world_chance(&sim->world, 60) ? 25 : 4)),
                   .room = some(sim, 0, p->rooms)};
    static const struct {
        uint64_t below;
        fault_kind_t kind;
        int whose;
    } table[] = {{22, FAULT_KILL, 0}, {36, FAULT_STOP, 0}, {46, FAULT_KILL, 1},  {52, FAULT_STOP, 1},
                 {66, FAULT_KILL, 2}, {74, FAULT_STOP, 2}, {79, FAULT_CUT, 0},   {83, FAULT_CUT, 1},
                 {87, FAULT_CUT, 2},  {95, FAULT_DISK, 0}, {100, FAULT_DRAIN, 0}};
    const int nodes[] = {actor, broker, edge};
    size_t i = 0;
    while (dice >= table[i].below) i++;
    f->kind = table[i].kind;
    f->node = nodes[table[i].whose];
}

static void draw_network(sim_t *sim, plan_t *p)
{
    world_t *w = &sim->world;
    if (world_chance(w, 500)) p->loss = (uint32_t)world_below(w, world_chance(w, 300) ? 200 : 30);
    if (world_chance(w, 300)) p->dup = (uint32_t)world_below(w, 100);
    if (world_chance(w, 200)) p->reorder = (uint32_t)world_below(w, 100);
    p->delay_us = 50 + world_below(w, world_chance(w, 200) ? MS(100) : MS(2));
    p->jitter_us = world_below(w, world_chance(w, 200) ? MS(50) : MS(1));
    p->turn_us = world_below(w, MS(3));
    p->sync_us = world_below(w, world_chance(w, 200) ? MS(60) : MS(5));
    p->idle_us = MS(200) + world_below(w, SECONDS(5));
}

static void draw_sizes(sim_t *sim, plan_t *p)
{
    world_t *w = &sim->world;
    p->brokers = some(sim, 1, BROKERS);
    p->edges = some(sim, 1, EDGES);
    p->actors = some(sim, 1, ACTORS);
    p->clients = some(sim, 1, CLIENTS);
    p->rooms = some(sim, 1, ROOMS);
    p->history = world_chance(w, 300) ? 1 + world_below(w, world_chance(w, 600) ? 5 : 40) : 1000;
    p->backlog = 1 + world_below(w, 99);
    p->page = 8 + world_below(w, world_chance(w, 300) ? 4 : 248);
    p->held = world_chance(w, 300) ? world_below(w, 4) : 1024;
    p->pace_us = MS(50) + world_below(w, MS(600));
}

void faults_plan(sim_t *sim)
{
    plan_t *p = &sim->plan;
    *p = (plan_t){.faults = (int)world_below(&sim->world, FAULTS), .calm_at = SECONDS(8)};
    uint64_t trouble = 0;
    draw_sizes(sim, p);
    draw_network(sim, p);
    for (int i = 0; i < p->faults; i++) {
        fault_t *f = &p->fault[i];
        draw_fault(sim, f);
        if (i == 0 && world_chance(&sim->world, 40)) f->kind = FAULT_WIPE;
        if (f->at + f->lasts > p->calm_at) p->calm_at = f->at + f->lasts;
        trouble += f->lasts;
        world_at(&sim->world, f->at, EV_FAULT, i, NULL);
    }
    if (world_chance(&sim->world, 100)) p->linger_us = SECONDS(25);
    p->mild = trouble < SECONDS(6) && p->loss < 30;
}

static void kill_node(sim_t *sim, int node)
{
    if (node >= NODE_ACTOR) {
        actor_stop(sim, node - NODE_ACTOR);
    } else if (node >= NODE_EDGE) {
        edge_stop(sim, node - NODE_EDGE);
        for (int c = 0; c < sim->plan.clients; c++)
            if (sim->clients[c].conn > 0 && sim->clients[c].edge == node - NODE_EDGE) client_cut_off(sim, c);
    } else {
        broker_stop(sim, node - NODE_BROKER);
    }
}

static void trace(sim_t *sim, const fault_t *f)
{
    static const char *const words[FAULT_KINDS] = {"kill", "stop", "cut off", "disk", "drain", "wipe"};
    world_trace(&sim->world, "FAULT %s node %d, r%d, for %d ms", words[f->kind], f->node, f->room,
                (int)(f->lasts / 1000));
}

void faults_begin(sim_t *sim, int i)
{
    const fault_t *f = &sim->plan.fault[i];
    node_t *node = &sim->nodes[f->node];
    if (node->state != RUNNING) return;
    trace(sim, f);
    switch (f->kind) {
    case FAULT_KILL:
        kill_node(sim, f->node);
        break;
    case FAULT_STOP:
        node->state = STOPPED;
        break;
    case FAULT_CUT:
        sim->cut_until[f->node] = sim->world.now + f->lasts;
        return;
    case FAULT_DISK:
        sim->disk_fails_until = sim->world.now + f->lasts / 4;
        return;
    case FAULT_DRAIN:
        actor_drain(sim, f->node - NODE_ACTOR);
        break;
    default:
        store_wipe(sim, f->room);
        return;
    }
    world_at(&sim->world, sim->world.now + f->lasts, EV_RECOVER, i, NULL);
}

static void wake(sim_t *sim, int n)
{
    node_t *node = &sim->nodes[n];
    node->state = RUNNING;
    if (n >= NODE_ACTOR && node->busy) {
        actor_synced(sim, n - NODE_ACTOR);
        return;
    }
    if (n >= NODE_ACTOR) actor_turn(sim, n - NODE_ACTOR); /* what it was about to do */
    network_handle_inbox(sim, n);
    if (node->busy) return;
    node->timer_at = sim->world.now;
    if (n >= NODE_ACTOR)
        actor_timer(sim, n - NODE_ACTOR);
    else if (n >= NODE_EDGE)
        edge_timer(sim, n - NODE_EDGE);
    else
        broker_timer(sim, n - NODE_BROKER);
}

/* One that drained has not ended yet. */
static void restart_actor(sim_t *sim, int a)
{
    actor_stop(sim, a);
    actor_start(sim, a);
}

void faults_end(sim_t *sim, int i)
{
    int n = sim->plan.fault[i].node;
    world_trace(&sim->world, "node %d is back", n);
    if (sim->nodes[n].state == STOPPED)
        wake(sim, n);
    else if (n >= NODE_ACTOR)
        restart_actor(sim, n - NODE_ACTOR);
    else if (n >= NODE_EDGE)
        edge_start(sim, n - NODE_EDGE);
    else
        broker_start(sim, n - NODE_BROKER);
}
