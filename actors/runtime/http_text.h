/* Grammar of HTTP's small words. Pure. */
#ifndef ES_HTTP_TEXT_H
#define ES_HTTP_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "envelope.h"

static inline bool es_http_is_digit(char c)
{
    return c >= '0' && c <= '9';
}
/* 0..15, -1 for what is no hexadecimal digit. */
int es_http_hex(char c);
/* One character or more, all of RFC 9110's tchar. */
bool es_http_is_token(es_span_t text);
/* A name or an IPv4 address, or an IPv6 address in brackets, and maybe a colon and a port. */
bool es_http_is_host(es_span_t text);
/* 16 bytes in base64 as an encoder writes them. */
bool es_http_is_websocket_key(es_span_t text);
/* Digits only, at most max: 0 or -1. */
int es_http_number(es_span_t text, uint64_t max, uint64_t *out);
/* Without spaces and tabs at both ends. */
es_span_t es_http_trim(es_span_t text);
void es_http_lower(char *text, size_t len);
/* Without regard to case; `other` is lower case. */
bool es_http_same(es_span_t text, const char *other);
/* Is this one of the members of a list with commas? Without regard to case. */
bool es_http_lists(es_span_t list, const char *member);
/* Decodes percent codes (and, with `form`, plus signs as spaces) from text into out, which may be text itself. 0 with *out_len, or -1: a code that is
 * none, or more than cap bytes. */
int es_http_decode(es_span_t text, bool form, char *out, size_t cap, size_t *out_len);
/* Decodes a path in place. -1: bad codes, control characters, not UTF-8, or a segment that is "." or "..". */
int es_http_decode_path(char *path, size_t len, size_t *out_len);

#endif
