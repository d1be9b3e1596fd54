/* What edges, and other actors that send streams, told of themselves lately (REPORT), for beacons. Pure; one thread. */
#ifndef ES_REPORTS_H
#define ES_REPORTS_H

#include "envelope.h"

enum {
    ES_REPORTS_MAX = 256 /* edges; a further one is counted and not shown */
};
#define ES_REPORT_SILENCE_US UINT64_C(5000000) /* an edge that is silent for so long is not shown */

typedef struct {
    char name[ES_NAME_MAX];
    size_t name_len;
    char service[ES_NAME_MAX]; /* what it is; "edge" where it does not say */
    size_t service_len;
    char key[ES_CLIENT_ID_LEN]; /* it hears what is published on it */
    bool reachable;             /* there is such a key */
    uint64_t inc, streams, frames, lag_us, heard_us;
} es_report_t;

typedef struct {
    es_report_t list[ES_REPORTS_MAX];
    size_t count;
    uint64_t refused;
} es_reports_t;

/* A REPORT; the one of the same name is replaced, with the flag LEAVING it is forgotten. A report without a name is refused. */
void es_reports_take(es_reports_t *self, es_span_t key, const es_msg_t *msg, uint64_t now_us);
/* The key under which somebody of this name reported last, empty: nobody, or none. Valid until the next call. */
es_span_t es_reports_key(const es_reports_t *self, es_span_t name);
/* Forgets the silent ones. */
void es_reports_tick(es_reports_t *self, uint64_t now_us);

#endif
