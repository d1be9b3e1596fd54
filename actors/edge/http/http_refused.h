/* The HTTP front's refusals, counted by reason. */
#ifndef ES_HTTP_REFUSED_H
#define ES_HTTP_REFUSED_H

#include "http_refusal.h"
#include "metrics.h"

/* earshot_edge_http_refused_total{reason=code} */
void es_http_count_refusal(es_http_why_t why);
es_metric_t *const *es_http_refusal_metrics(void);

#endif
