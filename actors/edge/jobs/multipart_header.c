/* The headers of a part, and the boundary in a Content-Type. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "header_value.h"
#include "multipart.h"

enum { SHOWN = 64, CONTENT_TYPE_MAX = 1024 };

typedef struct {
    es_part_t *part;
    char *why;
    bool disposition, type, encoding; /* seen */
} headers_t;

typedef struct {
    es_span_t name, file_name, extended;
    bool has_name, has_file_name, has_extended;
} disposition_t;

__attribute__((format(printf, 2, 3))) static int refuse(char *why, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(why, ES_MULTIPART_MESSAGE_MAX, format, args);
    va_end(args);
    return -1;
}

static const char *shown(es_span_t text, char out[SHOWN + 1])
{
    out[es_utf8_repair(text, out, SHOWN)] = 0;
    return out;
}

static bool once(bool *seen)
{
    bool first = !*seen;
    *seen = true;
    return first;
}

static bool readable(es_span_t text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((uint8_t)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f) return false;
    return es_utf8_valid(text.ptr ? text.ptr : "", text.len);
}

static bool keep(bool *has, es_span_t *field, es_span_t value)
{
    *field = value;
    return once(has);
}

/* UTF-8''na%C3%AFve.wav */
static int extended_name(es_span_t value, char *memory, es_span_t *out, char *why)
{
    const char *first = memchr(value.ptr, '\'', value.len);
    const char *second = first ? memchr(first + 1, '\'', value.len - (size_t)(first + 1 - value.ptr)) : NULL;
    if (!second || !es_header_is(es_span_of(value.ptr, (size_t)(first - value.ptr)), "utf-8"))
        return refuse(why,
                      "The filename* of a part is not like UTF-8''talk%%20one.wav; no other character set is taken.");
    size_t skipped = (size_t)(second + 1 - value.ptr);
    *out = es_span_of(second + 1, value.len - skipped);
    if (es_percent_decode(out, memory + skipped))
        return refuse(why, "The filename* of a part has a %% that is not followed by two hexadecimal digits.");
    return 0;
}

static int read_params(es_header_params_t *params, disposition_t *found, char *why)
{
    es_span_t name, value;
    int rc;
    while ((rc = es_header_param(params, &name, &value)) > 0) {
        bool fine = true;
        if (es_header_is(name, "name"))
            fine = keep(&found->has_name, &found->name, value);
        else if (es_header_is(name, "filename"))
            fine = keep(&found->has_file_name, &found->file_name, value);
        else if (es_header_is(name, "filename*"))
            fine = keep(&found->has_extended, &found->extended, value);
        if (!fine) return refuse(why, "The Content-Disposition of a part has a parameter twice.");
    }
    return rc ? refuse(why,
                       "The Content-Disposition of a part is malformed; it must be like form-data; name=\"audio\"; "
                       "filename=\"talk.wav\".")
              : 0;
}

static int disposition(headers_t *self, char *value, size_t len)
{
    disposition_t found = {0};
    es_span_t item;
    char text[SHOWN + 1], *why = self->why;
    es_part_t *part = self->part;
    es_header_params_t params = es_header_split(value, len, &item);
    if (!once(&self->disposition)) return refuse(why, "A part has two Content-Disposition headers.");
    if (!es_header_is(item, "form-data"))
        return refuse(why, "The Content-Disposition of a part is \"%s\"; it must be form-data.", shown(item, text));
    if (read_params(&params, &found, why)) return -1;
    if (!found.name.len) return refuse(why, "A part has no name; its Content-Disposition must have name=\"...\".");
    part->name = found.name;
    part->file = found.has_file_name || found.has_extended;
    part->file_name = found.file_name;
    if (found.has_extended &&
        extended_name(found.extended, value + (found.extended.ptr - value), &part->file_name, why))
        return -1;
    if (!readable(part->name))
        return refuse(why, "The name of a part (%s) is not UTF-8 without control characters.", shown(part->name, text));
    if (!readable(part->file_name))
        return refuse(why, "The file name of the part \"%s\" is not UTF-8 without control characters.",
                      shown(part->name, text));
    return 0;
}

static int content_type(headers_t *self, char *value, size_t len)
{
    if (!once(&self->type)) return refuse(self->why, "A part has two Content-Type headers.");
    while (len && (*value == ' ' || *value == '\t')) value++, len--;
    while (len && (value[len - 1] == ' ' || value[len - 1] == '\t')) len--;
    self->part->type = es_span_of(value, len);
    return 0;
}

/* RFC 7578 has none in practice; what changes nothing is taken. */
static int encoding(headers_t *self, char *value, size_t len)
{
    es_span_t item;
    char text[SHOWN + 1];
    es_header_split(value, len, &item);
    if (!once(&self->encoding)) return refuse(self->why, "A part has two Content-Transfer-Encoding headers.");
    if (es_header_is(item, "binary") || es_header_is(item, "8bit") || es_header_is(item, "7bit")) return 0;
    return refuse(self->why, "The Content-Transfer-Encoding of a part is \"%s\"; send its bytes as they are (binary).",
                  shown(item, text));
}

static const struct {
    const char *name;
    int (*read)(headers_t *self, char *value, size_t len);
} known[] = {
    {"content-disposition", disposition},
    {"content-type", content_type},
    {"content-transfer-encoding", encoding},
};

static int line(headers_t *self, char *text, size_t len)
{
    char *colon = memchr(text, ':', len);
    es_span_t name = es_span_of(text, colon ? (size_t)(colon - text) : 0);
    char seen[SHOWN + 1];
    if (!colon || !es_header_token(name))
        return refuse(self->why, "A header line of a part (%s) is not like Name: value.",
                      shown(es_span_of(text, len), seen));
    for (const char *c = colon; c < text + len; c++)
        if (((uint8_t)*c < 0x20 && *c != '\t') || *c == 0x7f)
            return refuse(self->why, "The header %s of a part holds a control character.", shown(name, seen));
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (es_header_is(name, known[i].name)) return known[i].read(self, colon + 1, len - name.len - 1);
    return 0;
}

int es_multipart_headers(char *headers, size_t len, es_part_t *out, char why[ES_MULTIPART_MESSAGE_MAX])
{
    headers_t self = {.part = out, .why = why};
    *out = (es_part_t){0};
    for (char *at = headers, *end; at < headers + len; at = end + 2) {
        end = memchr(at, '\r', (size_t)(headers + len - at)); /* CR stands before LF only: the machine has looked */
        if (line(&self, at, (size_t)(end - at))) return -1;
    }
    return self.disposition ? 0 : refuse(why, "A part has no Content-Disposition header.");
}

static bool boundary_valid(es_span_t text)
{
    if (!text.len || text.len > ES_MULTIPART_BOUNDARY_MAX || text.ptr[text.len - 1] == ' ') return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool fine = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                    (c && strchr("'()+_,-./:=? ", c));
        if (!fine) return false;
    }
    return true;
}

int es_multipart_boundary(es_span_t content_type_value, char out[ES_MULTIPART_BOUNDARY_MAX + 1])
{
    char text[CONTENT_TYPE_MAX];
    es_span_t item, name, value, boundary = {0};
    size_t len = content_type_value.len < sizeof text ? content_type_value.len : sizeof text;
    if (len) memcpy(text, content_type_value.ptr, len);
    es_header_params_t params = es_header_split(text, len, &item);
    if (!es_header_is(item, "multipart/form-data")) return 1;
    if (len < content_type_value.len) return -1;
    int rc;
    while ((rc = es_header_param(&params, &name, &value)) > 0) {
        if (!es_header_is(name, "boundary")) continue;
        if (boundary.ptr) return -1;
        boundary = value;
    }
    if (rc || !boundary_valid(boundary)) return -1;
    memcpy(out, boundary.ptr, boundary.len);
    out[boundary.len] = 0;
    return 0;
}
