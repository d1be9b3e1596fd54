/* Which actor answers for a room, or a question about jobs: rendezvous hashing of its id over the live actors of the service.
 *
 *     weight(actor, room) = hash(hash(0, the actor's name), the room's id)      the highest has it; among equals the higher incarnation
 *
 * Every broker chooses alike without a word between them, and an actor that comes, goes or drains moves its own rooms only. The name counts, not the
 * incarnation, so that a restarted actor has its rooms again. Nothing is remembered: who asked is heard by whoever is chosen at that moment, and the
 * store's terms keep two actors that both believe to have a room apart.
 *
 * Pure; one thread.
 */
#ifndef ES_RENDEZVOUS_H
#define ES_RENDEZVOUS_H

#include "registry.h"

/* The live actor of this service, not draining, that is chosen for this id; NULL: there is none. Valid until the registry changes. */
const es_actor_t *es_rendezvous_actor(const es_registry_t *registry, es_span_t service, es_span_t id);

#endif
