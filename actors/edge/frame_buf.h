/* What waits to be written to one client: whole WebSocket frames, one after another, ready for the wire.
 *
 * Messages are composed in place (begin, append, end), so that everything pending goes out in one write. Memory exists only
 * while something waits: an idle client has none. Not thread-safe. */
#ifndef ES_FRAME_BUF_H
#define ES_FRAME_BUF_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Room before the first byte that a write may use for its own header. */
#define ES_FRAME_HEADROOM 16u

typedef struct {
    uint8_t *data;
    size_t head, len, cap; /* bytes data[head..len) wait; all 0 where data is NULL */
} es_frame_buf_t;

/* Frees the memory; the buffer is empty and usable again. */
void es_frame_buf_clear(es_frame_buf_t *self);
static inline size_t es_frame_buf_size(const es_frame_buf_t *self)
{
    return self->len - self->head;
}
/* Makes room for n more bytes. Dies on lack of memory. */
void es_frame_buf_grow(es_frame_buf_t *self, size_t n);
static inline uint8_t *es_frame_buf_reserve(es_frame_buf_t *self, size_t n)
{
    if (self->cap - self->len < n) es_frame_buf_grow(self, n);
    return self->data + self->len;
}
static inline void es_frame_buf_append(es_frame_buf_t *self, const void *bytes, size_t n)
{
    if (n) memcpy(es_frame_buf_reserve(self, n), bytes, n);
    self->len += n;
}

/* Begins a text frame: returns its place, to be given to es_frame_end once the payload is appended. */
size_t es_frame_begin(es_frame_buf_t *self);
void es_frame_end(es_frame_buf_t *self, size_t place);
/* Takes it back instead. */
void es_frame_cancel(es_frame_buf_t *self, size_t place);
/* A whole PING. */
void es_frame_ping(es_frame_buf_t *self);

/* The longest run of whole frames of at most `max` bytes (one frame, where the first is longer). Returns its length, 0 where
 * nothing waits; *out points to it, with ES_FRAME_HEADROOM writable bytes before it. */
size_t es_frame_buf_peek(const es_frame_buf_t *self, size_t max, uint8_t **out);
/* The first n bytes have been written; n is what peek returned. */
void es_frame_buf_consume(es_frame_buf_t *self, size_t n);

#endif
