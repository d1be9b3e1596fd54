#include "audio_headers.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Digits up to the end or `stop`; false where there is none or the number is beyond any file. */
static bool number(const char **at, const char *end, uint64_t *out)
{
    const char *from = *at;
    *out = 0;
    for (; *at < end && **at >= '0' && **at <= '9'; (*at)++) {
        if (*out > UINT64_MAX / 10 - 1) return false;
        *out = *out * 10 + (uint64_t)(**at - '0');
    }
    return *at > from;
}

static es_range_t suffix(uint64_t last, uint64_t size, uint64_t *from, uint64_t *to)
{
    if (!last || !size) return ES_RANGE_NONE;
    *from = last < size ? size - last : 0;
    *to = size - 1;
    return ES_RANGE_PART;
}

es_range_t es_range_parse(es_span_t value, uint64_t size, uint64_t *from, uint64_t *to)
{
    static const char unit[] = "bytes=";
    const size_t n = sizeof unit - 1;
    if (value.len <= n || strncasecmp(value.ptr, unit, n) != 0) return ES_RANGE_ALL;
    const char *at = value.ptr + n, *end = value.ptr + value.len;
    bool begins = number(&at, end, from);
    if (at >= end || *at++ != '-') return ES_RANGE_ALL;
    bool ends = number(&at, end, to);
    if (at < end || (!begins && !ends)) return ES_RANGE_ALL;
    if (!begins) return suffix(*to, size, from, to);
    if (ends && *to < *from) return ES_RANGE_ALL;
    if (*from >= size) return ES_RANGE_NONE;
    if (!ends || *to >= size) *to = size - 1;
    return ES_RANGE_PART;
}

/* ---- the name */

static const char *last_part(const char *name)
{
    for (const char *c = name; *c; c++)
        if (*c == '/' || *c == '\\') name = c + 1;
    while (*name == '.' || *name == ' ') name++;
    return *name ? name : "recording";
}

static bool plain(char c)
{
    return c >= ' ' && c < 127 && !strchr("\"\\%;:*?<>|", c);
}

/* attr-char of RFC 8187 */
static bool unescaped(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("!#$&+-.^_`|~", c));
}

static size_t ascii(const char *name, char *out)
{
    size_t used = 0;
    for (const char *c = name; *c; c++) {
        if (((unsigned char)*c & 0xc0) == 0x80) continue; /* one `_` a character */
        out[used++] = plain(*c) ? *c : '_';
    }
    out[used] = 0;
    return used;
}

void es_disposition(const char *file_name, char out[ES_DISPOSITION_MAX])
{
    static const char hex[] = "0123456789ABCDEF";
    char name[256], simple[256];
    snprintf(name, sizeof name, "%s", last_part(file_name));
    ascii(name, simple);
    int n = snprintf(out, ES_DISPOSITION_MAX, "attachment; filename=\"%s\"", simple);
    if (!es_utf8_valid(name, strlen(name)) || !strcmp(name, simple)) return;
    n += snprintf(out + n, ES_DISPOSITION_MAX - (size_t)n, "; filename*=UTF-8''");
    char *at = out + n;
    for (const char *c = name; *c; c++) {
        unsigned char byte = (unsigned char)(*c >= 0 && *c < ' ' ? '_' : *c);
        if (unescaped((char)byte)) {
            *at++ = (char)byte;
        } else {
            *at++ = '%';
            *at++ = hex[byte >> 4];
            *at++ = hex[byte & 15];
        }
    }
    *at = 0;
}
