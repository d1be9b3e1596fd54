#include "jobs_metrics.h"

#include <stddef.h>

ES_METRIC_COUNTER(es_jobs_asked, "earshot_jobs_asked_total", "Questions and commands about jobs.");

ES_METRIC_COUNTER(es_jobs_claimed, "earshot_jobs_claimed_total", "Jobs taken up.");
ES_METRIC_GAUGE(es_jobs_running, "earshot_jobs_running", "Jobs at work now.");
ES_METRIC_COUNTER(es_jobs_completed, "earshot_jobs_ended_total{how=\"completed\"}", "Jobs put down again.");
ES_METRIC_COUNTER(es_jobs_failed, "earshot_jobs_ended_total{how=\"failed\"}", "");
ES_METRIC_COUNTER(es_jobs_again, "earshot_jobs_ended_total{how=\"again\"}", "");
ES_METRIC_COUNTER(es_jobs_lost, "earshot_jobs_ended_total{how=\"lost\"}", "");
ES_METRIC_COUNTER(es_jobs_undecodable, "earshot_jobs_undecodable_total", "Recordings that are none.");
ES_METRIC_COUNTER(es_jobs_too_long, "earshot_jobs_too_long_total", "Recordings longer than --max-duration.");
ES_METRIC_COUNTER(es_jobs_yields, "earshot_jobs_yields_total", "Places given back because a live stream waited.");

es_metric_t *const *es_jobs_work_metrics(void)
{
    static es_metric_t *const list[] = {&es_jobs_asked,
                                        &es_jobs_claimed,
                                        &es_jobs_running,
                                        &es_jobs_completed,
                                        &es_jobs_failed,
                                        &es_jobs_again,
                                        &es_jobs_lost,
                                        &es_jobs_undecodable,
                                        &es_jobs_too_long,
                                        &es_jobs_yields,
                                        NULL};
    return list;
}
