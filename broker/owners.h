/* Whose a sender is: the prefix with which the client_ids of an edge or a jobs actor begin belongs to the key that used it first. Nobody else on tcp says anything in its
 * name.
 *
 *   used by a key                has it until its sender leaves, or until it has not used it for an hour; of more than ES_OWNERS_EACH the one goes that it used longest ago
 *   used by a peer of this       is never refused, whoever had it; has it for five seconds, so that what was used once, by mistake, keeps nobody out
 *   machine, who has no key
 *
 * Several processes with one key are one owner. Pure: no clock. One thread.
 */
#ifndef ES_OWNERS_H
#define ES_OWNERS_H

#include "envelope.h"

enum { ES_OWNERS_EACH = 1024 }; /* prefixes of one key */
#define ES_OWNERS_SILENCE_US UINT64_C(3600000000)
#define ES_OWNERS_LOCAL_US UINT64_C(5000000) /* senders of ours say something each second */

typedef struct es_owners es_owners_t;

/* seed: random in a process that talks to others. */
es_owners_t *es_owners_new(uint64_t seed);
void es_owners_destroy(es_owners_t **self_p);
/* `who` ("role/name"; "": a peer of this machine) says something under this key, a client_id or shaped like one. NULL: it may, and the prefix is its own now. Otherwise whose
 * it is; valid until the next call. */
const char *es_owners_claim(es_owners_t *self, es_span_t key, const char *who, uint64_t now_us);
/* May these two be one's? False: they are known to be two keys'. */
bool es_owners_same(const es_owners_t *self, es_span_t key, es_span_t other);
/* Its sender has left. */
void es_owners_release(es_owners_t *self, es_span_t key);
/* Forgets what has not been used for too long. */
void es_owners_tick(es_owners_t *self, uint64_t now_us);
/* Prefixes that are somebody's now. */
size_t es_owners_count(const es_owners_t *self);
/* Prefixes forgotten so far because their key used too many. */
uint64_t es_owners_pushed_out(const es_owners_t *self);

#endif
