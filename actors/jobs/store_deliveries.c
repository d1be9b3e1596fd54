/* Webhooks that are due. A lease is no more than a later time to be due at. */
#include <stdio.h>

#include "job_store_backend.h"

es_jobs_result_t es_job_store_deliver(es_job_store_t *self, int64_t number, uint64_t now_ms)
{
    uint64_t made = 0;
    es_jobs_result_t result = es_job_store_change(self, ES_JOB_SQL_DUE, &made, number, now_ms);
    self->news = self->news || made > 0;
    return result;
}

static bool row_delivery(void *arg, const es_job_value_t *row)
{
    es_job_delivery_t *out = arg;
    out->number = es_job_uint(&row[0]);
    snprintf(out->id, sizeof out->id, "%.*s", (int)row[1].bytes.len, row[1].bytes.ptr);
    out->url = es_job_text(&row[2]);
    out->tries = (uint32_t)es_job_uint(&row[3]);
    return true;
}

es_jobs_result_t es_job_store_delivery(es_job_store_t *self, uint64_t now_ms, uint64_t lease_until_ms,
                                       const char *const but[ES_JOB_BUT_MAX], es_job_delivery_t *out, uint64_t *next_ms)
{
    int64_t at = 0;
    *out = (es_job_delivery_t){0};
    *next_ms = 0;
    if (es_job_store_write(self) != ES_JOBS_OK ||
        es_job_store_run(self, ES_JOB_SQL_DELIVER, row_delivery, out, NULL, now_ms, lease_until_ms, but[0], but[1],
                         but[2], but[3]) != ES_JOBS_OK)
        return ES_JOBS_DOWN;
    if (out->number > 0) return ES_JOBS_OK;
    if (es_job_store_run(self, ES_JOB_SQL_DUE_AT, es_job_row_number, &at, NULL) != ES_JOBS_OK) return ES_JOBS_DOWN;
    *next_ms = at <= 0 ? 0 : (uint64_t)at <= now_ms ? now_ms + ES_JOB_LOCKED_MS : (uint64_t)at;
    return ES_JOBS_NONE;
}

static es_jobs_result_t found(es_jobs_result_t ran, bool changed)
{
    return ran != ES_JOBS_OK ? ES_JOBS_DOWN : changed ? ES_JOBS_OK : ES_JOBS_NONE;
}

es_jobs_result_t es_job_store_delivered(es_job_store_t *self, uint64_t number)
{
    uint64_t changed = 0;
    es_jobs_result_t ran = es_job_store_change(self, ES_JOB_SQL_DELIVERED, &changed, number);
    return found(ran, changed > 0);
}

es_jobs_result_t es_job_store_redeliver(es_job_store_t *self, uint64_t number, uint64_t at_ms)
{
    uint64_t changed = 0;
    es_jobs_result_t ran = es_job_store_change(self, ES_JOB_SQL_REDELIVER, &changed, number, at_ms);
    return found(ran, changed > 0);
}
