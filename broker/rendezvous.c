#include "rendezvous.h"

#include "keymap.h"

const es_actor_t *es_rendezvous_actor(const es_registry_t *registry, es_span_t service, es_span_t id)
{
    const es_actor_t *best = NULL, *actor;
    uint64_t most = 0;
    for (size_t i = 0; (actor = es_registry_at(registry, i)); i++) {
        if (actor->draining || !es_span_eq(es_span(actor->service), service)) continue;
        uint64_t weight = es_keymap_hash(es_keymap_hash(0, es_span(actor->name)), id);
        if (best && (weight < most || (weight == most && actor->inc < best->inc))) continue;
        most = weight;
        best = actor;
    }
    return best;
}
