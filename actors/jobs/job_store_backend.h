/* What a database must be able to do to keep jobs. The rest is common: job_store.c and store_*.c. */
#ifndef ES_JOB_STORE_BACKEND_H
#define ES_JOB_STORE_BACKEND_H

#include "job_store.h"
#include "store_sql.h"

#define ES_JOB_SCHEMES_MAX 2

#define ES_JOB_LOCKED_MS 1000u /* what is due is in another actor's transaction: look again then */

typedef struct es_job_database es_job_database_t; /* one's own */

/* Results are OK, or DOWN: the transaction is lost. Where trouble() then is NULL the database is well, and another try, or one without that statement, may work. */
typedef struct {
    const char *kind;
    const char *schemes[ES_JOB_SCHEMES_MAX]; /* how its URLs begin, ':' and all */
    es_job_database_t *(*open)(const char *url, bool patient, char *err, size_t err_len);
    void (*close)(es_job_database_t *self);
    es_jobs_result_t (*ready)(
        es_job_database_t *self); /* reconnects where it must; DOWN at once where that was tried just now */
    es_jobs_result_t (*begin)(es_job_database_t *self);
    es_jobs_result_t (*commit)(es_job_database_t *self, bool news); /* with news others are told */
    void (*rollback)(es_job_database_t *self);
    /* Calls fn (NULL where rows do not matter) for each row. *changed (may be NULL): rows inserted, updated, deleted or given. */
    es_jobs_result_t (*run)(es_job_database_t *self, es_job_sql_t which, const es_job_value_t *params, es_job_row_fn fn,
                            void *arg, uint64_t *changed);
    const char *(*trouble)(const es_job_database_t *self);
    int (*fd)(const es_job_database_t *self);
    bool (*heard)(es_job_database_t *self);
} es_job_backend_t;

extern const es_job_backend_t es_job_backend_sqlite, es_job_backend_postgres;

/* ---- the inside of the store, for job_store.c and store_*.c */

struct es_job_store {
    const es_job_backend_t *backend;
    es_job_database_t *db;
    bool open;   /* the transaction has begun: with the first change, so that turns that only read lock nothing */
    bool failed; /* the turn is lost */
    bool news;   /* of this turn, for other actors */
    es_job_counts_t counted;
    uint64_t counted_until_us; /* so long they are told again */
};

/* Before anything that changes or locks. OK or DOWN. */
es_jobs_result_t es_job_store_write(es_job_store_t *self);
/* Binds (see es_job_statement_t.types) and runs. OK or DOWN; then the turn is lost. Texts are stored with U+FFFD in the place of NUL and of what is no UTF-8. */
es_jobs_result_t es_job_store_run(es_job_store_t *self, es_job_sql_t which, es_job_row_fn fn, void *arg,
                                  uint64_t *changed, ...);
/* The same for a change without rows; begins the transaction where it has not begun. */
#define es_job_store_change(self, which, changed, ...) \
    (es_job_store_write(self), es_job_store_run((self), (which), NULL, NULL, (changed)__VA_OPT__(, ) __VA_ARGS__))
/* Row functions. The job's number is what its other rows are kept under. */
typedef struct {
    int64_t number; /* 0: no row came */
    es_job_t job;
} es_job_row_t;
bool es_job_row_number(void *arg, const es_job_value_t *row); /* arg: int64_t, of the first column */
bool es_job_row_job(void *arg, const es_job_value_t *row);    /* arg: es_job_row_t */
/* The open line of the job's history ends. */
es_jobs_result_t es_job_store_ended(es_job_store_t *self, int64_t number, const char *outcome, const char *error,
                                    uint64_t now_ms);
/* A delivery is due where a webhook is wanted. */
es_jobs_result_t es_job_store_deliver(es_job_store_t *self, int64_t number, uint64_t now_ms);

#endif
