/* The keys that may sign tokens, from their files. One thread. */
#ifndef ES_JWT_KEYS_H
#define ES_JWT_KEYS_H

#include "jwt_token.h"
#include "principal.h"

#define ES_JWT_KEYS_MAX 16u
#define ES_JWT_FILE_MAX 16384u

typedef struct es_jwt_keys es_jwt_keys_t;

/* files: with commas. A key's id is its file's name without folder and ending. NULL with a sentence in err. */
es_jwt_keys_t *es_jwt_keys_load(const char *files, char *err, size_t err_len);
void es_jwt_keys_destroy(es_jwt_keys_t **self_p);
/* Who has signed the token, to be the `by` of its bearer; not a new reference. NULL: nobody that we know. Where the token names one of our keys, that one alone
 * is tried. */
es_principal_t *es_jwt_keys_signer(const es_jwt_keys_t *self, const es_jwt_token_t *token);
/* Is there a public key among them, whose other half signs for others too? */
bool es_jwt_keys_public(const es_jwt_keys_t *self);
/* Signers whose keys are in `fresh` too are taken over by it; the others are revoked, and their bearers with them. */
void es_jwt_keys_hand_over(es_jwt_keys_t *self, es_jwt_keys_t *fresh);

#endif
