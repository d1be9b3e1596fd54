/* The command line of a simulation: NAME [--schedules N] [--seed S] [--trace] [--safeguards]. Runs the schedules S, S+1, ... and stops at the first that
 * fails, with its trace. With --safeguards: runs them without one rule of the protocol at a time, and wants a failure each time. */
#ifndef ES_SIM_HARNESS_H
#define ES_SIM_HARNESS_H

#include "world.h"

typedef struct {
    const char *name;
    /* One schedule from seed to verdict. off: which safeguard is switched off, 0 none. True: all held. */
    bool (*run)(void *sim, uint64_t seed, int off, bool trace);
    world_t *(*world)(void *sim);
    /* The last schedule's plan, in words. */
    void (*describe)(const void *sim, char *out, size_t cap);
    /* What was counted in all schedules so far, in words. */
    void (*figures)(const void *sim, char *out, size_t cap);
    const char *const *safeguards; /* names; [0] is none */
    int safeguards_n;
} harness_t;

/* Exit status. */
int harness_main(const harness_t *self, void *sim, int argc, char **argv);

#endif
