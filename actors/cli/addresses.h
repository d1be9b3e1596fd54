/* The addresses of --url, with commas between them. */
#ifndef ES_ADDRESSES_H
#define ES_ADDRESSES_H

#include "ws_client.h"

enum { ES_ADDRESSES_MAX = 16 };

typedef struct {
    size_t count;
    const char *names[ES_ADDRESSES_MAX]; /* as the user knows them; they point into what was parsed */
    es_ws_url_t urls[ES_ADDRESSES_MAX];
    const es_trust_t *trust; /* the caller's, for all of them; NULL: as the system does */
} es_addresses_t;

/* Takes text apart, in place. 0, or -1 with a sentence in err. */
int es_addresses_parse(es_addresses_t *out, char *text, char *err, size_t err_len);

#endif
