/* The house as it is now: of each broker its last beacons, of each jobs actor its last figures. Pure: what was heard comes in, a status as status_view.h
 * has it goes out, with more:
 *
 *   "jobs"    array, one for each jobs actor that is heard: the body of its JOB_STATS and "name"
 *   "silent"  array of {"name", "for_ms"}: brokers that were heard once, said no goodbye, and are heard no more
 */
#ifndef ES_STATUS_LIVE_H
#define ES_STATUS_LIVE_H

#include <jansson.h>
#include <stdint.h>

#include "envelope.h"
#include "houses.h"

#define ES_STATUS_BEACONS 5u /* of a broker, between which rates are taken: two seconds */
#define ES_STATUS_JOBS 16u   /* jobs actors; of more the one that was silent longest goes */
#define ES_STATUS_JOBS_FRESH_US UINT64_C(4000000)

typedef struct {
    char inc[17], name[ES_NAME_MAX + 1];
    json_t *beacons[ES_STATUS_BEACONS]; /* owned; the oldest first */
    size_t count;
    uint64_t heard_us;
} es_status_broker_t;

typedef struct {
    char name[ES_NAME_MAX + 1];
    json_t *said; /* owned */
    uint64_t heard_us;
} es_status_jobs_t;

typedef struct {
    es_status_broker_t brokers[ES_HOUSES_MAX];
    es_status_jobs_t jobs[ES_STATUS_JOBS];
    size_t broker_count, job_count;
} es_status_live_t;

/* A beacon; key is `sys/<incarnation>`. */
void es_status_live_beacon(es_status_live_t *self, const char *key, json_t *house, uint64_t now_us);
/* JOB_STATS. */
void es_status_live_jobs(es_status_live_t *self, const char *name, json_t *stats, uint64_t now_us);
/* Of the brokers that are heard; where there is none, of the one that was heard last; NULL where there was none. To be freed. */
json_t *es_status_live_join(const es_status_live_t *self, uint64_t now_us);
void es_status_live_fini(es_status_live_t *self);

#endif
