/* The simulation of rooms: see rooms_sim.h for what it is, harness.h for the command line. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "harness.h"
#include "log.h"
#include "rooms_sim.h"

static bool run(void *sim, uint64_t seed, int off, bool trace)
{
    return schedule_run(sim, seed, (safeguard_t)off, trace);
}

static world_t *world(void *sim)
{
    return &((sim_t *)sim)->world;
}

static void describe(const void *sim, char *out, size_t cap)
{
    const plan_t *p = &((const sim_t *)sim)->plan;
    snprintf(out, cap,
             "%d brokers, %d edges, %d actors, %d clients, %d rooms, %d faults%s, loss %u, dup %u, reorder %u of 1000, "
             "history %" PRIu64,
             p->brokers, p->edges, p->actors, p->clients, p->rooms, p->faults, p->mild ? " (mild)" : "", p->loss,
             p->dup, p->reorder, p->history);
}

static void figures(const void *sim, char *out, size_t cap)
{
    const figures_t *f = &((const sim_t *)sim)->figures;
    snprintf(out, cap,
             "%" PRIu64 " events, %" PRIu64 " deliveries, %" PRIu64 " acknowledged, %" PRIu64
             " told of what is gone, %" PRIu64 " joins and leaves dropped, %" PRIu64 " transactions fenced, %" PRIu64
             " resets",
             f->events, f->deliveries, f->acknowledged, f->missed, f->dropped, f->fenced, f->resets);
}

int main(int argc, char **argv)
{
    static const char *const safeguards[SAFE_MODES] = {"none",   "fence", "dedupe", "cut",    "order",    "gap",
                                                       "resend", "tail",  "ask",    "commit", "announce", "hold"};
    static const harness_t harness = {.name = "sim_rooms",
                                      .run = run,
                                      .world = world,
                                      .describe = describe,
                                      .figures = figures,
                                      .safeguards = safeguards,
                                      .safeguards_n = SAFE_MODES};
    sim_t *sim = es_alloc_zero(sizeof *sim);
    sim->decoder = es_decoder_new();
    es_log_init("sim_rooms", ES_LOG_ERROR, false);
    int rc = harness_main(&harness, sim, argc, argv);
    world_fini(&sim->world);
    es_decoder_destroy(&sim->decoder);
    free(sim);
    return rc;
}
