/* All figures of this process on one page: what the actors in it have registered, their health, and what the kernel knows. Any thread. */
#ifndef ES_METRICS_PAGE_H
#define ES_METRICS_PAGE_H

#include <stddef.h>

#include "metrics.h"

#define ES_METRICS_MAX 1024 /* of one process */

/* Adds a NULL-terminated list, which must stay; what is there already is not added again. Past ES_METRICS_MAX: logged, and left out. */
void es_metrics_register(es_metric_t *const *list);
/* The page in the Prometheus text format; the caller frees it. */
char *es_metrics_page(size_t *len);

#endif
