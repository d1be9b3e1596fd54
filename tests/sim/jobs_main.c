/* The simulation of jobs: see jobs_sim.h for what it is, harness.h for the command line. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "harness.h"
#include "jobs_sim.h"

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
    snprintf(out, cap, "%" PRIu64 " samples, loss %u, dup %u of 1000, latency %" PRIu64 " us, %d faults%s%s",
             p->samples, p->loss, p->duplicates, p->latency_us, p->faults, p->analysis ? "" : ", no analysis",
             p->cancel ? ", cancelled" : "");
}

static void figures(const void *sim, char *out, size_t cap)
{
    const figures_t *f = &((const sim_t *)sim)->figures;
    snprintf(out, cap,
             "%" PRIu64 " completed, %" PRIu64 " failed, %" PRIu64 " cancelled, %" PRIu64 " claims, %" PRIu64
             " finals, %" PRIu64 " actors killed at work, %" PRIu64 " writes fenced",
             f->completed, f->failed, f->cancelled, f->claims, f->finals, f->kills, f->stale);
}

int main(int argc, char **argv)
{
    static const char *const safeguards[SAFE_MODES] = {"none", "fence", "order", "checkpoint"};
    static const harness_t harness = {.name = "sim_jobs",
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
