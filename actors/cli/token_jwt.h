/* Tokens are signed here, with a key from a file. */
#ifndef ES_TOKEN_JWT_H
#define ES_TOKEN_JWT_H

#include <jansson.h>
#include <stddef.h>

/* The claims, signed: to be freed. The key is a secret of at least 32 bytes (HS256), or a private key as PEM, of RSA (RS256) or of P-256, P-384 or P-521 (ES256
 * and so on). NULL with a sentence in err. */
char *es_token_sign(const char *key_file, const json_t *claims, char *err, size_t err_len);
/* Draws a secret for HS256 into a new file, for its owner alone. 0, or -1 with a sentence in err. */
int es_token_new_key(const char *file, char *err, size_t err_len);

#endif
