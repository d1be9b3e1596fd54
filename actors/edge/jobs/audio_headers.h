/* Headers of a recording that is downloaded: which bytes are wanted, and under which name it is kept. Pure. */
#ifndef ES_AUDIO_HEADERS_H
#define ES_AUDIO_HEADERS_H

#include "envelope.h"

typedef enum {
    ES_RANGE_ALL,  /* no range, or one that need not be obeyed: other units, several ranges, nonsense */
    ES_RANGE_PART, /* from..to, both included */
    ES_RANGE_NONE  /* no byte of it is there: 416 */
} es_range_t;

/* The value of Range, for `size` bytes. RFC 9110, section 14.2. */
es_range_t es_range_parse(es_span_t value, uint64_t size, uint64_t *from, uint64_t *to);

#define ES_DISPOSITION_MAX 1200u
/* attachment; filename="..."; filename*=UTF-8''... (RFC 6266): the name without its folders, and no character that could end the header or mean something to a shell's or
 * system's file names. "recording" where nothing is left. */
void es_disposition(const char *file_name, char out[ES_DISPOSITION_MAX]);

#endif
