/* Sessions outlive connections: a token proves on any edge that a new connection belongs to an old session. A token is
 *
 *     <session, 32 hex digits>.<issued, milliseconds since 1970, hex>.<HMAC-SHA256 of both under the edges' key, 64 hex digits>
 *
 * so edges need to share nothing but the key. Who knows a session but not its token can do nothing with it, and where clients say who they are, nobody but the one
 * to whom the token was given: the key of the HMAC is then one of that principal alone. Pure but for the key's file. */
#ifndef ES_SESSION_H
#define ES_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ES_SESSION_LEN 32u        /* hex digits */
#define ES_SESSION_TOKEN_MAX 128u /* bytes of a token */
#define ES_SESSION_KEY_LEN 32u    /* bytes */

typedef struct {
    uint8_t bytes[ES_SESSION_KEY_LEN];
} es_session_key_t;

/* Writes a token with a NUL. principal: whose it is, "" where nobody is asked. */
void es_session_issue(const es_session_key_t *key, const char *principal, const char session[ES_SESSION_LEN],
                      uint64_t now_ms, char token[ES_SESSION_TOKEN_MAX + 1]);
/* NULL and the session, where the token is this principal's and not older than lifetime_ms; else a sentence, static, that says what is wrong. */
const char *es_session_verify(const es_session_key_t *key, const char *principal, const char *token, uint64_t now_ms,
                              uint64_t lifetime_ms, char session[ES_SESSION_LEN + 1]);
/* Reads the key from `file`; where there is none, makes one there, readable by its owner alone. Several edges may do so at once. 0, or -1 with a
 * sentence in err. */
int es_session_key_load(es_session_key_t *key, const char *file, char *err, size_t err_len);

#endif
