#include "alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *es_alloc(size_t size)
{
    void *p = malloc(size > 0 ? size : 1);
    if (!p) {
        fprintf(stderr, "earshot: out of memory (%zu bytes wanted)\n", size);
        abort();
    }
    return p;
}

void *es_alloc_zero(size_t size)
{
    void *p = es_alloc(size);
    memset(p, 0, size);
    return p;
}

char *es_alloc_copy(const void *data, size_t len)
{
    char *p = es_alloc(len + 1);
    if (len > 0) memcpy(p, data, len);
    p[len] = '\0';
    return p;
}
