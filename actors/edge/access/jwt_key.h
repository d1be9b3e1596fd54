/* One key that may sign tokens, from its file's bytes, and what it has signed. What a key is fixes the algorithms it verifies, so no public key is ever
 * taken for a secret, and "none" is nobody's:
 *
 *     secret of 32 bytes or more    HS256; from 48 bytes HS384, from 64 HS512
 *     RSA of 2048 to 8192 bits      RS256, RS384, RS512, PS256, PS384, PS512
 *     P-256, P-384, P-521           ES256, ES384, ES512
 *     Ed25519                       EdDSA
 *
 * The signature alone is libcrypto's work, with a key that was parsed once: libjwt reads the PEM anew for each token, which takes ten times as long as to verify
 * it, and whoever sends forged tokens would have the edge pay for that. Pure. */
#ifndef ES_JWT_KEY_H
#define ES_JWT_KEY_H

#include "envelope.h"
#include "jwt_token.h"

#define ES_JWT_SECRET_MIN 32u /* bytes */

typedef enum { ES_JWT_SECRET, ES_JWT_RSA, ES_JWT_EC, ES_JWT_ED } es_jwt_kind_t;

typedef struct {
    es_jwt_kind_t kind;
    unsigned bits;               /* of a secret, of a modulus, or of a curve: 256, 384, 521 */
    struct evp_pkey_st *public_; /* NULL: a secret */
    uint8_t *bytes;              /* the secret, or the public key as DER: by which keys are compared */
    size_t len;
} es_jwt_key_t;

/* 0, or -1 with a sentence in err that begins with `file`. */
int es_jwt_key_parse(es_jwt_key_t *self, es_span_t bytes, const char *file, char *err, size_t err_len);
/* Secrets are wiped before they are freed. */
void es_jwt_key_fini(es_jwt_key_t *self);
/* Is the token's algorithm one of this key's? Cheap. */
bool es_jwt_key_fits(const es_jwt_key_t *self, const es_jwt_token_t *token);
/* Has it signed the token, which fits? */
bool es_jwt_key_verifies(const es_jwt_key_t *self, const es_jwt_token_t *token);

#endif
