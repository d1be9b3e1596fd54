/* Base64 for URLs (RFC 4648, section 5) without padding. Strict: each text has one value and each value one text. Pure. */
#ifndef ES_BASE64URL_H
#define ES_BASE64URL_H

#include <stdint.h>

#include "envelope.h"

/* Characters of n bytes. */
#define ES_BASE64URL_LEN(n) (((n)*4 + 2) / 3)

/* Writes ES_BASE64URL_LEN(len) characters and a NUL. */
void es_base64url_encode(const uint8_t *bytes, size_t len, char *out);
/* The number of bytes, at most text.len * 3 / 4; -1 where the text is no base64url, is padded, or is not what these bytes are encoded to. out may be NULL. */
long es_base64url_decode(es_span_t text, uint8_t *out);

#endif
