/* A file that may be a dead letter: what is taken has its parts inside of the file. */
#include <stdlib.h>

#include "dead_letter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    es_dead_letter_t letter;
    const char *from = (const char *)data;
    if (es_dead_letter_parse(&letter, es_span_of(data, size)) != 0) return 0;
    if (letter.count == 0 || letter.count > ES_DEAD_PARTS) abort();
    for (size_t i = 0; i < letter.count; i++) {
        es_span_t part = letter.parts[i];
        if (part.ptr < from || part.ptr + part.len > from + size) abort();
    }
    if (letter.parts[letter.count - 1].ptr + letter.parts[letter.count - 1].len != from + size) abort();
    return 0;
}
