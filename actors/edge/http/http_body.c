#include "http_body.h"

#include "http_text.h"

void es_http_body_init(es_http_body_t *self, int64_t length)
{
    *self = (es_http_body_t){.state = ES_BODY_SIZE};
    if (length == ES_HTTP_CHUNKED) return;
    self->left = (uint64_t)length;
    self->state = length ? ES_BODY_BYTES : ES_BODY_END;
}

static void enter(es_http_body_t *self, unsigned state)
{
    self->state = state;
    self->seen = self->digits = 0;
    self->extension = self->cr = false;
    self->empty = true;
}

/* CR LF at the end of a line: 1 at its LF, 0 on the way, -1 where one of them stands alone. */
static int line_end(es_http_body_t *self, char c)
{
    if (self->cr) return c == '\n' ? 1 : -1;
    self->cr = c == '\r';
    return c == '\n' ? -1 : 0;
}

static es_http_parse_t size_over(es_http_body_t *self)
{
    if (!self->digits) return ES_HTTP_REFUSED;
    enter(self, self->left ? ES_BODY_CHUNK : ES_BODY_TRAILER);
    return ES_HTTP_MORE;
}

static es_http_parse_t size_digit(es_http_body_t *self, int digit)
{
    if (++self->digits > ES_HTTP_CHUNK_DIGITS) return ES_HTTP_REFUSED;
    self->left = self->left << 4 | (unsigned)digit;
    return ES_HTTP_MORE;
}

/* Digits, then CR LF; or ';' and an extension that means nothing here. */
static es_http_parse_t size_byte(es_http_body_t *self, char c)
{
    int end = line_end(self, c), digit = es_http_hex(c);
    if (end || ++self->seen > ES_HTTP_CHUNK_LINE_MAX) return end > 0 ? size_over(self) : ES_HTTP_REFUSED;
    if (self->cr) return ES_HTTP_MORE;
    if (self->extension) return (unsigned char)c < ' ' && c != '\t' ? ES_HTTP_REFUSED : ES_HTTP_MORE;
    if (digit >= 0) return size_digit(self, digit);
    self->extension = self->digits && c == ';';
    return self->extension ? ES_HTTP_MORE : ES_HTTP_REFUSED;
}

static es_http_parse_t chunk_end_byte(es_http_body_t *self, char c)
{
    int end = line_end(self, c);
    if (end < 0 || (!end && !self->cr)) return ES_HTTP_REFUSED;
    if (end) {
        enter(self, ES_BODY_SIZE);
        self->left = 0;
    }
    return ES_HTTP_MORE;
}

static es_http_parse_t trailer_byte(es_http_body_t *self, char c)
{
    int end = line_end(self, c);
    if (end < 0 || ++self->seen > ES_HTTP_TRAILER_MAX) return ES_HTTP_REFUSED;
    if (end && self->empty) {
        self->state = ES_BODY_END;
        return ES_HTTP_DONE;
    }
    if (!end && !self->cr && (unsigned char)c < ' ' && c != '\t') return ES_HTTP_REFUSED;
    self->empty = end || (self->empty && self->cr);
    if (end) self->cr = false;
    return ES_HTTP_MORE;
}

static es_http_parse_t framing_byte(es_http_body_t *self, char c)
{
    switch (self->state) {
    case ES_BODY_SIZE:
        return size_byte(self, c);
    case ES_BODY_CHUNK_END:
        return chunk_end_byte(self, c);
    case ES_BODY_TRAILER:
        return trailer_byte(self, c);
    default:
        return ES_HTTP_DONE;
    }
}

static es_http_parse_t piece_of(es_http_body_t *self, const char *data, size_t len, size_t *used, es_span_t *piece)
{
    size_t n = len < self->left ? len : (size_t)self->left;
    if (n) *piece = es_span_of(data + *used, n);
    *used += n;
    self->left -= n;
    if (self->left) return ES_HTTP_MORE;
    bool last = self->state == ES_BODY_BYTES;
    enter(self, last ? ES_BODY_END : ES_BODY_CHUNK_END);
    return last ? ES_HTTP_DONE : ES_HTTP_MORE;
}

es_http_parse_t es_http_body_feed(es_http_body_t *self, const char *data, size_t len, size_t *used, es_span_t *piece)
{
    *used = 0;
    *piece = es_span_of(NULL, 0);
    if (self->state == ES_BODY_END) return ES_HTTP_DONE;
    while (*used < len) {
        if (self->state == ES_BODY_BYTES || self->state == ES_BODY_CHUNK)
            return piece_of(self, data, len - *used, used, piece);
        es_http_parse_t rc = framing_byte(self, data[(*used)++]);
        if (rc != ES_HTTP_MORE) return rc;
    }
    return ES_HTTP_MORE;
}
