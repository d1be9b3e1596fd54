/* What the files of the house share; for nobody else. */
#ifndef ES_HOUSE_STATE_H
#define ES_HOUSE_STATE_H

#include "house.h"
#include "owners.h"
#include "quarantine.h"
#include "reports.h"
#include "senders.h"

struct es_house {
    es_house_config_t config;
    const es_house_ops_t *ops;
    void *ctx;
    es_registry_t *registry;
    es_placement_t *placement;
    es_reports_t reports;
    es_quarantine_t quarantine;
    es_senders_t senders;
    es_owners_t *owners; /* of senders */
    es_decoder_t *decoder;
    es_stream_ref_t *refs; /* scratch for a HELLO's list */
    char topic[32];        /* `sys/<inc>` */
    uint64_t start_us, beacon_us, placement_us;
    bool leaving;
    void *beacon; /* ES_HOUSE_MAX bytes */
};

enum { ES_HOUSE_REFS_MAX = ES_HOUSE_MAX / 4 }; /* a pair of key and epoch takes at least four bytes */

/* To a worker; an empty key: its own. False: there is no such peer. */
bool es_house_tell(es_house_t *self, uint64_t inc, es_span_t key, es_kind_t kind, uint64_t epoch);
/* For es_registry_tick; the context is the house. */
extern const es_registry_ops_t es_house_registry_ops;

#endif
