/* Counters of the broker, one set a process. */
#ifndef ES_BROKER_METRICS_H
#define ES_BROKER_METRICS_H

#include "metrics.h"
#include "placement.h"
#include "registry.h"

extern es_metric_t es_broker_frontend_total, es_broker_backend_total, es_broker_results_total,
    es_broker_subscribe_total;
extern es_metric_t es_broker_malformed_frontend, es_broker_malformed_backend, es_broker_malformed_results,
    es_broker_malformed_subscribe;
extern es_metric_t es_broker_forwarded_total, es_broker_refused_total, es_broker_full_total,
    es_broker_unreachable_total, es_broker_no_room_total, es_broker_no_jobs_total;
extern es_metric_t es_broker_publish_failed_total;
extern es_metric_t es_broker_senders_unknown;
extern es_metric_t es_broker_senders_pushed_out, es_broker_reports_refused;
extern es_metric_t es_broker_joined_total, es_broker_lost_total, es_broker_goodbye_total, es_broker_unknown_total,
    es_broker_workers_refused;

extern es_metric_t *const es_broker_denied[]; /* by es_socket_t */
extern es_metric_t es_broker_handshakes_total, es_broker_refused_malformed, es_broker_refused_unknown,
    es_broker_refused_role, es_broker_refused_protocol, es_broker_refused_silent;
extern es_metric_t es_broker_revoked_total, es_broker_shut_total;

/* Copies placement's and registry's own counts into the metrics that are shown. */
void es_broker_metrics_tell(const es_placement_t *placement, const es_registry_t *registry, uint64_t now_us);
/* NULL-terminated list for es_metrics_print. */
es_metric_t *const *es_broker_metrics(void);

#endif
