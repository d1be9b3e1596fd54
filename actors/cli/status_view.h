/* What `earshot status` shows, from one beacon, or two of the same broker for the rates. Pure. */
#ifndef ES_STATUS_VIEW_H
#define ES_STATUS_VIEW_H

#include <jansson.h>
#include <stdio.h>

/* A copy of `now` with what two beacons tell: "rates" {"frames", "results"} a second, "rate" in each worker and edge (all null where `before` is NULL, or the
 * broker or actor is another one), "rooms" (open now) in each room actor, and "oldest_unacked_ms" of audio. */
json_t *es_status_join(const json_t *before, const json_t *now);
/* The same as tables. */
void es_status_print(FILE *out, const json_t *status);

#endif
