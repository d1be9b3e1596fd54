/* An hour of figures: a ring of samples, one every 5 s. Pure. */
#ifndef ES_HOUSE_HISTORY_H
#define ES_HOUSE_HISTORY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ES_HOUSE_STEP_MS 5000u
#define ES_HOUSE_SAMPLES 720u /* an hour */

typedef enum {
    ES_HOUSE_FRAMES,    /* taken by transcribers, a second */
    ES_HOUSE_LAG,       /* age of the oldest audio that is not acknowledged, ms */
    ES_HOUSE_QUEUED,    /* jobs that wait */
    ES_HOUSE_WAITING,   /* streams that wait for a place */
    ES_HOUSE_COMPLETED, /* jobs completed in the last minute */
    ES_HOUSE_FIGURES
} es_house_figure_t;

/* A figure that is not known is negative. */
typedef struct {
    double of[ES_HOUSE_FIGURES];
} es_house_sample_t;

typedef struct {
    es_house_sample_t ring[ES_HOUSE_SAMPLES];
    uint64_t frames[ES_HOUSE_SAMPLES], completed[ES_HOUSE_SAMPLES]; /* totals at that time */
    uint64_t count; /* samples ever; the next lies at count % ES_HOUSE_SAMPLES */
    uint64_t due_us, last_us, last_ms;
} es_house_history_t;

/* Is a sample due? The first one is at once. */
bool es_house_history_due(const es_house_history_t *self, uint64_t now_us);
/* Takes it; the totals are kept for growth. Time that passed without samples is filled with unknown ones, so that the columns stay on the clock. */
void es_house_history_take(es_house_history_t *self, const es_house_sample_t *sample, uint64_t frames,
                           uint64_t completed, uint64_t now_us, uint64_t wall_ms);
/* By how much the total has grown since the sample `back` steps ago, or since the oldest where there are fewer; *us is the time since then, 0 where there is none. */
uint64_t es_house_history_grown(const es_house_history_t *self, const uint64_t *totals, uint64_t total, size_t back,
                                uint64_t now_us, uint64_t *us);
/* {"stepMs","until","frames":[..],..}, oldest first. */
json_t *es_house_history_json(const es_house_history_t *self);
/* null where it is negative. */
json_t *es_house_figure(double value);
/* The name of a figure's column. Static. */
const char *es_house_figure_name(es_house_figure_t figure);

#endif
