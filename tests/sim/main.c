/* sim --schedules N --seed S [--trace] [--safeguards]: runs the schedules S, S+1, ... and stops at the first that fails, with its trace. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alloc.h"
#include "sim.h"

typedef struct {
    uint64_t schedules, seed;
    bool trace, safeguards;
} options_t;

static int parse_number(const char *name, const char *text, uint64_t *out)
{
    char *rest;
    errno = 0;
    *out = strtoull(text, &rest, 10);
    if (errno == 0 && rest != text && *rest == '\0' && text[0] != '-') return 0;
    fprintf(stderr, "sim: --%s '%s' is not a whole number\n", name, text);
    return -1;
}

static int parse(options_t *options, int argc, char **argv)
{
    static const struct option table[] = {{"schedules", required_argument, NULL, 'n'},
                                          {"seed", required_argument, NULL, 's'},
                                          {"trace", no_argument, NULL, 't'},
                                          {"safeguards", no_argument, NULL, 'g'},
                                          {NULL, 0, NULL, 0}};
    *options = (options_t){.schedules = 1000, .seed = 1};
    for (int c; (c = getopt_long(argc, argv, "", table, NULL)) != -1;) {
        if (c == 'n' && parse_number("schedules", optarg, &options->schedules) != 0) return -1;
        if (c == 's' && parse_number("seed", optarg, &options->seed) != 0) return -1;
        if (c == 't') options->trace = true;
        if (c == 'g') options->safeguards = true;
        if (c == '?') return -1;
    }
    return 0;
}

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void print_trace(const sim_t *sim)
{
    size_t first = sim->n_lines > SIM_TRACE ? sim->n_lines - SIM_TRACE : 0;
    if (first > 0) printf("... %zu lines before\n", first);
    for (size_t i = first; i < sim->n_lines; i++) printf("%s\n", sim->lines[i % SIM_TRACE]);
}

/* The same seed again, this time written down. */
static void explain(sim_t *sim, uint64_t seed, safeguard_t off)
{
    char failure[sizeof sim->failure];
    memcpy(failure, sim->failure, sizeof failure);
    schedule_run(sim, seed, off, true);
    print_trace(sim);
    const plan_t *p = &sim->plan;
    printf("seed %" PRIu64
           ": %d clients, %d workers, %d faults, loss %u, dup %u, reorder %u of 1000, window %u, retain %u\n",
           seed, p->clients, p->workers, p->faults, p->loss, p->dup, p->reorder, p->window_frames, p->retain_frames);
    printf("seed %" PRIu64 " FAILED: %s\n", seed, failure);
    if (strcmp(failure, sim->failure) != 0) printf("and replayed differently: %s\n", sim->failure);
}

static int run_all(sim_t *sim, const options_t *options)
{
    double start = cpu_seconds();
    uint64_t deliveries = 0, raises = 0, waits = 0, probes = 0;
    for (uint64_t i = 0; i < options->schedules; i++) {
        uint64_t seed = options->seed + i;
        bool good = schedule_run(sim, seed, SAFE_ALL, options->trace);
        if (!good) {
            explain(sim, seed, SAFE_ALL);
            return 1;
        }
        if (options->trace) print_trace(sim);
        deliveries += sim->deliveries;
        raises += sim->raises;
        waits += sim->waits;
        probes += sim->probes;
    }
    double spent = cpu_seconds() - start;
    printf("%" PRIu64 " schedules from seed %" PRIu64 ": nothing lost, doubled or stuck; %" PRIu64 " finals, %" PRIu64
           " raises, %" PRIu64 " probes, %" PRIu64 " waits; %.0f schedules a minute\n",
           options->schedules, options->seed, deliveries, raises, probes, waits,
           (double)options->schedules / spent * 60);
    return 0;
}

/* A simulation that finds nothing proves nothing: without any one of these it must fail. */
static int run_safeguards(sim_t *sim, const options_t *options)
{
    int missed = 0;
    for (safeguard_t off = SAFE_ALL + 1; off < SAFE_MODES; off++) {
        uint64_t i = 0;
        while (i < options->schedules && schedule_run(sim, options->seed + i, off, false)) i++;
        if (i < options->schedules)
            printf("without %-11s fails after %4" PRIu64 " schedules: %s\n", safeguard_name(off), i + 1, sim->failure);
        else
            printf("without %-11s NOT NOTICED in %" PRIu64 " schedules\n", safeguard_name(off), i);
        missed += i == options->schedules;
    }
    return missed > 0;
}

int main(int argc, char **argv)
{
    options_t options;
    if (parse(&options, argc, argv) != 0) {
        fprintf(stderr, "usage: sim [--schedules N] [--seed S] [--trace] [--safeguards]\n");
        return 2;
    }
    sim_t *sim = es_alloc_zero(sizeof *sim);
    int rc = options.safeguards ? run_safeguards(sim, &options) : run_all(sim, &options);
    free(sim->heap);
    free(sim);
    return rc;
}
