/* Figures of what the edge shows of jobs and of the house. */
#ifndef ES_JOBS_METRICS_H
#define ES_JOBS_METRICS_H

#include "metrics.h"

extern es_metric_t es_edge_asks, es_edge_asks_open, es_edge_asks_again, es_edge_asks_unanswered, es_edge_asks_refused,
    es_edge_job_watches, es_edge_job_watches_refused, es_edge_job_events, es_edge_job_events_left_out,
    es_edge_job_malformed, es_edge_house_watches, es_edge_unauthorized;

es_metric_t *const *es_edge_jobs_metrics(void);

#endif
