/* The form of a JWT: three parts of base64url with two JSON objects and a signature. Strict and pure: who has signed it, and what it claims, is looked at elsewhere. */
#ifndef ES_JWT_TOKEN_H
#define ES_JWT_TOKEN_H

#include <jansson.h>

#include "envelope.h"

#define ES_JWT_ALG_MAX 8u
#define ES_JWT_KID_MAX 128u
#define ES_JWT_DEPTH_MAX 8u        /* levels of JSON */
#define ES_JWT_SIGNATURE_MAX 1024u /* bytes: RSA of 8192 bits */

typedef struct {
    char alg[ES_JWT_ALG_MAX + 1]; /* as the token says, whatever it is */
    char kid[ES_JWT_KID_MAX + 1]; /* "": none */
    json_t *claims;               /* an object */
    es_span_t signed_part;        /* of the text that was parsed */
    uint8_t signature[ES_JWT_SIGNATURE_MAX];
    size_t signature_len;
} es_jwt_token_t;

/* 0, or -1 where it is none: other than three parts, a letter that is no base64url or more than one way to write it, JSON that is malformed, nested or has
 * a name twice, no alg, a typ of another kind of token, or an extension that must be understood (crit). */
int es_jwt_token_parse(es_jwt_token_t *self, es_span_t text);
void es_jwt_token_fini(es_jwt_token_t *self);

#endif
