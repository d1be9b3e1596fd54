/* Files of API keys, as somebody may have edited them: read, or refused with a sentence that names a line. */
#include <stdlib.h>
#include <string.h>

#include "access/api_keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char err[700] = "", *copy = malloc(size ? size : 1);
    if (!copy) abort();
    memcpy(copy, data, size);
    es_api_keys_t *self = es_api_keys_parse(es_span_of(copy, size), "file", err, sizeof err);
    if (!self && strncmp(err, "file, line ", 11) != 0) abort();
    if (self && es_api_keys_count(self) > ES_API_KEYS_MAX) abort();
    es_api_keys_destroy(&self);
    free(copy);
    return 0;
}
