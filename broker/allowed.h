/* Who may come over tcp: the keys of KEYS/allowed, each with its role and name. Pure; one thread. */
#ifndef ES_ALLOWED_H
#define ES_ALLOWED_H

#include "keys.h"

#define ES_WHO_MAX (16u + 1u + ES_NAME_MAX) /* "role/name", as the User-Id of a peer's messages */

typedef struct {
    uint8_t key[ES_KEY_BYTES];
    es_role_t role;
    char who[ES_WHO_MAX + 1];
} es_allowed_entry_t;

typedef struct {
    es_allowed_entry_t *list;
    size_t count;
} es_allowed_t;

typedef struct {
    /* Somebody who was not there, or has another key now. */
    void (*added)(void *ctx, const char *who);
    /* A key that is not there any more: connections that were made with it are to be ended. */
    void (*revoked)(void *ctx, const char *who);
} es_allowed_ops_t;

/* Takes these keys for the whole list, and tells what that changes, once the list is the new one. Of two entries with one key the first counts. */
void es_allowed_replace(es_allowed_t *self, const es_keys_t *keys, const es_allowed_ops_t *ops, void *ctx);
void es_allowed_fini(es_allowed_t *self);

/* The entry of a key of ES_KEY_BYTES, or NULL. */
const es_allowed_entry_t *es_allowed_key(const es_allowed_t *self, es_span_t key);
/* The role of "role/name"; ES_ROLE_NONE where nobody of this identity may come. */
es_role_t es_allowed_role(const es_allowed_t *self, const char *who);

#endif
