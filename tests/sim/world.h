/* What every simulation stands on: a virtual clock with an agenda, randomness from one seed, a trace of the last lines, the first failure. */
#ifndef ES_SIM_WORLD_H
#define ES_SIM_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MS(n) ((uint64_t)(n)*1000u)
#define SECONDS(n) ((uint64_t)(n)*1000000u)

enum { WORLD_TRACE = 2000, WORLD_TRACE_LINE = 160 };

typedef struct {
    uint64_t at, order; /* order: in which they were planned */
    int kind, who;
    void *what;
} event_t;

typedef struct {
    uint64_t seed, random, now, order;
    event_t *heap;
    size_t events, cap;
    bool trace, failed;
    char failure[256];
    size_t lines_n;
    char lines[WORLD_TRACE][WORLD_TRACE_LINE];
} world_t;

/* All begins anew, at one second; the agenda is empty already. */
void world_begin(world_t *world, uint64_t seed, bool trace);
void world_fini(world_t *world);

uint64_t world_mix(uint64_t x);
uint64_t world_random(world_t *world);
uint64_t world_below(world_t *world, uint64_t n); /* 0..n-1 */
bool world_chance(world_t *world, uint32_t per_mille);

void world_at(world_t *world, uint64_t at, int kind, int who, void *what);
/* The next event, in the order of time and then of planning. False: there is none. */
bool world_next(world_t *world, event_t *out);

void world_trace(world_t *world, const char *format, ...) __attribute__((format(printf, 2, 3)));
void world_print_trace(const world_t *world);
/* The first failure counts; the schedule ends. */
void world_fail(world_t *world, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
