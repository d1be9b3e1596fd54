/* One schedule from seed to verdict. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

/* No word anywhere for so long after all faults are over: stuck. More than it takes to forget an idle stream, whose place others may wait for. */
#define PATIENCE SECONDS(60)
#define FRESH offsetof(sim_t, plan) /* from here on all is new in each schedule */

static void begin(sim_t *sim, uint64_t seed, safeguard_t off, bool trace)
{
    world_begin(&sim->world, seed, trace);
    memset((char *)sim + FRESH, 0, sizeof *sim - FRESH);
    sim->off = off;
    for (int i = 0; i < NODES; i++) {
        sim->nodes[i].inbox_end = &sim->nodes[i].inbox;
        sim->nodes[i].timer_at = UINT64_MAX;
    }
    faults_plan(sim);
    for (int i = 0; i < sim->plan.brokers; i++) house_start(sim, i);
    for (int i = 0; i < sim->plan.edges; i++) edge_start(sim, i);
    for (int i = 0; i < sim->plan.workers; i++) worker_start(sim, i);
    for (int i = 0; i < sim->plan.clients; i++) client_open(sim, i);
}

static void handle(sim_t *sim, const event_t *event)
{
    switch (event->kind) {
    case EV_PACKET:
        sim_arrive(sim, event->what);
        break;
    case EV_CLIENT:
        client_step(sim, event->who);
        break;
    case EV_LINE:
        client_hear(sim, event->what);
        break;
    case EV_CONNECT:
        client_connect(sim, event->who);
        break;
    case EV_HANGUP:
        connection_hangup(sim, event->who);
        break;
    case EV_SENDER:
        connection_timer(sim, event->who);
        break;
    case EV_EDGE:
        edge_timer(sim, event->who);
        break;
    case EV_WORKER:
        worker_timer(sim, event->who);
        break;
    case EV_BROKER:
        house_timer(sim, event->who);
        break;
    case EV_FAULT:
        faults_begin(sim, event->who);
        break;
    case EV_RECOVER:
        faults_end(sim, event->who);
        break;
    case EV_START:
        faults_start(sim, event->who);
        break;
    default:
        break;
    }
}

/* Streams that a sender, a receiver or a placement still holds. */
static size_t held(const sim_t *sim)
{
    size_t n = 0;
    for (int w = 0; w < SIM_WORKERS; w++)
        for (int i = 0; i < sim->keys; i++) n += sim->workers[w].streams[i] != NULL;
    for (int i = 0; i < sim->keys; i++) n += sim->connections[i].sender != NULL;
    for (int b = 0; b < SIM_BROKERS; b++) {
        if (!sim->houses[b].placement) continue;
        es_placement_stats_t stats;
        es_placement_stats(sim->houses[b].placement, &stats);
        n += stats.streams + stats.waiting;
    }
    return n;
}

static void end(sim_t *sim)
{
    for (event_t event; world_next(&sim->world, &event);) free(event.what);
    for (int i = 0; i < NODES; i++) sim_forget_inbox(&sim->nodes[i]);
    for (int i = 0; i < sim->keys; i++) es_sender_destroy(&sim->connections[i].sender);
    for (int w = 0; w < SIM_WORKERS; w++) worker_stop(sim, w);
    for (int b = 0; b < SIM_BROKERS; b++) house_stop(sim, b);
}

bool schedule_run(sim_t *sim, uint64_t seed, safeguard_t off, bool trace)
{
    begin(sim, seed, off, trace);
    uint64_t limit = sim->plan.calm_at + PATIENCE, deliveries = sim->figures.deliveries;
    event_t event;
    bool calm = false;
    while (!sim->world.failed && world_next(&sim->world, &event)) {
        if (event.at > limit) {
            if (calm) world_fail(&sim->world, "%zu streams held long after all ended", held(sim));
            check_stuck(sim);
            free(event.what);
            break;
        }
        sim->world.now = event.at;
        handle(sim, &event);
        if (sim->figures.deliveries != deliveries && sim->world.now + PATIENCE > limit)
            limit = sim->world.now + PATIENCE;
        deliveries = sim->figures.deliveries;
        if (!calm && client_all_finished(sim)) {
            calm = true;
            limit = (sim->world.now > sim->plan.calm_at ? sim->world.now : sim->plan.calm_at) + PATIENCE;
        }
        if (calm && sim->world.now >= sim->plan.calm_at && held(sim) == 0) break;
    }
    end(sim);
    return !sim->world.failed;
}
