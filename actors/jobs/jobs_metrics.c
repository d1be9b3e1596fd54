#include "jobs_metrics.h"

#include <stddef.h>

ES_METRIC_COUNTER(es_jobs_asked, "earshot_jobs_asked_total", "Questions and commands about jobs.");

es_metric_t *const *es_jobs_work_metrics(void)
{
    static es_metric_t *const list[] = {&es_jobs_asked, NULL};
    return list;
}
