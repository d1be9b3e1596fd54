#include "http_head.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

#include "http_text.h"

_Static_assert(ES_HTTP_HEAD_MAX <= UINT16_MAX, "offsets have 16 bits");

static const es_http_head_limits_t most = {
    .line = ES_HTTP_LINE_MAX, .head = ES_HTTP_HEAD_MAX, .fields = ES_HTTP_FIELDS_MAX};

static const es_http_head_limits_t *limits_of(const es_http_head_t *self)
{
    return self->limits ? self->limits : &most;
}

enum { METHOD_MAX = 32, VERSION_LEN = 8 };

static es_http_parse_t refuse(es_http_head_t *self, es_http_why_t why)
{
    self->why = why;
    return ES_HTTP_REFUSED;
}

static es_http_piece_t piece_of(const es_http_head_t *self, const char *from, const char *end)
{
    return (es_http_piece_t){.at = (uint16_t)(from - self->base), .len = (uint16_t)(end - from)};
}

/* ---- the first line */

static bool method_known(es_span_t method)
{
    static const char *const known[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (es_span_eq(method, es_span(known[i]))) return true;
    return false;
}

static es_http_parse_t method(es_http_head_t *self, const char *from, const char *end)
{
    es_span_t name = es_span_of(from, (size_t)(end - from));
    if (!es_http_is_token(name) || name.len > METHOD_MAX) return refuse(self, ES_HTTP_BAD_REQUEST_LINE);
    if (es_span_eq(name, es_span("CONNECT")) || es_span_eq(name, es_span("TRACE")))
        return refuse(self, ES_HTTP_METHOD_NOT_ALLOWED);
    if (!method_known(name)) return refuse(self, ES_HTTP_METHOD_UNKNOWN);
    self->method = piece_of(self, from, end);
    return ES_HTTP_DONE;
}

static es_http_parse_t version(es_http_head_t *self, const char *from, const char *end)
{
    if (end - from != VERSION_LEN || memcmp(from, "HTTP/", 5) != 0 || from[6] != '.' || !es_http_is_digit(from[5]) ||
        !es_http_is_digit(from[7]))
        return refuse(self, ES_HTTP_BAD_REQUEST_LINE);
    if (from[5] != '1' || from[7] > '1') return refuse(self, ES_HTTP_VERSION_UNKNOWN);
    self->minor = (unsigned)(from[7] - '0');
    return ES_HTTP_DONE;
}

static es_http_parse_t target(es_http_head_t *self, char *from, char *end)
{
    if (from == end || *from != '/') return refuse(self, ES_HTTP_BAD_TARGET);
    for (const char *c = from; c < end; c++)
        if (*c <= ' ' || *c > '~' || *c == '#') return refuse(self, ES_HTTP_BAD_TARGET);
    self->target = piece_of(self, from, end);
    char *question = memchr(from, '?', (size_t)(end - from)), *path_end = question ? question : end;
    if (question) self->query = piece_of(self, question + 1, end);
    size_t len = 0;
    if (es_http_decode_path(from, (size_t)(path_end - from), &len)) return refuse(self, ES_HTTP_BAD_TARGET);
    self->path = piece_of(self, from, from + len);
    return ES_HTTP_DONE;
}

static es_http_parse_t request_line(es_http_head_t *self, char *from, char *end)
{
    char *first = memchr(from, ' ', (size_t)(end - from));
    char *last = memrchr(from, ' ', (size_t)(end - from));
    self->started = true;
    if (!first || first == last) return refuse(self, ES_HTTP_BAD_REQUEST_LINE);
    es_http_parse_t rc = version(self, last + 1, end);
    if (rc == ES_HTTP_DONE) rc = method(self, from, first);
    if (rc == ES_HTTP_DONE) rc = target(self, first + 1, last);
    return rc == ES_HTTP_DONE ? ES_HTTP_MORE : rc;
}

/* ---- fields with a meaning here: 0, or -1 with self->why */

static int bad(es_http_head_t *self, es_http_why_t why)
{
    self->why = why;
    return -1;
}

static int host(es_http_head_t *self, es_span_t value)
{
    if (!es_http_is_host(value)) return bad(self, ES_HTTP_BAD_HOST);
    self->host = piece_of(self, value.ptr, value.ptr + value.len);
    return 0;
}

static int content_length(es_http_head_t *self, es_span_t value)
{
    uint64_t length = 0;
    if (es_http_number(value, INT64_MAX, &length)) return bad(self, ES_HTTP_BAD_LENGTH);
    self->length = (int64_t)length;
    self->has_length = true;
    return 0;
}

static int transfer_encoding(es_http_head_t *self, es_span_t value)
{
    if (!es_http_same(value, "chunked")) return bad(self, ES_HTTP_CODING_UNKNOWN);
    self->chunked = true;
    return 0;
}

static int expect(es_http_head_t *self, es_span_t value)
{
    if (!es_http_same(value, "100-continue")) return bad(self, ES_HTTP_EXPECT_UNKNOWN);
    self->expects = true;
    return 0;
}

static int connection(es_http_head_t *self, es_span_t value)
{
    self->close = self->close || es_http_lists(value, "close");
    self->upgrade = self->upgrade || es_http_lists(value, "upgrade");
    return 0;
}

static int upgrade(es_http_head_t *self, es_span_t value)
{
    self->websocket = self->websocket || es_http_lists(value, "websocket");
    return 0;
}

static int websocket_key(es_http_head_t *self, es_span_t value)
{
    self->key = piece_of(self, value.ptr, value.ptr + value.len);
    return 0;
}

static int websocket_version(es_http_head_t *self, es_span_t value)
{
    self->version_13 = es_http_same(value, "13");
    return 0;
}

/* What is said twice is said by two: which of them is meant would be a guess. */
static int credentials(es_http_head_t *self, es_span_t value)
{
    (void)self;
    (void)value;
    return 0;
}

static const struct {
    const char *name;
    int (*take)(es_http_head_t *self, es_span_t value);
    bool once;
    es_http_why_t twice;
} rules[] = {{"host", host, true, ES_HTTP_BAD_HOST},
             {"content-length", content_length, true, ES_HTTP_BAD_LENGTH},
             {"transfer-encoding", transfer_encoding, true, ES_HTTP_BAD_FRAMING},
             {"expect", expect, true, ES_HTTP_EXPECT_UNKNOWN},
             {"connection", connection, false, 0},
             {"upgrade", upgrade, false, 0},
             {"sec-websocket-key", websocket_key, true, ES_HTTP_BAD_UPGRADE},
             {"sec-websocket-version", websocket_version, true, ES_HTTP_BAD_UPGRADE},
             {"authorization", credentials, true, ES_HTTP_BAD_FIELD},
             {"origin", credentials, true, ES_HTTP_BAD_FIELD}};

static int apply_rule(es_http_head_t *self, es_span_t name, es_span_t value)
{
    for (unsigned i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (!es_span_eq(name, es_span(rules[i].name))) continue;
        if (rules[i].once && self->seen & 1u << i) return bad(self, rules[i].twice);
        self->seen |= 1u << i;
        return rules[i].take(self, value);
    }
    return 0;
}

static es_http_parse_t field(es_http_head_t *self, char *from, char *end)
{
    char *colon = memchr(from, ':', (size_t)(end - from));
    if (!colon || !es_http_is_token(es_span_of(from, (size_t)(colon - from)))) return refuse(self, ES_HTTP_BAD_FIELD);
    if (self->count >= limits_of(self)->fields) return refuse(self, ES_HTTP_HEAD_TOO_LARGE);
    es_http_lower(from, (size_t)(colon - from));
    es_span_t name = es_span_of(from, (size_t)(colon - from));
    es_span_t value = es_http_trim(es_span_of(colon + 1, (size_t)(end - colon - 1)));
    self->fields[self->count].name = piece_of(self, from, colon);
    self->fields[self->count++].value = piece_of(self, value.ptr, value.ptr + value.len);
    return apply_rule(self, name, value) ? ES_HTTP_REFUSED : ES_HTTP_MORE;
}

/* ---- all of it */

static es_http_parse_t check_framing(es_http_head_t *self)
{
    if (self->minor == 1 && !self->host.len) return refuse(self, ES_HTTP_BAD_HOST);
    if (self->chunked && (self->has_length || self->minor == 0)) return refuse(self, ES_HTTP_BAD_FRAMING);
    if (self->chunked) self->length = ES_HTTP_CHUNKED;
    if (self->minor == 0 || !self->length) self->expects = false;
    return ES_HTTP_DONE;
}

/* Nobody may smuggle anything else past the gate as an upgrade; other protocols that are offered are not taken. */
static es_http_parse_t check_upgrade(es_http_head_t *self)
{
    bool asked = self->upgrade;
    self->upgrade = false;
    if (!self->websocket) return ES_HTTP_DONE;
    if (!asked || self->minor == 0 || self->length ||
        !es_span_eq(es_http_head_span(self, self->method), es_span("GET")))
        return refuse(self, ES_HTTP_BAD_UPGRADE);
    if (!self->version_13) return refuse(self, ES_HTTP_UPGRADE_VERSION);
    if (!es_http_is_websocket_key(es_http_head_span(self, self->key))) return refuse(self, ES_HTTP_BAD_UPGRADE);
    self->upgrade = true;
    return ES_HTTP_DONE;
}

/* A line without its CR LF. An empty one before the first is a rest of the request before. */
static es_http_parse_t line(es_http_head_t *self, char *from, char *end)
{
    if (!self->started && from == end)
        return from == self->base ? ES_HTTP_MORE : refuse(self, ES_HTTP_BAD_REQUEST_LINE);
    if (!self->started) return request_line(self, from, end);
    if (from != end) return field(self, from, end);
    es_http_parse_t rc = check_framing(self);
    return rc == ES_HTTP_DONE ? check_upgrade(self) : rc;
}

static bool control(char c)
{
    return ((unsigned char)c < ' ' && c != '\t' && c != '\r' && c != '\n') || c == 127;
}

static es_http_parse_t byte(es_http_head_t *self, char *data)
{
    size_t at = self->at;
    char c = data[at];
    bool after_cr = at > self->line && data[at - 1] == '\r';
    if (!self->started && at >= limits_of(self)->line) return refuse(self, ES_HTTP_TARGET_TOO_LONG);
    if (at >= limits_of(self)->head) return refuse(self, ES_HTTP_HEAD_TOO_LARGE);
    if (control(c)) return refuse(self, ES_HTTP_BAD_BYTE);
    if (after_cr != (c == '\n')) return refuse(self, ES_HTTP_BAD_LINE_END);
    self->at++;
    if (c != '\n') return ES_HTTP_MORE;
    size_t from = self->line;
    self->line = self->at;
    return line(self, data + from, data + at - 1);
}

void es_http_head_init(es_http_head_t *self)
{
    memset(self, 0, offsetof(es_http_head_t, fields));
    memset(&self->count, 0, sizeof *self - offsetof(es_http_head_t, count));
}

es_http_parse_t es_http_head_feed(es_http_head_t *self, char *data, size_t len)
{
    es_http_parse_t rc = ES_HTTP_MORE;
    self->base = data;
    while (rc == ES_HTTP_MORE && self->at < len) rc = byte(self, data);
    return rc;
}

es_span_t es_http_head_span(const es_http_head_t *self, es_http_piece_t piece)
{
    return es_span_of(piece.len ? self->base + piece.at : NULL, piece.len);
}

es_span_t es_http_head_field(const es_http_head_t *self, const char *lower_name)
{
    for (unsigned i = 0; i < self->count; i++)
        if (es_span_eq(es_http_head_span(self, self->fields[i].name), es_span(lower_name)))
            return es_http_head_span(self, self->fields[i].value);
    return es_span(NULL);
}

bool es_http_head_keeps(const es_http_head_t *self)
{
    return self->minor == 1 && !self->close;
}
