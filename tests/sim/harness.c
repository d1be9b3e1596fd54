#include "harness.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct {
    uint64_t schedules, seed;
    bool trace, safeguards;
} options_t;

static int parse_number(const char *program, const char *name, const char *text, uint64_t *out)
{
    char *rest;
    errno = 0;
    *out = strtoull(text, &rest, 10);
    if (errno == 0 && rest != text && *rest == '\0' && text[0] != '-') return 0;
    fprintf(stderr, "%s: --%s '%s' is not a whole number\n", program, name, text);
    return -1;
}

static int parse(options_t *options, const char *program, int argc, char **argv)
{
    static const struct option table[] = {{"schedules", required_argument, NULL, 'n'},
                                          {"seed", required_argument, NULL, 's'},
                                          {"trace", no_argument, NULL, 't'},
                                          {"safeguards", no_argument, NULL, 'g'},
                                          {NULL, 0, NULL, 0}};
    *options = (options_t){.schedules = 1000, .seed = 1};
    for (int c; (c = getopt_long(argc, argv, "", table, NULL)) != -1;) {
        if (c == 'n' && parse_number(program, "schedules", optarg, &options->schedules) != 0) return -1;
        if (c == 's' && parse_number(program, "seed", optarg, &options->seed) != 0) return -1;
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

/* The same seed again, this time written down. */
static void explain(const harness_t *self, void *sim, uint64_t seed)
{
    char plan[256], failure[sizeof self->world(sim)->failure];
    memcpy(failure, self->world(sim)->failure, sizeof failure);
    self->run(sim, seed, 0, true);
    world_print_trace(self->world(sim));
    self->describe(sim, plan, sizeof plan);
    printf("seed %" PRIu64 ": %s\n", seed, plan);
    printf("seed %" PRIu64 " FAILED: %s\n", seed, failure);
    if (strcmp(failure, self->world(sim)->failure) != 0)
        printf("and replayed differently: %s\n", self->world(sim)->failure);
}

static int run_all(const harness_t *self, void *sim, const options_t *options)
{
    double start = cpu_seconds();
    for (uint64_t i = 0; i < options->schedules; i++) {
        uint64_t seed = options->seed + i;
        if (!self->run(sim, seed, 0, options->trace)) {
            explain(self, sim, seed);
            return 1;
        }
        if (options->trace) world_print_trace(self->world(sim));
    }
    char figures[256];
    self->figures(sim, figures, sizeof figures);
    printf("%" PRIu64 " schedules from seed %" PRIu64 ": nothing lost, doubled or stuck; %s; %.0f schedules a minute\n",
           options->schedules, options->seed, figures, (double)options->schedules / (cpu_seconds() - start) * 60);
    return 0;
}

/* A simulation that finds nothing proves nothing: without any one of these it must fail. */
static int run_safeguards(const harness_t *self, void *sim, const options_t *options)
{
    int missed = 0;
    for (int off = 1; off < self->safeguards_n; off++) {
        uint64_t i = 0;
        while (i < options->schedules && self->run(sim, options->seed + i, off, false)) i++;
        if (i < options->schedules)
            printf("without %-11s fails after %4" PRIu64 " schedules: %s\n", self->safeguards[off], i + 1,
                   self->world(sim)->failure);
        else
            printf("without %-11s NOT NOTICED in %" PRIu64 " schedules\n", self->safeguards[off], i);
        missed += i == options->schedules;
    }
    return missed > 0;
}

int harness_main(const harness_t *self, void *sim, int argc, char **argv)
{
    options_t options;
    if (parse(&options, self->name, argc, argv) != 0) {
        fprintf(stderr, "usage: %s [--schedules N] [--seed S] [--trace] [--safeguards]\n", self->name);
        return 2;
    }
    return options.safeguards ? run_safeguards(self, sim, &options) : run_all(self, sim, &options);
}
