/* What a signed token claims, against what is asked of it. Pure: time comes in.
 *
 *     sub     who it is; must be there
 *     exp     must be there; nbf and iat are looked at where they are
 *     aud     must name the audience, iss be the issuer, where the edge was told one
 *     rights  a list, or a text with blanks; else `scope` likewise. Names that are no rights give nothing
 *     rooms   a list of names and patterns, or one; without it the rights on rooms are for all of them */
#ifndef ES_JWT_CLAIMS_H
#define ES_JWT_CLAIMS_H

#include <jansson.h>

#include "principal.h"

#define ES_JWT_SUBJECT_MAX 200u /* bytes */

typedef struct {
    const char *audience, *issuer; /* NULL: any */
    uint64_t leeway_s;
} es_jwt_rules_t;

typedef struct {
    char name[ES_PRINCIPAL_NAME_MAX + 1]; /* "jwt:" and the subject */
    uint64_t expires;                     /* leeway included */
    es_grant_t grant;
} es_jwt_claims_t;

/* ES_WHO_OK, MALFORMED, EXPIRED, EARLY or FOREIGN. Where OK the grant is the caller's. */
es_who_t es_jwt_claims_check(es_jwt_claims_t *out, const json_t *claims, const es_jwt_rules_t *rules, uint64_t wall_s);

#endif
