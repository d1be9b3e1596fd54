/* What anybody may do to a job, whoever has it. */
#include <string.h>

#include "job_store_backend.h"

/* The job's row, locked. OK, NONE or DOWN; *row is to be fini'd in any case. */
static es_jobs_result_t lock(es_job_store_t *self, const char *id, es_job_row_t *row)
{
    *row = (es_job_row_t){0};
    if (es_job_store_write(self) != ES_JOBS_OK ||
        es_job_store_run(self, ES_JOB_SQL_LOCK, es_job_row_job, row, NULL, id) != ES_JOBS_OK)
        return ES_JOBS_DOWN;
    return row->number > 0 ? ES_JOBS_OK : ES_JOBS_NONE;
}

/* The job goes to who asked, where there is one. */
static es_jobs_result_t hand_out(es_job_row_t *row, es_job_t *out, es_jobs_result_t result)
{
    bool told = out && (result == ES_JOBS_OK || result == ES_JOBS_CONFLICT);
    if (out) *out = told ? row->job : (es_job_t){0};
    if (!told) es_job_fini(&row->job);
    return result;
}

static es_jobs_result_t cancel(es_job_store_t *self, es_job_row_t *row, uint64_t now_ms)
{
    int64_t number = row->number;
    if (row->job.state == ES_JOB_CANCELLED) return ES_JOBS_OK;
    if (!es_job_may(row->job.state, ES_JOB_CANCELLED)) return ES_JOBS_CONFLICT;
    if (es_job_store_run(self, ES_JOB_SQL_CANCEL, es_job_row_job, row, NULL, number, now_ms) != ES_JOBS_OK ||
        es_job_store_ended(self, number, "cancelled", NULL, now_ms) != ES_JOBS_OK)
        return ES_JOBS_DOWN;
    self->news = true;
    return es_job_store_deliver(self, number, now_ms);
}

es_jobs_result_t es_job_store_cancel(es_job_store_t *self, const char *id, uint64_t now_ms, es_job_t *out)
{
    es_job_row_t row;
    es_jobs_result_t result = lock(self, id, &row);
    if (result == ES_JOBS_OK) result = cancel(self, &row, now_ms);
    return hand_out(&row, out, result);
}

/* News that nobody has heard yet would be of a job that is over no more. */
static es_jobs_result_t retry(es_job_store_t *self, es_job_row_t *row, uint32_t attempt, uint64_t now_ms)
{
    int64_t number = row->number;
    if (attempt != 0 && row->job.attempt != attempt) return ES_JOBS_OK;
    if (!es_job_over(row->job.state) || !es_job_may(row->job.state, ES_JOB_QUEUED) || !row->job.has_audio)
        return ES_JOBS_CONFLICT;
    self->news = true;
    if (es_job_store_change(self, ES_JOB_SQL_REMOVE_DELIVERIES, NULL, number) != ES_JOBS_OK) return ES_JOBS_DOWN;
    return es_job_store_run(self, ES_JOB_SQL_RETRY, es_job_row_job, row, NULL, number, now_ms);
}

es_jobs_result_t es_job_store_retry(es_job_store_t *self, const char *id, uint32_t attempt, uint64_t now_ms,
                                    es_job_t *out)
{
    es_job_row_t row;
    es_jobs_result_t result = lock(self, id, &row);
    if (result == ES_JOBS_OK) result = retry(self, &row, attempt, now_ms);
    return hand_out(&row, out, result);
}

static es_jobs_result_t remove_rows(es_job_store_t *self, const es_job_row_t *row)
{
    static const es_job_sql_t tables[] = {ES_JOB_SQL_REMOVE_SEGMENTS, ES_JOB_SQL_REMOVE_HISTORY,
                                          ES_JOB_SQL_REMOVE_DELIVERIES, ES_JOB_SQL_REMOVE};
    if (!es_job_over(row->job.state) && row->job.state != ES_JOB_QUEUED) return ES_JOBS_CONFLICT;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (es_job_store_change(self, tables[i], NULL, row->number) != ES_JOBS_OK) return ES_JOBS_DOWN;
    return ES_JOBS_OK;
}

es_jobs_result_t es_job_store_remove(es_job_store_t *self, const char *id, es_job_t *out)
{
    es_job_row_t row;
    es_jobs_result_t result = lock(self, id, &row);
    if (result == ES_JOBS_OK) result = remove_rows(self, &row);
    return hand_out(&row, out, result);
}

es_jobs_result_t es_job_store_audio_gone(es_job_store_t *self, const char *id, uint64_t now_ms)
{
    int64_t number = 0;
    uint64_t changed = 0;
    if (es_job_store_change(self, ES_JOB_SQL_AUDIO_GONE, &changed, id, now_ms) != ES_JOBS_OK) return ES_JOBS_DOWN;
    if (changed > 0) return ES_JOBS_OK;
    if (es_job_store_run(self, ES_JOB_SQL_EXISTS, es_job_row_number, &number, NULL, id) != ES_JOBS_OK)
        return ES_JOBS_DOWN;
    return number > 0 ? ES_JOBS_OK : ES_JOBS_NONE;
}

es_jobs_result_t es_job_store_get(es_job_store_t *self, const char *id, es_job_t *out)
{
    es_job_row_t row = {0};
    *out = (es_job_t){0};
    es_jobs_result_t result = es_job_store_run(self, ES_JOB_SQL_GET, es_job_row_job, &row, NULL, id);
    return hand_out(&row, out, result == ES_JOBS_OK && row.number == 0 ? ES_JOBS_NONE : result);
}
