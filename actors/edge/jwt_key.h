/* One key that may sign tokens, from its file's bytes. Pure. */
#ifndef ES_JWT_KEY_H
#define ES_JWT_KEY_H

#include "envelope.h"

typedef enum { ES_JWT_SECRET, ES_JWT_RSA, ES_JWT_EC } es_jwt_kind_t;

typedef struct {
    es_jwt_kind_t kind;
    unsigned bits;  /* of a secret, or of the curve's field: 256, 384, 521 */
    uint8_t *bytes; /* the secret, or the public key as PEM */
    size_t len;
} es_jwt_key_t;

/* 0, or -1 with a sentence in err that begins with `file`. */
int es_jwt_key_parse(es_jwt_key_t *self, es_span_t bytes, const char *file, char *err, size_t err_len);
/* Wiped before it is freed. */
void es_jwt_key_fini(es_jwt_key_t *self);

#endif
