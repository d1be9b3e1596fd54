#include "metrics.h"

#include <inttypes.h>
#include <string.h>

static size_t base_len(const char *name)
{
    return strcspn(name, "{");
}

void es_metrics_print(FILE *out, es_metric_t *const *list)
{
    const char *last = "";
    for (; *list; list++) {
        es_metric_t *m = *list;
        size_t len = base_len(m->name);
        if (len != base_len(last) || strncmp(last, m->name, len) != 0) {
            fprintf(out, "# HELP %.*s %s\n", (int)len, m->name, m->help);
            fprintf(out, "# TYPE %.*s %s\n", (int)len, m->name, m->type == ES_COUNTER ? "counter" : "gauge");
        }
        last = m->name;
        fprintf(out, "%s %" PRIu64 "\n", m->name, es_metric_get(m));
    }
}
