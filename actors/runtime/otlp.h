/* Exports spans (spans.h) to an OpenTelemetry collector over OTLP/HTTP with JSON, from a thread of its own: no loop ever waits for the collector. What it does not take is
 * dropped and counted; nothing is tried twice. */
#ifndef ES_OTLP_H
#define ES_OTLP_H

#include "config.h"
#include "metrics.h"

typedef struct es_otlp es_otlp_t;

/* --otlp-url and --otlp-header-file of the common options. service: the program's name. 0 with *out, NULL where no URL is set; -1 with a message printed. After every fork, with signals
 * blocked. */
int es_otlp_start(es_otlp_t **out, const es_common_config_t *common, const char *service);
/* Sends what waits, for two seconds at most. NULL is fine. */
void es_otlp_stop(es_otlp_t **self_p);

es_metric_t *const *es_otlp_metrics(void);

#endif
