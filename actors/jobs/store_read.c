/* What is read and never changed. */
#include <stdlib.h>
#include <string.h>

#include "job_store_backend.h"
#include "store_text.h"
#include "wire.h"

#define COUNTED_MAX 50000u    /* jobs that are counted each time somebody asks */
#define COUNT_SHARE 20u       /* else no more than a 20th of the time goes into it */
#define SEGMENTS_AT_ONCE 256u /* rows that a server sends in one answer */

static es_jobs_result_t number_of(es_job_store_t *self, const char *id, int64_t *number)
{
    *number = 0;
    if (es_job_store_run(self, ES_JOB_SQL_EXISTS, es_job_row_number, number, NULL, id) != ES_JOBS_OK)
        return ES_JOBS_DOWN;
    return *number > 0 ? ES_JOBS_OK : ES_JOBS_NONE;
}

/* ---- history */

static const char *outcome_of(es_span_t name)
{
    static const char *const outcomes[] = {"completed", "failed", "cancelled", "died", "released"};
    for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++)
        if (es_span_eq(name, es_span(outcomes[i]))) return outcomes[i];
    return NULL;
}

typedef struct {
    void (*fn)(void *arg, const es_job_attempt_t *attempt);
    void *arg;
} history_t;

static bool row_attempt(void *arg, const es_job_value_t *row)
{
    history_t *history = arg;
    es_job_attempt_t attempt = {.attempt = (uint32_t)es_job_uint(&row[0]),
                                .worker = es_job_text(&row[1]),
                                .error = es_job_text(&row[2]),
                                .outcome = row[3].type ? outcome_of(row[3].bytes) : NULL,
                                .started_ms = es_job_uint(&row[4]),
                                .ended_ms = es_job_uint(&row[5])};
    history->fn(history->arg, &attempt);
    free(attempt.worker);
    free(attempt.error);
    return true;
}

es_jobs_result_t es_job_store_history(es_job_store_t *self, const char *id,
                                      void (*fn)(void *arg, const es_job_attempt_t *attempt), void *arg)
{
    int64_t number;
    history_t history = {fn, arg};
    es_jobs_result_t result = number_of(self, id, &number);
    return result == ES_JOBS_OK ? es_job_store_run(self, ES_JOB_SQL_HISTORY, row_attempt, &history, NULL, number)
                                : result;
}

/* ---- segments */

typedef struct {
    bool (*fn)(void *arg, const es_job_segment_t *segment);
    void *arg;
    uint64_t after, rows;
    bool more;
} segments_t;

static bool row_segment(void *arg, const es_job_value_t *row)
{
    segments_t *segments = arg;
    es_job_segment_t segment = {.from = es_job_uint(&row[0]),
                                .to = es_job_uint(&row[1]),
                                .start = es_job_uint(&row[2]),
                                .end = es_job_uint(&row[3]),
                                .confidence = (uint32_t)es_job_uint(&row[4]),
                                .failed = row[5].number != 0,
                                .text = row[6].bytes,
                                .words = row[7].bytes};
    segments->rows++;
    segments->after = segment.to;
    segments->more = segments->fn(segments->arg, &segment);
    return segments->more;
}

es_jobs_result_t es_job_store_segments(es_job_store_t *self, const char *id, uint64_t after,
                                       bool (*fn)(void *arg, const es_job_segment_t *segment), void *arg)
{
    int64_t number;
    segments_t segments = {.fn = fn, .arg = arg, .after = after, .rows = SEGMENTS_AT_ONCE, .more = true};
    es_jobs_result_t result = number_of(self, id, &number);
    while (result == ES_JOBS_OK && segments.more && segments.rows == SEGMENTS_AT_ONCE) {
        segments.rows = 0;
        result = es_job_store_run(self, ES_JOB_SQL_SEGMENTS, row_segment, &segments, NULL, number, segments.after,
                                  (uint64_t)SEGMENTS_AT_ONCE);
    }
    return result;
}

/* ---- lists */

typedef struct {
    void (*fn)(void *arg, const es_job_t *job);
    void *arg;
} list_t;

static bool row_listed(void *arg, const es_job_value_t *row)
{
    list_t *list = arg;
    es_job_t job;
    es_job_of_row(&job, row);
    list->fn(list->arg, &job);
    es_job_fini(&job);
    return true;
}

/* See ES_JOB_SQL_LIST. */
static unsigned which_list(const es_job_filter_t *filter)
{
    unsigned session = !filter->session ? 0 : filter->principal ? 4 : 2;
    return (filter->state >= 0 ? 1u : 0) + session + (filter->q && filter->q[0] ? 6u : 0);
}

es_jobs_result_t es_job_store_list(es_job_store_t *self, const es_job_filter_t *filter, uint64_t *total,
                                   void (*fn)(void *arg, const es_job_t *job), void *arg)
{
    list_t list = {fn, arg};
    int64_t count = 0, state = filter->state;
    char *pattern = es_job_text_pattern(filter->q ? filter->q : "");
    unsigned which = which_list(filter);
    es_jobs_result_t result =
        es_job_store_run(self, (es_job_sql_t)(ES_JOB_SQL_TOTAL + which), es_job_row_number, &count, NULL, state,
                         filter->session, filter->principal, es_span(pattern));
    if (result == ES_JOBS_OK && filter->offset < (uint64_t)count)
        result = es_job_store_run(self, (es_job_sql_t)(ES_JOB_SQL_LIST + which), row_listed, &list, NULL, state,
                                  filter->session, filter->principal, es_span(pattern), filter->count, filter->offset);
    free(pattern);
    *total = (uint64_t)count;
    return result;
}

/* ---- counts */

static bool row_count(void *arg, const es_job_value_t *row)
{
    es_job_counts_t *counts = arg;
    uint64_t state = es_job_uint(&row[0]);
    if (state < ES_JOB_STATES) counts->states[state] = es_job_uint(&row[1]);
    return true;
}

static es_jobs_result_t count_all(es_job_store_t *self, es_job_counts_t *out)
{
    int64_t oldest = 0;
    *out = (es_job_counts_t){0};
    if (es_job_store_run(self, ES_JOB_SQL_COUNTS, row_count, out, NULL) != ES_JOBS_OK ||
        es_job_store_run(self, ES_JOB_SQL_OLDEST, es_job_row_number, &oldest, NULL) != ES_JOBS_OK)
        return ES_JOBS_DOWN;
    out->oldest_queued_ms = (uint64_t)oldest;
    return ES_JOBS_OK;
}

/* They are asked for each second, and to count a million rows is work. */
es_jobs_result_t es_job_store_counts(es_job_store_t *self, es_job_counts_t *out)
{
    uint64_t begin = es_now_us();
    *out = self->counted;
    if (begin < self->counted_until_us && !self->failed) return ES_JOBS_OK;
    if (count_all(self, out) != ES_JOBS_OK) return ES_JOBS_DOWN;
    uint64_t end = es_now_us(), jobs = 0;
    for (int i = 0; i < ES_JOB_STATES; i++) jobs += out->states[i];
    self->counted = *out;
    self->counted_until_us = jobs > COUNTED_MAX ? end + (end - begin) * COUNT_SHARE : 0;
    return ES_JOBS_OK;
}

/* ---- retention */

typedef struct {
    uint64_t finished_before_ms, surplus;
    void (*fn)(void *arg, const char *id);
    void *arg;
} expired_t;

/* Oldest first: the first that is neither too old nor one too many is the last to look at. */
static bool row_expired(void *arg, const es_job_value_t *row)
{
    expired_t *expired = arg;
    if (expired->surplus == 0 && es_job_uint(&row[1]) >= expired->finished_before_ms) return false;
    if (expired->surplus > 0) expired->surplus--;
    char *id = es_job_text(&row[0]);
    expired->fn(expired->arg, id);
    free(id);
    return true;
}

es_jobs_result_t es_job_store_expired(es_job_store_t *self, const char *spool, uint64_t finished_before_ms,
                                      uint64_t keep_count, size_t max, void (*fn)(void *arg, const char *id), void *arg)
{
    int64_t over = 0;
    expired_t expired = {.finished_before_ms = finished_before_ms, .fn = fn, .arg = arg};
    if (keep_count > 0 && es_job_store_run(self, ES_JOB_SQL_OVER, es_job_row_number, &over, NULL, spool) != ES_JOBS_OK)
        return ES_JOBS_DOWN;
    if ((uint64_t)over > keep_count) expired.surplus = (uint64_t)over - keep_count;
    if (keep_count == 0) expired.surplus = 0;
    return es_job_store_run(self, ES_JOB_SQL_EXPIRED, row_expired, &expired, NULL, spool, (uint64_t)max);
}
