/* A traceparent from anywhere: what is taken prints as one that is taken again, and is the same. */
#include <stdlib.h>
#include <string.h>

#include "trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    es_trace_t trace, again;
    char text[ES_TRACEPARENT_LEN + 1], packed[ES_TRACE_LEN];
    if (es_trace_parse(&trace, es_span_of(data, size)) != 0) return 0;
    es_trace_print(&trace, text);
    if (es_trace_parse(&again, es_span(text)) != 0 || memcmp(&trace, &again, sizeof trace) != 0) abort();
    es_trace_pack(&trace, packed);
    if (!es_trace_unpack(&again, es_span_of(packed, sizeof packed)) || memcmp(&trace, &again, sizeof trace) != 0)
        abort();
    return 0;
}
