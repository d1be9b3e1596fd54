/* Forms: the first line of the input is the boundary, the rest the body. Given at once and byte by byte it must be the same form, and what is refused is
 * refused in proper words. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "jobs/multipart.h"

/* All events one after another, pieces joined. */
typedef struct {
    char *data;
    size_t len, cap;
    bool open, over;
} seen_t;

static void append(seen_t *self, const void *data, size_t len)
{
    if (self->cap - self->len < len) {
        self->cap = 2 * (self->cap + len);
        self->data = realloc(self->data, self->cap);
        if (!self->data) abort();
    }
    if (len) memcpy(self->data + self->len, data, len);
    self->len += len;
}

static void on_part(void *ctx, const es_part_t *part)
{
    seen_t *self = ctx;
    assert(!self->open && !self->over);
    assert(part->name.len && es_utf8_valid(part->name.ptr, part->name.len));
    assert(!part->file_name.len || (part->file && es_utf8_valid(part->file_name.ptr, part->file_name.len)));
    assert(!part->file_name.len || !memchr(part->file_name.ptr, 0, part->file_name.len));
    append(self, "<", 1);
    append(self, part->name.ptr, part->name.len);
    append(self, part->file ? "\1" : "\2", 1);
    append(self, part->file_name.ptr, part->file_name.len);
    append(self, "\3", 1);
    append(self, part->type.ptr, part->type.len);
    append(self, ">", 1);
    self->open = true;
}

static void on_piece(void *ctx, const void *data, size_t len)
{
    seen_t *self = ctx;
    assert(self->open && !self->over && len);
    append(self, data, len);
}

static void on_part_end(void *ctx)
{
    seen_t *self = ctx;
    assert(self->open && !self->over);
    self->open = false;
    append(self, "\4", 1);
}

static void on_done(void *ctx)
{
    seen_t *self = ctx;
    assert(!self->open && !self->over);
    self->over = true;
    append(self, "\5", 1);
}

static void on_error(void *ctx, const char *message)
{
    seen_t *self = ctx;
    assert(!self->over && strlen(message) > 15 && strlen(message) < ES_MULTIPART_MESSAGE_MAX);
    assert(es_utf8_valid(message, strlen(message)));
    self->over = true;
    append(self, message, strlen(message));
}

static const es_multipart_ops_t ops = {
    .part = on_part, .piece = on_piece, .part_end = on_part_end, .done = on_done, .error = on_error};

static seen_t parse(const char *boundary, const uint8_t *body, size_t len, size_t step)
{
    seen_t seen = {0};
    es_multipart_t *parser = es_multipart_new(boundary, &ops, &seen);
    for (size_t at = 0; at < len; at += step) es_multipart_feed(parser, body + at, len - at < step ? len - at : step);
    es_multipart_end(parser);
    assert(seen.over);
    es_multipart_destroy(&parser);
    return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const char type[] = "multipart/form-data; boundary=";
    char value[256], boundary[ES_MULTIPART_BOUNDARY_MAX + 1];
    const uint8_t *line = len ? memchr(data, '\n', len) : NULL;
    size_t n = line ? (size_t)(line - data) : 0;
    if (!line || n > sizeof value - sizeof type) return 0;
    memcpy(value, type, sizeof type - 1);
    memcpy(value + sizeof type - 1, data, n);
    if (es_multipart_boundary(es_span_of(value, sizeof type - 1 + n), boundary)) return 0;
    const uint8_t *body = line + 1;
    size_t left = len - n - 1;
    seen_t whole = parse(boundary, body, left, left + 1), single = parse(boundary, body, left, 1),
           odd = parse(boundary, body, left, 7);
    assert(whole.len == single.len && !memcmp(whole.data, single.data, whole.len));
    assert(whole.len == odd.len && !memcmp(whole.data, odd.data, whole.len));
    free(whole.data);
    free(single.data);
    free(odd.data);
    return 0;
}
