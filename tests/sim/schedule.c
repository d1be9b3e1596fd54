/* One schedule from seed to verdict. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

/* No word anywhere for so long after all faults are over: stuck. More than it takes to forget an idle stream, whose place others may wait for. */
#define PATIENCE SECONDS(60)

static void begin(sim_t *sim, uint64_t seed, safeguard_t off, bool trace)
{
    event_t *heap = sim->heap;
    size_t cap = sim->cap;
    memset(sim, 0, offsetof(sim_t, lines));
    sim->n_lines = 0;
    sim->deliveries = sim->raises = sim->waits = sim->probes = 0;
    sim->heap = heap;
    sim->cap = cap;
    sim->seed = seed;
    sim->random = sim_mix(seed);
    sim->off = off;
    sim->trace = trace;
    sim->now = SECONDS(1);
    for (int i = 0; i < NODES; i++) {
        sim->nodes[i].inbox_end = &sim->nodes[i].inbox;
        sim->nodes[i].timer_at = UINT64_MAX;
    }
    faults_plan(sim);
    house_start(sim);
    for (int i = 0; i < sim->plan.workers; i++) worker_start(sim, i);
    for (int i = 0; i < sim->plan.clients; i++) {
        sim->clients[i].streams = 1 + (int)sim_below(sim, 3);
        client_open(sim, i);
        sim->clients[i].sim = sim;
    }
}

static void handle(sim_t *sim, const event_t *event)
{
    switch (event->kind) {
    case EV_PACKET:
        sim_arrive(sim, event->packet);
        break;
    case EV_CLIENT:
        client_step(sim, event->who);
        break;
    case EV_SENDER:
        client_timer(sim, event->who);
        break;
    case EV_WORKER:
        worker_timer(sim, event->who);
        break;
    case EV_BROKER:
        house_timer(sim);
        break;
    case EV_FAULT:
        faults_begin(sim, event->who);
        break;
    case EV_RECOVER:
        faults_end(sim, event->who);
        break;
    default:
        break;
    }
}

/* Streams that a receiver or the placement still holds. */
static size_t held(const sim_t *sim)
{
    size_t n = 0;
    for (int w = 0; w < SIM_WORKERS; w++)
        for (int i = 0; i < SIM_CLIENTS; i++) n += sim->workers[w].streams[i] != NULL;
    if (sim->house.placement) {
        es_placement_stats_t stats;
        es_placement_stats(sim->house.placement, &stats);
        n += stats.streams + stats.waiting;
    }
    return n;
}

static void end(sim_t *sim)
{
    for (event_t event; sim_next(sim, &event);) free(event.packet);
    for (int i = 0; i < NODES; i++) sim_forget_inbox(&sim->nodes[i]);
    for (int i = 0; i < SIM_CLIENTS; i++) es_sender_destroy(&sim->clients[i].sender);
    for (int w = 0; w < SIM_WORKERS; w++) worker_stop(sim, w);
    house_stop(sim);
}

bool schedule_run(sim_t *sim, uint64_t seed, safeguard_t off, bool trace)
{
    begin(sim, seed, off, trace);
    uint64_t limit = sim->plan.calm_at + PATIENCE, deliveries = 0;
    event_t event;
    bool calm = false;
    while (!sim->failed && sim_next(sim, &event)) {
        if (event.at > limit) {
            if (calm) sim_fail(sim, "%zu streams held long after all ended", held(sim));
            client_check_end(sim);
            free(event.packet);
            break;
        }
        sim->now = event.at;
        handle(sim, &event);
        if (sim->deliveries != deliveries && sim->now + PATIENCE > limit) limit = sim->now + PATIENCE;
        deliveries = sim->deliveries;
        if (!calm && client_all_finished(sim)) {
            calm = true;
            limit = (sim->now > sim->plan.calm_at ? sim->now : sim->plan.calm_at) + PATIENCE;
        }
        if (calm && sim->now >= sim->plan.calm_at && held(sim) == 0) break;
    }
    end(sim);
    return !sim->failed;
}
