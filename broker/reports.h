/* What edges, and other actors that send streams, told of themselves lately (REPORT), for beacons. Pure; one thread. */
#ifndef ES_REPORTS_H
#define ES_REPORTS_H

#include "envelope.h"

enum {
    ES_REPORTS_MAX = 256 /* senders; a further one is counted and not shown */
};
#define ES_REPORT_SILENCE_US UINT64_C(5000000) /* a sender that is silent for so long is not shown */
#define ES_REPORT_REPLACED_US \
    UINT64_C(2000000) /* nor one that is so long behind another of its name: it was started anew */

typedef struct {
    char name[ES_NAME_MAX];
    size_t name_len;
    char service[ES_NAME_MAX]; /* what it is; "edge" where it does not say */
    size_t service_len;
    char key[ES_CLIENT_ID_LEN]; /* it hears what is published on it */
    bool reachable;             /* there is such a key */
    bool twin;                  /* another sender has lived under its name */
    uint64_t inc, streams, frames, lag_us, heard_us;
} es_report_t;

typedef struct {
    es_report_t list[ES_REPORTS_MAX];
    size_t count;
    uint64_t refused;
} es_reports_t;

/* A REPORT; the one of the same sender, by the prefix of its key, and of the same name is replaced, with the flag LEAVING it is forgotten. Nobody speaks for a sender of
 * another prefix by having its name. A report without a name is refused. True: it has just turned out that two live under this name; said once of each two. */
bool es_reports_take(es_reports_t *self, es_span_t key, const es_msg_t *msg, uint64_t now_us);
/* Who reported under this name, after `after` (NULL: the first). NULL: nobody else. Valid until the next take or tick. */
const es_report_t *es_reports_named(const es_reports_t *self, es_span_t name, const es_report_t *after);
/* Forgets the silent ones. */
void es_reports_tick(es_reports_t *self, uint64_t now_us);

#endif
