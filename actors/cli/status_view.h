/* What `earshot status` shows, from one beacon, or two of the same broker for the rates. Pure. */
#ifndef ES_STATUS_VIEW_H
#define ES_STATUS_VIEW_H

#include <jansson.h>
#include <stdio.h>

/* A copy of `now` with what two beacons tell: "rates" {"frames", "results"} a second, "rate" in each worker and edge (all null where `before` is NULL, or the
 * broker or actor is another one), "rooms" (open now) in each room actor, and "oldest_unacked_ms" of audio. */
json_t *es_status_join(const json_t *before, const json_t *now);
/* Adds another broker's beacon, for a house that has several: `status` then has "others", a list of beacons without their workers and edges. */
void es_status_add_broker(json_t *status, const json_t *beacon);
/* The same as tables. Where there are several brokers, streams of workers are by their own count: what one broker has placed is no more than a part. */
void es_status_print(FILE *out, const json_t *status);
/* Of it, the tables alone, and the last lines: what waits, and what went wrong by count. */
void es_status_print_tables(FILE *out, const json_t *status);
void es_status_print_figures(FILE *out, const json_t *status);

#endif
