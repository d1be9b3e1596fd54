/* The keys that may sign tokens. What a key is fixes the algorithms it verifies: a secret HS256 (HS384 from 48 bytes, HS512 from 64), an RSA key RS256, RS384
 * and RS512, a key of P-256 ES256, of P-384 ES384, of P-521 ES512. So no public key is ever taken for a secret, and "none" is nobody's. Signatures are libjwt's
 * work, which knows no other algorithms. One thread. */
#ifndef ES_JWT_KEYS_H
#define ES_JWT_KEYS_H

#include "jwt_token.h"
#include "principal.h"

#define ES_JWT_KEYS_MAX 16u
#define ES_JWT_SECRET_MIN 32u /* bytes */
#define ES_JWT_FILE_MAX 16384u

typedef struct es_jwt_keys es_jwt_keys_t;

/* files: with commas. A key's id is its file's name without folder and ending. NULL with a sentence in err. */
es_jwt_keys_t *es_jwt_keys_load(const char *files, char *err, size_t err_len);
void es_jwt_keys_destroy(es_jwt_keys_t **self_p);
/* Who has signed the token, to be the `by` of its bearer; NULL: nobody that we know. `text` is what `token` was parsed from. Where the token names one of
 * our keys, that one alone is tried. */
es_principal_t *es_jwt_keys_signer(es_jwt_keys_t *self, const es_jwt_token_t *token, es_span_t text);
/* Signers whose keys are in `fresh` too are taken over by it; the others are revoked, and their bearers with them. */
void es_jwt_keys_hand_over(es_jwt_keys_t *self, es_jwt_keys_t *fresh);

#endif
