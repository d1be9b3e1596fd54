/* Figures of the jobs actor. */
#ifndef ES_JOBS_METRICS_H
#define ES_JOBS_METRICS_H

#include "metrics.h"

extern es_metric_t es_jobs_asked;
/* The work: jobs taken up; places taken now; how they ended; streams that gave their place to a live one. */
extern es_metric_t es_jobs_claimed, es_jobs_running, es_jobs_completed, es_jobs_failed, es_jobs_again, es_jobs_lost,
    es_jobs_undecodable, es_jobs_too_long, es_jobs_yields;

/* NULL-terminated list of those that the files of the work count in. */
es_metric_t *const *es_jobs_work_metrics(void);

#endif
