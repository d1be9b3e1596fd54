#include "http_answer.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "http_conn_state.h"
#include "http_refused.h"

const char *const es_http_headers[] = {
    "content-security-policy",
    ("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
     "img-src 'self' data:; media-src blob:; "
     "worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
    "x-content-type-options",
    "nosniff",
    "referrer-policy",
    "no-referrer",
    NULL};

const char *es_http_reason(unsigned status)
{
    static const struct {
        unsigned status;
        const char *name;
    } reasons[] = {{200, "OK"},
                   {201, "Created"},
                   {202, "Accepted"},
                   {204, "No Content"},
                   {206, "Partial Content"},
                   {301, "Moved Permanently"},
                   {302, "Found"},
                   {303, "See Other"},
                   {304, "Not Modified"},
                   {400, "Bad Request"},
                   {401, "Unauthorized"},
                   {403, "Forbidden"},
                   {404, "Not Found"},
                   {405, "Method Not Allowed"},
                   {406, "Not Acceptable"},
                   {408, "Request Timeout"},
                   {409, "Conflict"},
                   {410, "Gone"},
                   {411, "Length Required"},
                   {412, "Precondition Failed"},
                   {413, "Content Too Large"},
                   {414, "URI Too Long"},
                   {415, "Unsupported Media Type"},
                   {416, "Range Not Satisfiable"},
                   {417, "Expectation Failed"},
                   {421, "Misdirected Request"},
                   {422, "Unprocessable Content"},
                   {426, "Upgrade Required"},
                   {429, "Too Many Requests"},
                   {431, "Request Header Fields Too Large"},
                   {500, "Internal Server Error"},
                   {501, "Not Implemented"},
                   {502, "Bad Gateway"},
                   {503, "Service Unavailable"},
                   {504, "Gateway Timeout"},
                   {505, "HTTP Version Not Supported"},
                   {507, "Insufficient Storage"}};
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        if (reasons[i].status == status) return reasons[i].name;
    return "";
}

static void text(es_byte_queue_t *out, const char *value)
{
    es_byte_queue_append(out, value, strlen(value));
}

/* A value that came from elsewhere ends no line. */
static void add(es_byte_queue_t *out, const char *name, const char *value)
{
    text(out, name);
    text(out, ": ");
    size_t n = strlen(value);
    char *at = es_byte_queue_reserve(out, n);
    for (size_t i = 0; i < n; i++) at[i] = (unsigned char)value[i] < ' ' || value[i] == 127 ? '?' : value[i];
    es_byte_queue_grew(out, n);
    text(out, "\r\n");
}

static void add_all(es_byte_queue_t *out, const char *const *headers)
{
    for (; headers && headers[0]; headers += 2) add(out, headers[0], headers[1]);
}

static bool names(const char *const *headers, const char *name)
{
    for (; headers && headers[0]; headers += 2)
        if (!strcasecmp(headers[0], name)) return true;
    return false;
}

/* May the next request be read once this answer is sent? Not where more of a body is to come than is worth reading away, or where the client has not
 * decided yet whether to send it. */
static bool keeps(const es_http_exchange_t *self)
{
    if (self->close || self->env->closing || !self->env->idle_us || !es_http_head_keeps(&self->head)) return false;
    if (self->body_done) return true;
    if (self->head.expects || self->head.length < 0) return false;
    return (uint64_t)self->head.length - self->body_bytes <= ES_HTTP_DISCARD_MAX;
}

static void add_framing(es_http_exchange_t *self, int64_t length)
{
    char number[24];
    bool bodiless = self->bare && length < 0;
    if (length >= 0) {
        snprintf(number, sizeof number, "%lld", (long long)length);
        add(&self->out, "content-length", number);
    } else if (self->head.minor == 1 && !bodiless) {
        add(&self->out, "transfer-encoding", "chunked");
        self->chunked = true;
    } else if (!bodiless) {
        self->close = true;
    }
}

void es_http_answer_begin(es_http_exchange_t *self, unsigned status, const char *type, const char *const *headers,
                          int64_t length)
{
    char line[64];
    bool none = status == 204 || status == 304;
    self->begun = true;
    self->left = length;
    self->bare = none || es_span_eq(es_http_head_span(&self->head, self->head.method), es_span("HEAD"));
    snprintf(line, sizeof line, "HTTP/1.1 %u %s\r\n", status, es_http_reason(status));
    text(&self->out, line);
    add(&self->out, "date", self->env->date);
    if (type) add(&self->out, "content-type", type);
    add_framing(self, none ? -1 : length);
    add_all(&self->out, es_http_headers);
    add_all(&self->out, headers);
    if (!names(headers, "cache-control")) add(&self->out, "cache-control", "no-store");
    if (!keeps(self)) self->close = true;
    if (self->close) add(&self->out, "connection", "close");
    text(&self->out, "\r\n");
}

static const char *const *refusal_headers(unsigned status)
{
    static const char *const version[] = {"sec-websocket-version", "13", NULL};
    static const char *const retry[] = {"retry-after", "10", NULL};
    return status == 426 ? version : status == 503 ? retry : NULL;
}

void es_http_answer_refusal(es_http_exchange_t *self, es_http_why_t why)
{
    const es_http_refusal_t *refusal = es_http_refusal(why);
    char body[512];
    es_http_count_refusal(why);
    if (self->begun) {
        es_http_abort(self);
        return;
    }
    int len = snprintf(body, sizeof body, "{\"error\":\"%s\",\"message\":\"%s\"}\n", refusal->code, refusal->message);
    self->close = true;
    es_http_reply(self, refusal->status, "application/json", refusal_headers(refusal->status), body, (size_t)len);
    self->dismissed = true;
}
