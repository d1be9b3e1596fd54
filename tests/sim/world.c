#include "world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

void world_begin(world_t *world, uint64_t seed, bool trace)
{
    world->seed = seed;
    world->random = world_mix(seed);
    world->now = SECONDS(1);
    world->order = 0;
    world->trace = trace;
    world->failed = false;
    world->failure[0] = '\0';
    world->lines_n = 0;
}

void world_fini(world_t *world)
{
    free(world->heap);
    world->heap = NULL;
    world->events = world->cap = 0;
}

uint64_t world_mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

uint64_t world_random(world_t *world)
{
    world->random += UINT64_C(0x9e3779b97f4a7c15);
    return world_mix(world->random);
}

uint64_t world_below(world_t *world, uint64_t n)
{
    return world_random(world) % n;
}

bool world_chance(world_t *world, uint32_t per_mille)
{
    return per_mille > 0 && world_below(world, 1000) < per_mille;
}

static bool before(const event_t *a, const event_t *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

void world_at(world_t *world, uint64_t at, int kind, int who, void *what)
{
    if (world->events == world->cap) {
        size_t cap = world->cap > 0 ? world->cap * 2 : 256;
        event_t *heap = es_alloc(cap * sizeof *heap);
        if (world->events > 0) memcpy(heap, world->heap, world->events * sizeof *heap);
        free(world->heap);
        world->heap = heap;
        world->cap = cap;
    }
    event_t event = {.at = at, .order = world->order++, .kind = kind, .who = who, .what = what};
    size_t i = world->events++;
    for (size_t up; i > 0 && before(&event, &world->heap[up = (i - 1) / 2]); i = up) world->heap[i] = world->heap[up];
    world->heap[i] = event;
}

bool world_next(world_t *world, event_t *out)
{
    if (world->events == 0) return false;
    *out = world->heap[0];
    event_t last = world->heap[--world->events];
    size_t i = 0;
    for (size_t down; (down = 2 * i + 1) < world->events; i = down) {
        if (down + 1 < world->events && before(&world->heap[down + 1], &world->heap[down])) down++;
        if (!before(&world->heap[down], &last)) break;
        world->heap[i] = world->heap[down];
    }
    world->heap[i] = last;
    return true;
}

void world_trace(world_t *world, const char *format, ...)
{
    if (!world->trace) return;
    char *line = world->lines[world->lines_n++ % WORLD_TRACE];
    int at = snprintf(line, WORLD_TRACE_LINE, "%10.3f ms  ", (double)world->now / 1000.0);
    va_list args;
    va_start(args, format);
    vsnprintf(line + at, (size_t)(WORLD_TRACE_LINE - at), format, args);
    va_end(args);
}

void world_print_trace(const world_t *world)
{
    size_t first = world->lines_n > WORLD_TRACE ? world->lines_n - WORLD_TRACE : 0;
    if (first > 0) printf("... %zu lines before\n", first);
    for (size_t i = first; i < world->lines_n; i++) printf("%s\n", world->lines[i % WORLD_TRACE]);
}

void world_fail(world_t *world, const char *format, ...)
{
    if (world->failed) return;
    world->failed = true;
    va_list args;
    va_start(args, format);
    vsnprintf(world->failure, sizeof world->failure, format, args);
    va_end(args);
    world_trace(world, "FAILED: %s", world->failure);
}
