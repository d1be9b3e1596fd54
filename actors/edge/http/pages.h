/* The files of the page, read once at start: only these are served, so no path can lead elsewhere. */
#ifndef ES_PAGES_H
#define ES_PAGES_H

#include <stddef.h>

#define ES_PAGES_MAX 128
#define ES_PAGE_BYTES_MAX 8388608u

typedef struct {
    char *name;       /* "earshot.js" */
    const char *type; /* static */
    char etag[20];    /* quoted */
    char *body;
    size_t len;
} es_page_t;

typedef struct {
    es_page_t pages[ES_PAGES_MAX];
    size_t count;
} es_pages_t;

/* Reads the regular files of `dir` whose type is known. 0, or -1 where the directory cannot be read (logged). What is too large or
 * too many is logged and left out. */
int es_pages_load(es_pages_t *self, const char *dir);
void es_pages_fini(es_pages_t *self);
/* NULL where there is no such file. */
const es_page_t *es_pages_find(const es_pages_t *self, const char *name);

#endif
