/* The simulation of streams: see sim.h for what it is, harness.h for the command line. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "harness.h"
#include "sim.h"

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
             "%d clients, %d edges, %d brokers, %d workers, %d faults, loss %u, dup %u, reorder %u of 1000, window %u, "
             "retain %u",
             p->clients, p->edges, p->brokers, p->workers, p->faults, p->loss, p->dup, p->reorder, p->window_frames,
             p->retain_frames);
}

static void figures(const void *sim, char *out, size_t cap)
{
    const figures_t *f = &((const sim_t *)sim)->figures;
    snprintf(out, cap,
             "%" PRIu64 " finals, %" PRIu64 " raises, %" PRIu64 " probes, %" PRIu64 " waits, %" PRIu64
             " moves, %" PRIu64 " changes of broker, %" PRIu64 " resumed, %" PRIu64 " refused, %" PRIu64 " yields",
             f->deliveries, f->raises, f->probes, f->waits, f->moves, f->rebrokers, f->resumes, f->refused, f->yields);
}

int main(int argc, char **argv)
{
    static const char *const safeguards[SAFE_MODES] = {
        "none",     "epoch",  "contiguity", "republish", "checkpoint", "retransmit", "order", "start",    "twice",
        "rebroker", "resume", "keep",       "one line",  "partials",   "quarantine", "yield", "suspects", "own broker"};
    static const harness_t harness = {.name = "sim",
                                      .run = run,
                                      .world = world,
                                      .describe = describe,
                                      .figures = figures,
                                      .safeguards = safeguards,
                                      .safeguards_n = SAFE_MODES};
    sim_t *sim = es_alloc_zero(sizeof *sim);
    int rc = harness_main(&harness, sim, argc, argv);
    world_fini(&sim->world);
    free(sim);
    return rc;
}
