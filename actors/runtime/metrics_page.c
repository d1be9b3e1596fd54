#include "metrics_page.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "health.h"
#include "log.h"
#include "process_figures.h"
#include "wire.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static es_metric_t *all[ES_METRICS_MAX + 1]; /* NULL after the last */
static size_t count;

static bool same_family(const es_metric_t *a, const es_metric_t *b)
{
    size_t len = strcspn(a->name, "{");
    return len == strcspn(b->name, "{") && strncmp(a->name, b->name, len) == 0;
}

/* Behind the last of its family, since a family stands together; SIZE_MAX where it is there already. */
static size_t place_of(const es_metric_t *metric)
{
    size_t at = count;
    for (size_t i = 0; i < count; i++) {
        if (all[i] == metric) return SIZE_MAX;
        if (same_family(all[i], metric)) at = i + 1;
    }
    return at;
}

static bool add(es_metric_t *metric)
{
    size_t at = place_of(metric);
    if (at == SIZE_MAX) return true;
    if (count == ES_METRICS_MAX) return false;
    memmove(&all[at + 1], &all[at], (count - at) * sizeof(es_metric_t *));
    all[at] = metric;
    count++;
    return true;
}

void es_metrics_register(es_metric_t *const *list)
{
    bool fits = true;
    pthread_mutex_lock(&lock);
    for (; *list; list++) fits = add(*list) && fits;
    pthread_mutex_unlock(&lock);
    if (!fits) es_log_error("figures are left out of /metrics: too many", ES_U("most", ES_METRICS_MAX));
}

char *es_metrics_page(size_t *len)
{
    char *text = NULL;
    FILE *file = open_memstream(&text, len);
    if (!file) abort();
    pthread_mutex_lock(&lock);
    es_metrics_print(file, all);
    pthread_mutex_unlock(&lock);
    es_health_print(file, es_now_us());
    es_process_print(file);
    fclose(file);
    return text;
}
