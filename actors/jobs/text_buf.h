/* Bytes that grow at their end. All zero: empty. */
#ifndef ES_TEXT_BUF_H
#define ES_TEXT_BUF_H

#include "envelope.h"

typedef struct {
    char *ptr;
    size_t len, cap;
} es_text_buf_t;

void es_text_buf_fini(es_text_buf_t *self);
void es_text_buf_add(es_text_buf_t *self, const void *data, size_t len);
void es_text_buf_str(es_text_buf_t *self, const char *text);
void es_text_buf_print(es_text_buf_t *self, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
