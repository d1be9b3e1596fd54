/* Bytes in, bytes out, first come first served. Memory exists only while something waits. */
#ifndef ES_BYTE_QUEUE_H
#define ES_BYTE_QUEUE_H

#include <stddef.h>

typedef struct {
    char *data;
    size_t head, len, cap; /* data[head..len) waits; all 0 where data is NULL */
} es_byte_queue_t;

static inline size_t es_byte_queue_size(const es_byte_queue_t *self)
{
    return self->len - self->head;
}
static inline char *es_byte_queue_front(const es_byte_queue_t *self)
{
    return self->data + self->head;
}
/* Room for n more bytes behind the last; `es_byte_queue_grew` adds those that were put there. Dies on lack of memory. */
char *es_byte_queue_reserve(es_byte_queue_t *self, size_t n);
void es_byte_queue_grew(es_byte_queue_t *self, size_t n);
void es_byte_queue_append(es_byte_queue_t *self, const void *bytes, size_t n);
/* The first n are done with. */
void es_byte_queue_consume(es_byte_queue_t *self, size_t n);
void es_byte_queue_clear(es_byte_queue_t *self);

#endif
