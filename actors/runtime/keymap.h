/* A hash map from short byte strings (at most ES_KEYMAP_KEY) to pointers: open addressing, linear probing, deletion by shifting back.
 *
 * Keys are copied, values are not owned. Hashes are seeded at random for each map: keys come from outside. One thread. Adding or removing ends an
 * iteration.
 */
#ifndef ES_KEYMAP_H
#define ES_KEYMAP_H

#include "envelope.h"

#define ES_KEYMAP_KEY 64u /* a client_id, the id of a room */

typedef struct es_keymap es_keymap_t;

es_keymap_t *es_keymap_new(void);
void es_keymap_destroy(es_keymap_t **self_p);
/* The value, or NULL. */
void *es_keymap_get(const es_keymap_t *self, es_span_t key);
/* Adds a key that is not there yet; value is not NULL, the key of 1 to ES_KEYMAP_KEY bytes. */
void es_keymap_put(es_keymap_t *self, es_span_t key, void *value);
/* Takes the key out; its value, or NULL where it was not there. */
void *es_keymap_remove(es_keymap_t *self, es_span_t key);
size_t es_keymap_count(const es_keymap_t *self);
/* for (size_t at = 0; (value = es_keymap_next(map, &at));) in no order. */
void *es_keymap_next(const es_keymap_t *self, size_t *at);
/* A well-mixed hash of the bytes. */
uint64_t es_keymap_hash(uint64_t seed, es_span_t key);

#endif
