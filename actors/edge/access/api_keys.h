/* API keys: long random texts that an operator gives to programs. The edge knows only their digests, from a file that `earshot token --api-key` writes:
 *
 *     # name   SHA-256 of the key, hex   rights, with commas   rooms, with commas (none said: all)
 *     ci       9f86d081884c7d65...       stream,jobs
 *     kiosk    60303ae22b998861...       stream,room.join      rooms=lobby,team-*
 *
 * Pure but for reading the file. One thread. */
#ifndef ES_API_KEYS_H
#define ES_API_KEYS_H

#include "principal.h"

#define ES_API_KEYS_MAX 1000u           /* keys of a file */
#define ES_API_KEYS_FILE_MAX (1u << 20) /* bytes of it */
#define ES_API_KEY_DIGEST 32u

typedef struct es_api_keys es_api_keys_t;

/* NULL with a sentence in err where the file is not as it should be, or others may read it. */
es_api_keys_t *es_api_keys_load(const char *file, char *err, size_t err_len);
/* The same from text; errors name `file`. */
es_api_keys_t *es_api_keys_parse(es_span_t text, const char *file, char *err, size_t err_len);
void es_api_keys_destroy(es_api_keys_t **self_p);
/* Whose key has this digest; not a new reference. NULL: nobody's. Takes the same time whichever it is. */
es_principal_t *es_api_keys_find(const es_api_keys_t *self, const uint8_t digest[ES_API_KEY_DIGEST]);
size_t es_api_keys_count(const es_api_keys_t *self);
/* Principals of keys that stand unchanged in `fresh` are taken over by it; the others are revoked. */
void es_api_keys_hand_over(es_api_keys_t *self, es_api_keys_t *fresh);

#endif
