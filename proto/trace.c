#include "trace.h"

#include <string.h>

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* 0, or -1 where these are not 2 * n lowercase digits. */
static int read_hex(const char *text, uint8_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);
        if (high < 0 || low < 0) return -1;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return 0;
}

static void write_hex(const uint8_t *bytes, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * n] = 0;
}

static bool zero(const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (bytes[i]) return false;
    return true;
}

static bool known(const es_trace_t *self)
{
    return !zero(self->id, ES_TRACE_ID) && !zero(self->span, ES_TRACE_SPAN);
}

int es_trace_parse(es_trace_t *out, es_span_t text)
{
    uint8_t version, flags;
    if (text.len < ES_TRACEPARENT_LEN) return -1;
    const char *at = text.ptr;
    if (at[2] != '-' || at[35] != '-' || at[52] != '-' || read_hex(at, &version, 1) || read_hex(at + 53, &flags, 1) ||
        read_hex(at + 3, out->id, ES_TRACE_ID) || read_hex(at + 36, out->span, ES_TRACE_SPAN))
        return -1;
    bool whole = text.len == ES_TRACEPARENT_LEN || (version > 0 && at[ES_TRACEPARENT_LEN] == '-');
    if (!whole || version == 0xff || !known(out)) return -1;
    out->flags = flags & ES_TRACE_SAMPLED;
    return 0;
}

void es_trace_print(const es_trace_t *self, char out[ES_TRACEPARENT_LEN + 1])
{
    static const uint8_t version = 0;
    write_hex(&version, 1, out);
    out[2] = '-';
    write_hex(self->id, ES_TRACE_ID, out + 3);
    out[35] = '-';
    write_hex(self->span, ES_TRACE_SPAN, out + 36);
    out[52] = '-';
    write_hex(&self->flags, 1, out + 53);
}

void es_trace_pack(const es_trace_t *self, char out[ES_TRACE_LEN])
{
    out[0] = (char)self->flags;
    memcpy(out + 1, self->id, ES_TRACE_ID);
    memcpy(out + 1 + ES_TRACE_ID, self->span, ES_TRACE_SPAN);
}

bool es_trace_unpack(es_trace_t *out, es_span_t trace)
{
    if (trace.len != ES_TRACE_LEN) return false;
    out->flags = (uint8_t)trace.ptr[0] & ES_TRACE_SAMPLED;
    memcpy(out->id, trace.ptr + 1, ES_TRACE_ID);
    memcpy(out->span, trace.ptr + 1 + ES_TRACE_ID, ES_TRACE_SPAN);
    return known(out);
}

void es_trace_id_hex(const es_trace_t *self, char out[2 * ES_TRACE_ID + 1])
{
    write_hex(self->id, ES_TRACE_ID, out);
}

void es_trace_span_hex(const es_trace_t *self, char out[2 * ES_TRACE_SPAN + 1])
{
    write_hex(self->span, ES_TRACE_SPAN, out);
}
