#include "line_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"

void es_line_reader_init(es_line_reader_t *self, int fd, size_t max)
{
    *self = (es_line_reader_t){.fd = fd, .max = max, .buf = es_alloc(max)};
}

void es_line_reader_fini(es_line_reader_t *self)
{
    free(self->buf);
    self->buf = NULL;
}

void es_line_reader_fill(es_line_reader_t *self)
{
    memmove(self->buf, self->buf + self->at, self->len);
    self->at = 0;
    if (self->ended || self->len == self->max) return;
    ssize_t n = read(self->fd, self->buf + self->len, self->max - self->len);
    if (n > 0)
        self->len += (size_t)n;
    else if (n == 0 || (errno != EINTR && errno != EAGAIN))
        self->ended = true;
}

/* How much of a full buffer without a line's end is a piece: not through a character. */
static size_t whole_characters(const char *bytes, size_t len)
{
    size_t n = len;
    while (n && ((unsigned char)bytes[n - 1] & 0xc0) == 0x80) n--;
    if (n == len && n && (unsigned char)bytes[n - 1] < 0x80) return len;
    return n > 1 ? n - 1 : len;
}

bool es_line_reader_next(es_line_reader_t *self, const char **line, size_t *len)
{
    const char *begin = self->buf + self->at, *end = memchr(begin, '\n', self->len);
    bool whole = end || self->len == self->max || (self->ended && self->len);
    if (!whole) return false;
    *line = begin;
    *len = end ? (size_t)(end - begin) : self->ended ? self->len : whole_characters(begin, self->len);
    size_t taken = *len + (end ? 1 : 0);
    self->at += taken;
    self->len -= taken;
    return true;
}

bool es_line_reader_ended(const es_line_reader_t *self)
{
    return self->ended && self->len == 0;
}
