#include "multipart.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

enum { PADDING_MAX = 256 }; /* blanks after a boundary */

/*      TEXT --delimiter--> AFTER --blanks, CR--> PADDED --LF--> HEADERS --empty line--> TEXT
 *                            '--'-'--> CLOSING --'-'--> CLOSED --CR--> CLOSED_CR --LF--> EPILOGUE
 *      any --> STOPPED */
typedef enum { TEXT, AFTER, PADDED, HEADERS, CLOSING, CLOSED, CLOSED_CR, EPILOGUE, STOPPED, STATES } state_t;

struct es_multipart {
    const es_multipart_ops_t *ops;
    void *ctx;
    state_t state;
    bool open, file; /* a part is open; it is a file */
    unsigned parts;
    size_t matched; /* bytes of the delimiter that have come */
    size_t bytes;   /* of what is bounded now: preamble, field, padding, epilogue */
    size_t headers_len;
    size_t delimiter_len;
    char delimiter[4 + ES_MULTIPART_BOUNDARY_MAX]; /* CR LF - - boundary */
    char headers[ES_MULTIPART_HEADER_MAX];
};

__attribute__((format(printf, 2, 3))) static void fail(es_multipart_t *self, const char *format, ...)
{
    char message[ES_MULTIPART_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    if (self->state == STOPPED) return;
    self->state = STOPPED;
    self->ops->error(self->ctx, message);
}

es_multipart_t *es_multipart_new(const char *boundary, const es_multipart_ops_t *ops, void *ctx)
{
    size_t len = strlen(boundary);
    assert(len && len <= ES_MULTIPART_BOUNDARY_MAX);
    es_multipart_t *self = es_alloc_zero(sizeof *self);
    self->ops = ops;
    self->ctx = ctx;
    memcpy(self->delimiter, "\r\n--", 4);
    memcpy(self->delimiter + 4, boundary, len);
    self->delimiter_len = 4 + len;
    self->matched = 2; /* the first boundary may stand at the very beginning */
    return self;
}

void es_multipart_destroy(es_multipart_t **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

void es_multipart_stop(es_multipart_t *self)
{
    self->state = STOPPED;
}

/* Bytes that turned out not to belong to a delimiter. */
static void content(es_multipart_t *self, const char *data, size_t len)
{
    if (!len) return;
    bool bounded = !self->open || !self->file;
    size_t max = self->open ? ES_MULTIPART_FIELD_MAX : ES_MULTIPART_AROUND_MAX;
    size_t fits = bounded && len > max - self->bytes ? max - self->bytes : len;
    if (bounded) self->bytes += fits;
    if (self->open && fits) self->ops->piece(self->ctx, data, fits);
    if (fits == len) return;
    if (self->open)
        fail(self, "A field of the form has more than %u bytes.", ES_MULTIPART_FIELD_MAX);
    else
        fail(self, "There is no boundary in the first %u bytes; is it the one of the Content-Type?",
             ES_MULTIPART_AROUND_MAX);
}

static void delimited(es_multipart_t *self)
{
    self->matched = self->bytes = 0;
    self->state = AFTER;
    if (self->open) self->ops->part_end(self->ctx);
    self->open = false;
}

static size_t match(es_multipart_t *self, const char *data, size_t len)
{
    size_t n = 0;
    while (n < len && self->matched < self->delimiter_len && data[n] == self->delimiter[self->matched]) {
        n++;
        self->matched++;
    }
    if (self->matched == self->delimiter_len) {
        delimited(self);
    } else if (n < len) { /* a CR begins a delimiter and is nowhere else in it: nothing of it can begin another */
        size_t matched = self->matched;
        self->matched = 0;
        content(self, self->delimiter, matched);
    }
    return n;
}

static size_t text(es_multipart_t *self, const char *data, size_t len)
{
    if (self->matched) return match(self, data, len);
    size_t n = 0;
    for (const char *cr;; n++) {
        cr = memchr(data + n, '\r', len - n);
        n = cr ? (size_t)(cr - data) : len;
        if (n + 1 >= len || data[n + 1] == '\n') break;
    }
    content(self, data, n);
    if (n == len || self->state == STOPPED) return len;
    self->matched = 1;
    return n + 1;
}

static size_t after(es_multipart_t *self, const char *data, size_t len)
{
    (void)len;
    if (*data == '-' && !self->bytes)
        self->state = CLOSING;
    else if (*data == '\r')
        self->state = PADDED;
    else if ((*data != ' ' && *data != '\t') || ++self->bytes > PADDING_MAX)
        fail(self, "A line begins with the boundary and goes on after it; no other line may.");
    return 1;
}

static size_t padded(es_multipart_t *self, const char *data, size_t len)
{
    (void)len;
    self->headers_len = 0;
    self->state = HEADERS;
    if (*data != '\n') fail(self, "The line of a boundary does not end with CR LF.");
    return 1;
}

static size_t closing(es_multipart_t *self, const char *data, size_t len)
{
    (void)len;
    self->state = CLOSED;
    if (*data != '-') fail(self, "The line of a boundary goes on with one dash; the last one has two.");
    return 1;
}

static size_t closed(es_multipart_t *self, const char *data, size_t len)
{
    (void)len;
    if (*data == '\r')
        self->state = CLOSED_CR;
    else if ((*data != ' ' && *data != '\t') || ++self->bytes > PADDING_MAX)
        fail(self, "Something follows the last boundary on its line.");
    return 1;
}

static size_t closed_cr(es_multipart_t *self, const char *data, size_t len)
{
    (void)len;
    self->bytes = 0;
    self->state = EPILOGUE;
    if (*data != '\n') fail(self, "The line of the last boundary does not end with CR LF.");
    return 1;
}

static size_t epilogue(es_multipart_t *self, const char *data, size_t len)
{
    (void)data;
    if (len > ES_MULTIPART_AROUND_MAX - self->bytes)
        fail(self, "More than %u bytes follow the last boundary.", ES_MULTIPART_AROUND_MAX);
    else
        self->bytes += len;
    return len;
}

static void begin_part(es_multipart_t *self)
{
    es_part_t part;
    char why[ES_MULTIPART_MESSAGE_MAX];
    if (es_multipart_headers(self->headers, self->headers_len - 2, &part, why)) {
        fail(self, "%s", why);
    } else if (++self->parts > ES_MULTIPART_PARTS_MAX) {
        fail(self, "There are more than %u parts.", ES_MULTIPART_PARTS_MAX);
    } else {
        self->open = true;
        self->file = part.file;
        self->bytes = 0;
        self->state = TEXT;
        self->matched = 0;
        self->ops->part(self->ctx, &part);
    }
}

static size_t headers(es_multipart_t *self, const char *data, size_t len)
{
    (void)len;
    size_t n = self->headers_len;
    char before = n ? self->headers[n - 1] : 0;
    if ((*data == '\n') != (before == '\r')) {
        fail(self, "A header line of a part does not end with CR LF.");
    } else if (n == sizeof self->headers) {
        fail(self, "The headers of a part have more than %u bytes.", ES_MULTIPART_HEADER_MAX);
    } else {
        self->headers[self->headers_len++] = *data;
        bool empty = *data == '\n' && (n == 1 || self->headers[n - 2] == '\n');
        if (empty) begin_part(self);
    }
    return 1;
}

/* Each takes a byte or more, or leaves what it has seen to another state. */
static size_t (*const steps[STATES])(es_multipart_t *self, const char *data, size_t len) = {
    [TEXT] = text,       [AFTER] = after,   [PADDED] = padded,       [HEADERS] = headers,
    [CLOSING] = closing, [CLOSED] = closed, [CLOSED_CR] = closed_cr, [EPILOGUE] = epilogue,
};

void es_multipart_feed(es_multipart_t *self, const void *data, size_t len)
{
    const char *at = data, *end = at + len;
    while (at < end && self->state != STOPPED) at += steps[self->state](self, at, (size_t)(end - at));
}

void es_multipart_end(es_multipart_t *self)
{
    if (self->state == STOPPED) return;
    if (self->state == CLOSED || self->state == EPILOGUE) {
        self->state = STOPPED;
        self->ops->done(self->ctx);
    } else {
        fail(self, "The form ends before its last boundary.");
    }
}
