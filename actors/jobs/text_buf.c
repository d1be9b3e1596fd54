#include "text_buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

enum { LEAST = 256, PRINTED_MAX = 512 };

void es_text_buf_fini(es_text_buf_t *self)
{
    free(self->ptr);
    *self = (es_text_buf_t){0};
}

void es_text_buf_add(es_text_buf_t *self, const void *data, size_t len)
{
    if (self->len + len > self->cap) {
        size_t cap = self->cap ? self->cap : LEAST;
        while (cap < self->len + len) cap *= 2;
        char *bigger = es_alloc(cap);
        if (self->len) memcpy(bigger, self->ptr, self->len);
        free(self->ptr);
        self->ptr = bigger;
        self->cap = cap;
    }
    if (len) memcpy(self->ptr + self->len, data, len);
    self->len += len;
}

void es_text_buf_str(es_text_buf_t *self, const char *text)
{
    es_text_buf_add(self, text, strlen(text));
}

void es_text_buf_print(es_text_buf_t *self, const char *format, ...)
{
    char text[PRINTED_MAX];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    assert(n >= 0 && n < PRINTED_MAX);
    es_text_buf_add(self, text, (size_t)n);
}
