/* Counters and gauges with fixed names, printed as Prometheus text. Lock-free; any thread. */
#ifndef ES_METRICS_H
#define ES_METRICS_H

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>

typedef struct es_metric {
    const char *name; /* earshot_edge_frames_total; a label set may follow in braces: name{kind="frame"} */
    const char *help;
    enum { ES_COUNTER, ES_GAUGE } type;
    atomic_uint_fast64_t value;
} es_metric_t;

#define ES_METRIC_COUNTER(id, name_, help_) es_metric_t id = {.name = name_, .help = help_, .type = ES_COUNTER}
#define ES_METRIC_GAUGE(id, name_, help_) es_metric_t id = {.name = name_, .help = help_, .type = ES_GAUGE}

static inline void es_metric_add(es_metric_t *m, uint64_t n)
{
    atomic_fetch_add_explicit(&m->value, n, memory_order_relaxed);
}
static inline void es_metric_set(es_metric_t *m, uint64_t n)
{
    atomic_store_explicit(&m->value, n, memory_order_relaxed);
}
static inline uint64_t es_metric_get(es_metric_t *m)
{
    return atomic_load_explicit(&m->value, memory_order_relaxed);
}

/* Prints a NULL-terminated list in the Prometheus text format; HELP and TYPE once a name (entries of one name must be adjacent). */
void es_metrics_print(FILE *out, es_metric_t *const *list);

#endif
