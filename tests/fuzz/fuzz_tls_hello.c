/* What a stranger sends before anything is encrypted; the first byte says into which pieces it is cut. The verdict is that of the whole. */
#include <stdlib.h>
#include <string.h>

#include "http/tls_hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool same(const es_tls_hello_t *a, const es_tls_hello_t *b)
{
    return a->record_have == b->record_have && a->message_have == b->message_have && a->record_left == b->record_left &&
           a->message_left == b->message_left;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) return 0;
    size_t step = data[0] + 1u;
    es_tls_hello_t whole = {.record_left = 0}, cut = whole;
    data++, size--;
    bool taken = es_tls_hello_read(&whole, data, size), still = true;
    for (size_t at = 0; at < size && still; at += step)
        still = es_tls_hello_read(&cut, data + at, size - at < step ? size - at : step);
    if (still != taken || (taken && !same(&whole, &cut))) abort();
    return 0;
}
