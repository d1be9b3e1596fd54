/* A hash map from short byte strings to pointers: open addressing, linear probing, deletion by shifting back (no tombstones).
 *
 * The map owns neither keys nor values: a key is normally a member of its value and must not change or move while it is in the map. Hashes are
 * SipHash-1-3 under a seed, since keys come from outside and colliding ones must not be computable. One thread.
 */
#ifndef ES_MAP_H
#define ES_MAP_H

#include "envelope.h"

typedef struct es_map es_map_t;

/* seed: random in a process that talks to others, fixed in a simulation. Dies on lack of memory. */
es_map_t *es_map_new(uint64_t seed);
void es_map_destroy(es_map_t **self_p);
/* The value, or NULL. */
void *es_map_get(const es_map_t *self, es_span_t key);
/* Adds a key that is not there yet (asserted); value is not NULL. */
void es_map_put(es_map_t *self, es_span_t key, void *value);
/* Takes the key out and returns its value, or NULL where it was not there. */
void *es_map_remove(es_map_t *self, es_span_t key);
size_t es_map_count(const es_map_t *self);
/* The hash that the map uses. */
uint64_t es_map_hash(const es_map_t *self, es_span_t key);

#endif
