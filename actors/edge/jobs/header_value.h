/* Values of headers that have parameters: `form-data; name="audio"; filename="a \"b\".wav"`. Pure; works in the caller's memory, where quoted values are unescaped in place. */
#ifndef ES_HEADER_VALUE_H
#define ES_HEADER_VALUE_H

#include "envelope.h"

typedef struct {
    char *at, *end;
} es_header_params_t;

/* What stands before the first ';', without blanks, and where the parameters begin. */
es_header_params_t es_header_split(char *value, size_t len, es_span_t *item);
/* 1: the next parameter; 0: there are no more; -1: malformed. Spans point into the value. `\"` and `\\` are unescaped, another backslash is one: browsers
 * send names of files with them. */
int es_header_param(es_header_params_t *self, es_span_t *name, es_span_t *value);
/* Decodes `%41` in place. -1 where a '%' is not followed by two hex digits. */
int es_percent_decode(es_span_t *text, char *memory);
/* ASCII letters of either case are the same; lower: NUL-terminated, in lower case. */
bool es_header_is(es_span_t text, const char *lower);
/* Is every byte one of a token (RFC 9110), and is there one? */
bool es_header_token(es_span_t text);

#endif
