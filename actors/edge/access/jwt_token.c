#include "jwt_token.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "alloc.h"
#include "base64url.h"
#include "json_fields.h"

enum { PARTS = 3 };

static int split(es_span_t text, es_span_t parts[PARTS])
{
    for (size_t i = 0; i < PARTS; i++) {
        const char *dot = text.len ? memchr(text.ptr, '.', text.len) : NULL;
        if ((dot == NULL) != (i == PARTS - 1)) return -1;
        size_t len = dot ? (size_t)(dot - text.ptr) : text.len;
        if (len == 0) return -1;
        parts[i] = es_span_of(text.ptr, len);
        if (dot) text = es_span_of(dot + 1, text.len - len - 1);
    }
    return 0;
}

static json_t *object_of(es_span_t part)
{
    uint8_t *bytes = es_alloc(part.len);
    long len = es_base64url_decode(part, bytes);
    json_t *object = NULL;
    if (len > 0 && !es_json_deeper((const char *)bytes, (size_t)len, ES_JWT_DEPTH_MAX))
        object = json_loadb((const char *)bytes, (size_t)len, JSON_REJECT_DUPLICATES, NULL);
    free(bytes);
    if (json_is_object(object)) return object;
    json_decref(object);
    return NULL;
}

static int copy(const json_t *text, char *out, size_t max)
{
    size_t len = json_string_length(text);
    if (!json_is_string(text) || len == 0 || len > max) return -1;
    memcpy(out, json_string_value(text), len + 1);
    return 0;
}

/* Tokens of other kinds may be signed by the same issuer, and say other things (RFC 8725, section 3.11). */
static bool is_access(const json_t *type)
{
    static const char *const types[] = {"JWT", "at+jwt", "application/at+jwt"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (json_is_string(type) && strcasecmp(json_string_value(type), types[i]) == 0) return true;
    return !type;
}

static int read_header(es_jwt_token_t *self, es_span_t part)
{
    json_t *header = object_of(part);
    const json_t *kid = json_object_get(header, "kid");
    int rc = header ? copy(json_object_get(header, "alg"), self->alg, ES_JWT_ALG_MAX) : -1;
    if (kid && copy(kid, self->kid, ES_JWT_KID_MAX) != 0) rc = -1;
    if (json_object_get(header, "crit") || !is_access(json_object_get(header, "typ"))) rc = -1;
    json_decref(header);
    return rc;
}

static int read_signature(es_jwt_token_t *self, es_span_t part)
{
    if (part.len > ES_BASE64URL_LEN(ES_JWT_SIGNATURE_MAX)) return -1;
    long len = es_base64url_decode(part, self->signature);
    self->signature_len = len > 0 ? (size_t)len : 0;
    return len > 0 ? 0 : -1;
}

int es_jwt_token_parse(es_jwt_token_t *self, es_span_t text)
{
    es_span_t parts[PARTS];
    *self = (es_jwt_token_t){.claims = NULL};
    if (split(text, parts) != 0 || read_signature(self, parts[2]) != 0 || read_header(self, parts[0]) != 0) return -1;
    self->signed_part = es_span_of(text.ptr, parts[0].len + 1 + parts[1].len);
    self->claims = object_of(parts[1]);
    return self->claims ? 0 : -1;
}

void es_jwt_token_fini(es_jwt_token_t *self)
{
    json_decref(self->claims);
    self->claims = NULL;
}
