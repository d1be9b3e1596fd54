/* What goes wrong in a schedule, drawn from its seed. */
#include "sim.h"

static void draw_fault(sim_t *sim, fault_t *f)
{
    uint64_t dice = sim_below(sim, 100);
    *f = (fault_t){.at = sim_below(sim, SECONDS(6)), .lasts = MS(50) + sim_below(sim, SECONDS(4))};
    int worker = NODE_WORKER + (int)sim_below(sim, (uint64_t)sim->plan.workers);
    f->client = (int)sim_below(sim, (uint64_t)sim->plan.clients);
    if (dice < 50) {
        f->kind = dice < 25 ? FAULT_KILL : FAULT_STOP;
        f->node = worker;
    } else if (dice < 70) {
        f->kind = dice < 62 ? FAULT_KILL : FAULT_STOP;
        f->node = NODE_BROKER;
    } else if (dice < 75) {
        f->kind = FAULT_STOP;
        f->node = NODE_EDGE;
    } else if (dice < 90) {
        f->kind = FAULT_CUT;
        f->node = sim_chance(sim, 300) ? NODE_EDGE : worker;
    } else {
        f->kind = dice < 95 ? FAULT_RAISE : FAULT_FORGET;
        f->node = worker;
    }
}

void faults_plan(sim_t *sim)
{
    plan_t *p = &sim->plan;
    *p = (plan_t){.clients = 1 + (int)sim_below(sim, SIM_CLIENTS), .workers = 1 + (int)sim_below(sim, SIM_WORKERS)};
    p->faults = (int)sim_below(sim, 8);
    if (sim_chance(sim, 500)) p->loss = (uint32_t)sim_below(sim, sim_chance(sim, 300) ? 200 : 30);
    if (sim_chance(sim, 300)) p->dup = (uint32_t)sim_below(sim, 100);
    if (sim_chance(sim, 200)) p->reorder = (uint32_t)sim_below(sim, 100);
    p->delay_us = 50 + sim_below(sim, sim_chance(sim, 200) ? MS(100) : MS(2));
    p->jitter_us = sim_below(sim, sim_chance(sim, 200) ? MS(50) : MS(1));
    p->max_segment = 1 + (uint32_t)sim_below(sim, ENGINE_SEGMENT_MAX);
    p->window_frames = 1 + (uint32_t)sim_below(sim, 40);
    p->window_bytes = sim_chance(sim, 200) ? 40 : 1u << 20;
    p->retain_frames = 2 * (ENGINE_SEGMENT_MAX + ENGINE_AHEAD_MAX) + 1 + (uint32_t)sim_below(sim, 60);
    p->decode_us = sim_chance(sim, 500) ? sim_below(sim, MS(400)) : 0;
    p->whimsical = sim_chance(sim, 250);
    p->partials = sim_chance(sim, 300);
    for (int i = 0; i < SIM_WORKERS; i++) p->capacity[i] = 1 + (uint32_t)sim_below(sim, 4);
    p->calm_at = SECONDS(7);
    for (int i = 0; i < p->faults; i++) {
        draw_fault(sim, &p->fault[i]);
        if (p->fault[i].at + p->fault[i].lasts > p->calm_at) p->calm_at = p->fault[i].at + p->fault[i].lasts;
        sim_at(sim, p->fault[i].at, EV_FAULT, i, NULL);
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
    static const char *const words[FAULT_KINDS] = {"kill", "stop", "raise", "forget", "cut off"};
    const fault_t *f = &sim->plan.fault[i];
    client_t *c = &sim->clients[f->client];
    if (sim->nodes[f->node].state != RUNNING) return;
    sim_trace(sim, "FAULT %s node %d client %d for %d ms", words[f->kind], f->node, f->client, (int)(f->lasts / 1000));
    switch (f->kind) {
    case FAULT_KILL:
        kill_node(sim, f->node);
        break;
    case FAULT_STOP:
        sim->nodes[f->node].state = STOPPED;
        break;
    case FAULT_CUT:
        sim->cut_until[f->node] = sim->now + f->lasts;
        return;
    case FAULT_FORGET:
        worker_forget(sim, f->node - NODE_WORKER, f->client);
        return;
    case FAULT_RAISE:
        if (!c->sender) return;
        es_sender_raise(c->sender, sim->now);
        client_rearm(sim, f->client);
        return;
    default:
        return;
    }
    sim_at(sim, sim->now + f->lasts, EV_RECOVER, i, NULL);
}

static void wake(sim_t *sim, int node)
{
    sim->nodes[node].state = RUNNING;
    sim_handle_inbox(sim, node);
    if (node == NODE_EDGE) return; /* its timers keep asking */
    sim->nodes[node].timer_at = sim->now;
    if (node == NODE_BROKER)
        house_timer(sim);
    else
        worker_timer(sim, node - NODE_WORKER);
}

void faults_end(sim_t *sim, int i)
{
    int node = sim->plan.fault[i].node;
    sim_trace(sim, "node %d is back", node);
    if (sim->nodes[node].state == STOPPED)
        wake(sim, node);
    else if (node == NODE_BROKER)
        house_start(sim);
    else
        worker_start(sim, node - NODE_WORKER);
}
