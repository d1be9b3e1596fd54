/* What goes wrong in a schedule, drawn from its seed. */
#include "sim.h"

static void draw_fault(sim_t *sim, fault_t *f)
{
    uint64_t dice = world_below(&sim->world, 100);
    *f = (fault_t){.at = world_below(&sim->world, SECONDS(6)), .lasts = MS(50) + world_below(&sim->world, SECONDS(4))};
    int worker = NODE_WORKER + (int)world_below(&sim->world, (uint64_t)sim->plan.workers);
    f->client = (int)world_below(&sim->world, (uint64_t)sim->plan.clients);
    if (dice < 50) {
        f->kind = dice < 22 ? FAULT_KILL : dice < 36 ? FAULT_STOP : FAULT_DRAIN;
        f->node = worker;
    } else if (dice < 70) {
        f->kind = dice < 62 ? FAULT_KILL : FAULT_STOP;
        f->node = NODE_BROKER;
    } else if (dice < 75) {
        f->kind = FAULT_STOP;
        f->node = NODE_EDGE;
    } else if (dice < 90) {
        f->kind = FAULT_CUT;
        f->node = world_chance(&sim->world, 300) ? NODE_EDGE : worker;
    } else {
        f->kind = dice < 95 ? FAULT_RAISE : FAULT_FORGET;
        f->node = worker;
    }
}

void faults_plan(sim_t *sim)
{
    plan_t *p = &sim->plan;
    *p = (plan_t){.clients = 1 + (int)world_below(&sim->world, SIM_CLIENTS),
                  .workers = 1 + (int)world_below(&sim->world, SIM_WORKERS)};
    p->faults = (int)world_below(&sim->world, 8);
    if (world_chance(&sim->world, 500))
        p->loss = (uint32_t)world_below(&sim->world, world_chance(&sim->world, 300) ? 200 : 30);
    if (world_chance(&sim->world, 300)) p->dup = (uint32_t)world_below(&sim->world, 100);
    if (world_chance(&sim->world, 200)) p->reorder = (uint32_t)world_below(&sim->world, 100);
    p->delay_us = 50 + world_below(&sim->world, world_chance(&sim->world, 200) ? MS(100) : MS(2));
    p->jitter_us = world_below(&sim->world, world_chance(&sim->world, 200) ? MS(50) : MS(1));
    p->max_segment = 1 + (uint32_t)world_below(&sim->world, ENGINE_SEGMENT_MAX);
    p->window_frames = 1 + (uint32_t)world_below(&sim->world, 40);
    p->window_bytes = world_chance(&sim->world, 200) ? 40 : 1u << 20;
    p->retain_frames = 2 * (ENGINE_SEGMENT_MAX + ENGINE_AHEAD_MAX) + 1 + (uint32_t)world_below(&sim->world, 60);
    p->decode_us = world_chance(&sim->world, 500) ? world_below(&sim->world, MS(400)) : 0;
    p->whimsical = world_chance(&sim->world, 250);
    p->partials = world_chance(&sim->world, 300);
    for (int i = 0; i < SIM_WORKERS; i++) p->capacity[i] = 1 + (uint32_t)world_below(&sim->world, 4);
    p->calm_at = SECONDS(7);
    for (int i = 0; i < p->faults; i++) {
        draw_fault(sim, &p->fault[i]);
        if (p->fault[i].at + p->fault[i].lasts > p->calm_at) p->calm_at = p->fault[i].at + p->fault[i].lasts;
        world_at(&sim->world, p->fault[i].at, EV_FAULT, i, NULL);
    }
}

static void kill_node(sim_t *sim, int node)
{
    sim->nodes[node].state = DEAD;
    sim->nodes[node].timer_at = UINT64_MAX;
    if (node == NODE_BROKER)
        house_stop(sim);
    else
        worker_stop(sim, node - NODE_WORKER);
}

void faults_begin(sim_t *sim, int i)
{
    static const char *const words[FAULT_KINDS] = {"kill", "stop", "raise", "forget", "cut off", "drain"};
    const fault_t *f = &sim->plan.fault[i];
    client_t *c = &sim->clients[f->client];
    if (sim->nodes[f->node].state != RUNNING) return;
    world_trace(&sim->world, "FAULT %s node %d client %d for %d ms", words[f->kind], f->node, f->client,
                (int)(f->lasts / 1000));
    switch (f->kind) {
    case FAULT_KILL:
        kill_node(sim, f->node);
        break;
    case FAULT_STOP:
        sim->nodes[f->node].state = STOPPED;
        break;
    case FAULT_CUT:
        sim->cut_until[f->node] = sim->world.now + f->lasts;
        return;
    case FAULT_DRAIN:
        worker_drain(sim, f->node - NODE_WORKER, sim->world.now + f->lasts);
        return;
    case FAULT_FORGET:
        worker_forget(sim, f->node - NODE_WORKER, f->client);
        return;
    case FAULT_RAISE:
        if (!c->sender) return;
        es_sender_raise(c->sender, sim->world.now);
        client_rearm(sim, f->client);
        return;
    default:
        return;
    }
    world_at(&sim->world, sim->world.now + f->lasts, EV_RECOVER, i, NULL);
}

static void wake(sim_t *sim, int node)
{
    sim->nodes[node].state = RUNNING;
    sim_handle_inbox(sim, node);
    if (node == NODE_EDGE) return; /* its timers keep asking */
    sim->nodes[node].timer_at = sim->world.now;
    if (node == NODE_BROKER)
        house_timer(sim);
    else
        worker_timer(sim, node - NODE_WORKER);
}

void faults_end(sim_t *sim, int i)
{
    int node = sim->plan.fault[i].node;
    if (sim->nodes[node].state == RUNNING) return; /* it drained meanwhile, and has started anew */
    world_trace(&sim->world, "node %d is back", node);
    if (sim->nodes[node].state == STOPPED)
        wake(sim, node);
    else
        faults_start(sim, node);
}

void faults_start(sim_t *sim, int node)
{
    if (sim->nodes[node].state != DEAD) return;
    if (node == NODE_BROKER)
        house_start(sim);
    else
        worker_start(sim, node - NODE_WORKER);
}
