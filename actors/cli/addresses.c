#include "addresses.h"

#include <stdio.h>
#include <string.h>

int es_addresses_parse(es_addresses_t *out, char *text, char *err, size_t err_len)
{
    out->count = 0;
    for (char *one; (one = strsep(&text, ",")); out->count++) {
        if (out->count == ES_ADDRESSES_MAX) {
            snprintf(err, err_len, "more than %d addresses", ES_ADDRESSES_MAX);
            return -1;
        }
        if (es_ws_url_parse(&out->urls[out->count], one, err, err_len) == -1) return -1;
        out->names[out->count] = one;
    }
    return 0;
}
