/* Figures of the jobs actor. */
#ifndef ES_JOBS_METRICS_H
#define ES_JOBS_METRICS_H

#include "metrics.h"

extern es_metric_t es_jobs_asked;

/* NULL-terminated list of those that the files of the work count in. */
es_metric_t *const *es_jobs_work_metrics(void);

#endif
