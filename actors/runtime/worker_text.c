#include "worker_text.h"

#include "log.h"

enum { SHOWN = 80 }; /* bytes of it in the log */

ES_METRIC_COUNTER(es_worker_mended, "earshot_worker_mended_total",
                  "Texts of the engine that were not UTF-8 or too long, and were mended.");

es_span_t es_worker_text(es_span_t text, char *buf, size_t cap, const char *client, bool *said)
{
    if (text.len <= cap && es_utf8_valid(text.ptr, text.len)) return text;
    es_metric_add(&es_worker_mended, 1);
    if (!*said)
        es_log_warn("text of the engine mended: it is not UTF-8 or too long", ES_S("client", client),
                    ES_U("bytes", text.len), ES_U("limit", cap),
                    ES_B("text", text.ptr, text.len < SHOWN ? text.len : SHOWN));
    *said = true;
    return es_span_of(buf, es_utf8_repair(text, buf, cap));
}
