#include "byte_queue.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

enum { FIRST_CAP = 512 };

char *es_byte_queue_reserve(es_byte_queue_t *self, size_t n)
{
    size_t waiting = es_byte_queue_size(self), cap = self->cap ? self->cap : FIRST_CAP;
    if (self->cap - self->len >= n) return self->data + self->len;
    while (cap - waiting < n) cap *= 2;
    char *data = es_alloc(cap);
    if (waiting) memcpy(data, es_byte_queue_front(self), waiting);
    free(self->data);
    *self = (es_byte_queue_t){.data = data, .len = waiting, .cap = cap};
    return data + waiting;
}

void es_byte_queue_grew(es_byte_queue_t *self, size_t n)
{
    assert(n <= self->cap - self->len);
    self->len += n;
    if (self->head == self->len) es_byte_queue_clear(self);
}

void es_byte_queue_append(es_byte_queue_t *self, const void *bytes, size_t n)
{
    if (n) memcpy(es_byte_queue_reserve(self, n), bytes, n);
    self->len += n;
}

void es_byte_queue_consume(es_byte_queue_t *self, size_t n)
{
    assert(n <= es_byte_queue_size(self));
    self->head += n;
    if (self->head == self->len) es_byte_queue_clear(self);
}

void es_byte_queue_clear(es_byte_queue_t *self)
{
    free(self->data);
    *self = (es_byte_queue_t){0};
}
