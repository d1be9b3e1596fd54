#include "frame_buf.h"

#include <assert.h>
#include <stdlib.h>

#include "alloc.h"

enum { FIRST_CAP = 512, CLOSE_UP = 16384, HEADER_MAX = 10, TEXT_FINAL = 0x81, PING_FINAL = 0x89 };

void es_frame_buf_clear(es_frame_buf_t *self)
{
    free(self->data);
    *self = (es_frame_buf_t){0};
}

void es_frame_buf_grow(es_frame_buf_t *self, size_t n)
{
    if (!self->data) self->head = self->len = ES_FRAME_HEADROOM;
    size_t cap = self->cap ? self->cap : FIRST_CAP;
    while (cap - self->len < n) cap *= 2;
    uint8_t *data = es_alloc(cap);
    if (self->data) memcpy(data + self->head, self->data + self->head, self->len - self->head);
    free(self->data);
    self->data = data;
    self->cap = cap;
}

/* A buffer that is never quite empty would grow by all that ever went through it. Only before a frame begins: its place is kept. */
static void close_up(es_frame_buf_t *self)
{
    size_t gone = self->head - ES_FRAME_HEADROOM, waiting = self->len - self->head;
    if (gone < CLOSE_UP || gone < waiting) return;
    memmove(self->data + ES_FRAME_HEADROOM, self->data + self->head, waiting);
    self->head = ES_FRAME_HEADROOM;
    self->len = ES_FRAME_HEADROOM + waiting;
}

size_t es_frame_begin(es_frame_buf_t *self)
{
    if (self->data) close_up(self);
    (void)es_frame_buf_reserve(self, HEADER_MAX);
    size_t place = self->len;
    self->len += 4; /* right for 126..65535 bytes; es_frame_end moves the payload where it is not */
    return place;
}

void es_frame_end(es_frame_buf_t *self, size_t place)
{
    assert(self->data && place + 4 <= self->len);
    size_t n = self->len - place - 4;
    size_t header = n < 126 ? 2 : n < 65536 ? 4 : 10;
    if (header == 10) (void)es_frame_buf_reserve(self, 6);
    uint8_t *frame = self->data + place;
    if (header != 4) memmove(frame + header, frame + 4, n);
    frame[0] = TEXT_FINAL;
    frame[1] = (uint8_t)(header == 2 ? n : header == 4 ? 126 : 127);
    for (size_t i = 2; i < header; i++) frame[i] = (uint8_t)(n >> (8 * (header - 1 - i)));
    self->len = place + header + n;
}

void es_frame_cancel(es_frame_buf_t *self, size_t place)
{
    assert(self->data && place <= self->len);
    self->len = place;
    if (self->head == self->len) es_frame_buf_clear(self);
}

/* The payload is there so that libwebsockets tells of the PONG: it keeps empty ones to itself. */
void es_frame_ping(es_frame_buf_t *self)
{
    static const uint8_t frame[] = {PING_FINAL, 4, 'e', 's', 'p', 'i'};
    if (self->data) close_up(self);
    es_frame_buf_append(self, frame, sizeof frame);
}

static size_t frame_size(const uint8_t *frame)
{
    size_t n = frame[1];
    if (n < 126) return 2 + n;
    size_t header = n == 126 ? 4 : 10;
    n = 0;
    for (size_t i = 2; i < header; i++) n = n << 8 | frame[i];
    return header + n;
}

size_t es_frame_buf_peek(const es_frame_buf_t *self, size_t max, uint8_t **out)
{
    size_t waiting = es_frame_buf_size(self), n = 0;
    *out = NULL;
    if (!self->data) return 0;
    *out = self->data + self->head;
    if (waiting <= max) return waiting;
    while (n < waiting) {
        size_t next = frame_size(*out + n);
        if (n && n + next > max) break;
        n += next;
    }
    return n;
}

void es_frame_buf_consume(es_frame_buf_t *self, size_t n)
{
    assert(n <= es_frame_buf_size(self));
    self->head += n;
    if (self->head == self->len) es_frame_buf_clear(self);
}
