/* The house as this edge hears it: the last beacon of each broker, the last figures of each jobs actor, and an hour of what all of them do, sampled every 5 s. Who
 * is known to several brokers is shown once. Pure: what was said comes in, JSON goes out (PROTOCOL.md, section 12). */
#ifndef ES_HOUSE_VIEW_H
#define ES_HOUSE_VIEW_H

#include <jansson.h>

#include "envelope.h"
#include "house_history.h"
#include "house_rates.h"

#define ES_HOUSE_BROKERS 16u /* seen at once; the one that was silent longest goes */
#define ES_HOUSE_JOBS 64u    /* jobs actors, likewise */

typedef struct {
    char name[ES_NAME_MAX + 1]; /* of a jobs actor; of a broker its key */
    json_t *said;
    uint64_t heard_us;
} es_house_said_t;

typedef struct {
    char edge[ES_NAME_MAX + 1]; /* who says this */
    es_house_said_t brokers[ES_HOUSE_BROKERS], jobs[ES_HOUSE_JOBS];
    size_t broker_count, job_count;
    es_house_rates_t *rates;
    es_house_history_t history;
    uint64_t frames, completed; /* taken by transcribers, and jobs ended well, since we listen */
    uint64_t lag_us;            /* the most since the last sample */
} es_house_view_t;

void es_house_view_init(es_house_view_t *self, const char *edge);
void es_house_view_fini(es_house_view_t *self);

/* A BEACON: its key and body. What is no map is ignored. */
void es_house_view_beacon(es_house_view_t *self, es_span_t key, es_span_t body, uint64_t now_us);
/* JOB_STATS. What is no JSON object is ignored. */
void es_house_view_stats(es_house_view_t *self, es_span_t name, es_span_t body, uint64_t now_us);
/* Takes a sample where one is due. Call each second. */
void es_house_view_tick(es_house_view_t *self, uint64_t now_us, uint64_t wall_ms);
/* All of it; history: with the hour. To be freed with json_decref. */
json_t *es_house_view_json(const es_house_view_t *self, bool history, uint64_t now_us, uint64_t wall_ms);

/* ---- between house_view.c and house_json.c */

#define ES_HOUSE_FRESH_US UINT64_C(3000000)
static inline bool es_house_fresh(const es_house_said_t *said, uint64_t now_us)
{
    return now_us < said->heard_us + ES_HOUSE_FRESH_US;
}
/* What happens now, as a sample has it. */
void es_house_view_now(const es_house_view_t *self, uint64_t now_us, es_house_sample_t *out);

#endif
