/* The body of a BEACON: the state of the house as one msgpack map (described in beacon.c). Pure; one thread. */
#ifndef ES_BEACON_H
#define ES_BEACON_H

#include "metrics.h"
#include "placement.h"
#include "quarantine.h"
#include "registry.h"
#include "reports.h"

typedef struct {
    const char *name;
    uint64_t start_us, heartbeat_us;
    bool leaving;
    const es_registry_t *registry;
    const es_placement_t *placement;
    const es_reports_t *reports;
    const es_quarantine_t *quarantine;
    es_metric_t *const *metrics; /* NULL-terminated, es_broker_metrics() */
} es_beacon_t;

/* Writes the map into buf. Returns bytes, or 0 where it does not fit (ES_HOUSE_MAX always does with the default limits). */
size_t es_beacon_encode(const es_beacon_t *self, uint64_t now_us, void *buf, size_t cap);

#endif
