/* What the stores say to their databases: one table of statements for both. For job_store.c and store_*.c only.
 *
 * Parameters are $1, $2 ... in both dialects; `types` says what each is:  u uint64_t (at most INT64_MAX is kept), i int64_t, t const char * or NULL, s es_span_t of text, b es_span_t of bytes.
 */
#ifndef ES_STORE_SQL_H
#define ES_STORE_SQL_H

#include "job.h"

#define ES_JOB_SQL_PARAMS_MAX 20
#define ES_JOB_SQL_COLUMNS_MAX 40

typedef enum {
    ES_JOB_SQL_PROBE,
    ES_JOB_SQL_INSERT,
    ES_JOB_SQL_THERE,
    ES_JOB_SQL_NEXT,
    ES_JOB_SQL_NEXT_AT,
    ES_JOB_SQL_TAKE,
    ES_JOB_SQL_HELD_BY,
    ES_JOB_SQL_GIVE_BACK,
    ES_JOB_SQL_RENEW,
    ES_JOB_SQL_PROBED,
    ES_JOB_SQL_NOTE,
    ES_JOB_SQL_FINAL,
    ES_JOB_SQL_SEGMENT,
    ES_JOB_SQL_TRANSCRIBED,
    ES_JOB_SQL_COMPLETED,
    ES_JOB_SQL_FAILED,
    ES_JOB_SQL_AGAIN,
    ES_JOB_SQL_STANDING,
    ES_JOB_SQL_CANCEL,
    ES_JOB_SQL_RETRY,
    ES_JOB_SQL_AUDIO_GONE,
    ES_JOB_SQL_GET,
    ES_JOB_SQL_LOCK,
    ES_JOB_SQL_EXISTS,
    ES_JOB_SQL_BEGUN,
    ES_JOB_SQL_ENDED,
    ES_JOB_SQL_FORGET,
    ES_JOB_SQL_HISTORY,
    ES_JOB_SQL_SEGMENTS,
    ES_JOB_SQL_COUNTS,
    ES_JOB_SQL_OLDEST,
    ES_JOB_SQL_OVER,
    ES_JOB_SQL_EXPIRED,
    ES_JOB_SQL_LIST, /* twelve: + 1 by state, + 2 by session or + 4 by a principal's session, + 6 by a part of the text */
    ES_JOB_SQL_TOTAL = ES_JOB_SQL_LIST + 12,
    ES_JOB_SQL_REMOVE_SEGMENTS = ES_JOB_SQL_TOTAL + 12,
    ES_JOB_SQL_REMOVE_HISTORY,
    ES_JOB_SQL_REMOVE_DELIVERIES,
    ES_JOB_SQL_REMOVE,
    ES_JOB_SQL_DUE,
    ES_JOB_SQL_DELIVER,
    ES_JOB_SQL_DUE_AT,
    ES_JOB_SQL_DELIVERED,
    ES_JOB_SQL_REDELIVER,
    ES_JOB_SQL_STATEMENTS
} es_job_sql_t;

typedef struct {
    const char *types, *text;
} es_job_statement_t;

typedef enum { ES_JOB_SQLITE, ES_JOB_POSTGRES } es_job_dialect_t;

es_job_statement_t es_job_sql(es_job_sql_t which, es_job_dialect_t dialect);

/* A parameter or a column. */
typedef struct {
    char type; /* 'i', 't', 'b'; 0: NULL */
    int64_t number;
    es_span_t bytes;
} es_job_value_t;

/* Reads a row; values are valid during the call. False: no more rows. */
typedef bool (*es_job_row_fn)(void *arg, const es_job_value_t *row);

static inline uint64_t es_job_uint(const es_job_value_t *value)
{
    return value->number > 0 ? (uint64_t)value->number : 0;
}
/* A copy for the caller, or NULL. */
char *es_job_text(const es_job_value_t *value);
/* Columns as the statements that give whole jobs have them; ES_JOB_SQL_LIST leaves out the analysis. *out is overwritten. */
void es_job_of_row(es_job_t *out, const es_job_value_t *row);

#endif
