/* One schedule from seed to verdict. */
#include <stdlib.h>
#include <string.h>

#include "rooms_sim.h"

/* So long after the last fault all must be well. A connection that has ended may be noticed 5 s later, an actor that starts anew gives edges 6 s, and
 * whoever is away leaves after 10 s. */
#define PATIENCE SECONDS(30)
#define SETTLING SECONDS(2) /* what was under way to a process that stood still has been heard */
#define MENDED SECONDS(5)   /* what an event or an old copy of a message disturbs is mended by then */
#define LOOK MS(200)        /* between two looks whether it is */
#define FRESH offsetof(sim_t, plan)

static void begin(sim_t *sim, uint64_t seed, safeguard_t off, bool trace)
{
    world_begin(&sim->world, seed, trace);
    memset((char *)sim + FRESH, 0, sizeof *sim - FRESH);
    sim->off = off;
    for (int i = 0; i < NODES; i++) {
        sim->nodes[i].inbox_end = &sim->nodes[i].inbox;
        sim->nodes[i].timer_at = NEVER;
    }
    faults_plan(sim);
    for (int b = 0; b < sim->plan.brokers; b++) broker_start(sim, b);
    for (int a = 0; a < sim->plan.actors; a++) actor_start(sim, a);
    for (int e = 0; e < sim->plan.edges; e++) edge_start(sim, e);
    for (int c = 0; c < sim->plan.clients; c++) client_start(sim, c);
}

static void end(sim_t *sim)
{
    for (event_t event; world_next(&sim->world, &event);) free(event.what);
    for (int e = 0; e < sim->plan.edges; e++) edge_stop(sim, e);
    for (int a = 0; a < sim->plan.actors; a++) actor_stop(sim, a);
    for (int b = 0; b < sim->plan.brokers; b++) broker_stop(sim, b);
    store_fini(sim);
}

/* Events of an actor's turn carry the life in which it began. */
static bool of_this_life(const sim_t *sim, int who)
{
    return (uint32_t)(who / NODES) == sim->nodes[who % NODES].life;
}

static void handle(sim_t *sim, const event_t *event)
{
    int who = event->who;
    switch ((event_kind_t)event->kind) {
    case EV_PACKET:
        network_arrive(sim, event->what);
        break;
    case EV_CLIENT:
        client_timer(sim, who - NODE_CLIENT);
        break;
    case EV_EDGE:
        edge_timer(sim, who - NODE_EDGE);
        break;
    case EV_BROKER:
        broker_timer(sim, who - NODE_BROKER);
        break;
    case EV_ACTOR:
        actor_timer(sim, who - NODE_ACTOR);
        break;
    case EV_TURN:
        if (of_this_life(sim, who)) actor_turn(sim, who % NODES - NODE_ACTOR);
        break;
    case EV_SYNCED:
        if (of_this_life(sim, who)) actor_synced(sim, who % NODES - NODE_ACTOR);
        break;
    case EV_FAULT:
        faults_begin(sim, who);
        break;
    case EV_RECOVER:
        faults_end(sim, who);
        break;
    }
}

static void say_goodbye(sim_t *sim)
{
    check_logs(sim);
    world_trace(&sim->world, "all is well: everybody leaves");
    sim->goodbye = true;
    for (int c = 0; c < sim->plan.clients; c++) client_leave(sim, c);
}

/* True where the schedule is over. */
static bool look_at_end(sim_t *sim, char *why, size_t cap)
{
    if (!check_empty(sim, why, cap)) return false;
    check_logs(sim);
    return true;
}

static void look_at_rest(sim_t *sim, char *why, size_t cap)
{
    bool good = check_settled(sim, why, cap);
    if (good && sim->well_at == 0) {
        sim->well_at = sim->world.now;
        for (int r = 0; r < ROOMS; r++) sim->well_rseq[r] = sim->tables[r].log ? sim->tables[r].log->at.last : 0;
    }
    if (good) sim->last_well_at = sim->world.now;
    if (sim->well_at > 0 && sim->world.now > sim->last_well_at + MENDED)
        world_fail(&sim->world, "it was well, and did not last: %s", why);
    if (good && sim->world.now >= sim->well_at + sim->plan.linger_us) say_goodbye(sim);
}

/* True where the schedule is over. */
static bool look(sim_t *sim)
{
    char why[128] = "";
    bool goes = sim->goodbye, well = sim->well_at > 0;
    uint64_t limit = goes ? sim->well_at + sim->plan.linger_us + PATIENCE : sim->plan.calm_at + PATIENCE;
    if (goes && look_at_end(sim, why, sizeof why)) return true;
    if (!goes) look_at_rest(sim, why, sizeof why);
    if ((goes || !well) && sim->world.now > limit) world_fail(&sim->world, "stuck: %s", why);
    return false;
}

bool schedule_run(sim_t *sim, uint64_t seed, safeguard_t off, bool trace)
{
    begin(sim, seed, off, trace);
    uint64_t look_at = sim->plan.calm_at + SETTLING;
    event_t event;
    while (!sim->world.failed && world_next(&sim->world, &event)) {
        sim->world.now = event.at;
        handle(sim, &event);
        if (sim->world.now < look_at) continue;
        if (look(sim)) break;
        look_at = sim->world.now + LOOK;
    }
    end(sim);
    return !sim->world.failed;
}
