/* Clock, events, randomness, trace. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "sim.h"

uint64_t sim_mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

uint64_t sim_random(sim_t *sim)
{
    sim->random += UINT64_C(0x9e3779b97f4a7c15);
    return sim_mix(sim->random);
}

uint64_t sim_below(sim_t *sim, uint64_t n)
{
    return sim_random(sim) % n;
}

bool sim_chance(sim_t *sim, uint32_t per_mille)
{
    return per_mille > 0 && sim_below(sim, 1000) < per_mille;
}

static bool before(const event_t *a, const event_t *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

void sim_at(sim_t *sim, uint64_t at, event_kind_t kind, int who, packet_t *packet)
{
    if (sim->events == sim->cap) {
        size_t cap = sim->cap > 0 ? sim->cap * 2 : 256;
        event_t *heap = es_alloc(cap * sizeof *heap);
        if (sim->events > 0) memcpy(heap, sim->heap, sim->events * sizeof *heap);
        free(sim->heap);
        sim->heap = heap;
        sim->cap = cap;
    }
    event_t event = {.at = at, .order = sim->order++, .kind = kind, .who = who, .packet = packet};
    size_t i = sim->events++;
    for (size_t up; i > 0 && before(&event, &sim->heap[up = (i - 1) / 2]); i = up) sim->heap[i] = sim->heap[up];
    sim->heap[i] = event;
}

bool sim_next(sim_t *sim, event_t *out)
{
    if (sim->events == 0) return false;
    *out = sim->heap[0];
    event_t last = sim->heap[--sim->events];
    size_t i = 0;
    for (size_t down; (down = 2 * i + 1) < sim->events; i = down) {
        if (down + 1 < sim->events && before(&sim->heap[down + 1], &sim->heap[down])) down++;
        if (!before(&sim->heap[down], &last)) break;
        sim->heap[i] = sim->heap[down];
    }
    sim->heap[i] = last;
    return true;
}

void sim_trace(sim_t *sim, const char *format, ...)
{
    if (!sim->trace) return;
    char *line = sim->lines[sim->n_lines++ % SIM_TRACE];
    int at = snprintf(line, SIM_TRACE_LINE, "%10.3f ms  ", (double)sim->now / 1000.0);
    va_list args;
    va_start(args, format);
    vsnprintf(line + at, (size_t)(SIM_TRACE_LINE - at), format, args);
    va_end(args);
}

static const char *node_name(int node)
{
    static const char *const names[NODES] = {"broker", "edge", "worker-1", "worker-2", "worker-3", "worker-4"};
    return names[node];
}

void sim_trace_msg(sim_t *sim, const char *what, const packet_t *packet)
{
    if (!sim->trace) return;
    const es_msg_t *m = &packet->msg;
    const es_catalogue_entry_t *entry = es_catalogue_find(m->kind);
    char more[80] = "";
    size_t at = 0;
#define SHOW(key, name, field)              \
    if (ES_HAS(m, key) && at < sizeof more) \
    at += (size_t)snprintf(more + at, sizeof more - at, " %s=%" PRIu64, name, m->field)
    SHOW(ES_M_BASE, "base", base);
    SHOW(ES_M_FROM, "from", from_seq);
    SHOW(ES_M_TO, "to", to_seq);
    SHOW(ES_M_EXPECTED, "exp", expected);
    SHOW(ES_M_COMMITTED, "com", committed);
    SHOW(ES_M_PLACE, "place", place);
    SHOW(ES_M_INC, "inc", inc);
#undef SHOW
    sim_trace(sim, "%-9s %s>%s c%d %s%s%s e%" PRIu64 " s%" PRIu64 "%s", what, node_name(packet->from),
              node_name(packet->to), packet->client, entry ? entry->name : "?", m->flags & ES_F_START ? " START" : "",
              m->flags & ES_F_EOS ? " EOS" : "", m->epoch, m->seq, more);
}

void sim_fail(sim_t *sim, const char *format, ...)
{
    if (sim->failed) return;
    sim->failed = true;
    va_list args;
    va_start(args, format);
    vsnprintf(sim->failure, sizeof sim->failure, format, args);
    va_end(args);
    sim_trace(sim, "FAILED: %s", sim->failure);
}
