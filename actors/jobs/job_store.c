#include "job_store.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "job_store_backend.h"
#include "store_text.h"

static const es_job_backend_t *const backends[] = {&es_job_backend_sqlite, &es_job_backend_postgres, NULL};

/* ---- life */

static bool begins_with_one_of(const char *url, const char *const *schemes)
{
    for (size_t i = 0; i < ES_JOB_SCHEMES_MAX && schemes[i]; i++)
        if (strncmp(url, schemes[i], strlen(schemes[i])) == 0) return true;
    return false;
}

static const es_job_backend_t *backend_of(const char *url)
{
    const es_job_backend_t *const *backend = backends;
    while (*backend && !begins_with_one_of(url, (*backend)->schemes)) backend++;
    return *backend;
}

es_job_store_t *es_job_store_open(const char *url, bool patient, char *err, size_t err_len)
{
    const es_job_backend_t *backend = backend_of(url);
    if (!backend) {
        /* Not repeated: it may hold a password. */
        snprintf(err, err_len,
                 "the store's address begins neither with sqlite: nor with postgresql:// ; write "
                 "sqlite:/path/jobs.db or postgresql://user@host/database");
        return NULL;
    }
    es_job_database_t *db = backend->open(url, patient, err, err_len);
    if (!db) return NULL;
    es_job_store_t *self = es_alloc_zero(sizeof *self);
    self->backend = backend;
    self->db = db;
    return self;
}

void es_job_store_close(es_job_store_t **self_p)
{
    es_job_store_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    es_job_store_rollback(self);
    self->backend->close(self->db);
    free(self);
}

const char *es_job_store_kind(const es_job_store_t *self)
{
    return self->backend->kind;
}

const char *es_job_store_trouble(const es_job_store_t *self)
{
    return self->backend->trouble(self->db);
}

int es_job_store_fd(const es_job_store_t *self)
{
    return self->backend->fd(self->db);
}

bool es_job_store_heard(es_job_store_t *self)
{
    return self->backend->heard(self->db);
}

/* ---- turns */

es_jobs_result_t es_job_store_begin(es_job_store_t *self)
{
    es_job_store_rollback(self);
    self->failed = self->backend->ready(self->db) != ES_JOBS_OK;
    return self->failed ? ES_JOBS_DOWN : ES_JOBS_OK;
}

void es_job_store_rollback(es_job_store_t *self)
{
    if (self->open) self->backend->rollback(self->db);
    self->open = self->failed = self->news = false;
}

es_jobs_result_t es_job_store_commit(es_job_store_t *self)
{
    bool lost = self->failed;
    if (!lost && self->open) lost = self->backend->commit(self->db, self->news) != ES_JOBS_OK;
    if (!lost) self->open = false;
    es_job_store_rollback(self);
    return lost ? ES_JOBS_DOWN : ES_JOBS_OK;
}

es_jobs_result_t es_job_store_probe(es_job_store_t *self)
{
    if (es_job_store_begin(self) == ES_JOBS_OK && es_job_store_write(self) == ES_JOBS_OK)
        es_job_store_change(self, ES_JOB_SQL_PROBE, NULL);
    return es_job_store_commit(self);
}

es_jobs_result_t es_job_store_write(es_job_store_t *self)
{
    if (self->failed) return ES_JOBS_DOWN;
    if (self->open) return ES_JOBS_OK;
    self->failed = self->backend->begin(self->db) != ES_JOBS_OK;
    self->open = !self->failed;
    return self->failed ? ES_JOBS_DOWN : ES_JOBS_OK;
}

/* ---- statements */

static es_job_value_t number_value(int64_t number)
{
    return (es_job_value_t){.type = 'i', .number = number};
}

static es_job_value_t text_value(es_span_t text, char **owned)
{
    es_job_value_t value = {.type = 't', .bytes = {.ptr = text.len > 0 ? text.ptr : "", .len = text.len}};
    *owned = es_job_text_repaired(text, &value.bytes.len);
    if (*owned) value.bytes.ptr = *owned;
    return value;
}

static es_job_value_t bytes_value(es_span_t bytes)
{
    return (es_job_value_t){.type = 'b', .bytes = {.ptr = bytes.len > 0 ? bytes.ptr : "", .len = bytes.len}};
}

static void bind(const char *types, va_list args, es_job_value_t *values, char **owned)
{
    for (int i = 0; types[i]; i++) {
        const char *text;
        uint64_t number;
        switch (types[i]) {
        case 'u':
            number = va_arg(args, uint64_t);
            values[i] = number_value(number < INT64_MAX ? (int64_t)number : INT64_MAX);
            break;
        case 'i':
            values[i] = number_value(va_arg(args, int64_t));
            break;
        case 't':
            text = va_arg(args, const char *);
            values[i] = text ? text_value(es_span(text), &owned[i]) : (es_job_value_t){0};
            break;
        case 's':
            values[i] = text_value(va_arg(args, es_span_t), &owned[i]);
            break;
        default:
            values[i] = bytes_value(va_arg(args, es_span_t));
            break;
        }
    }
}

es_jobs_result_t es_job_store_run(es_job_store_t *self, es_job_sql_t which, es_job_row_fn fn, void *arg,
                                  uint64_t *changed, ...)
{
    es_job_value_t values[ES_JOB_SQL_PARAMS_MAX];
    char *owned[ES_JOB_SQL_PARAMS_MAX] = {0};
    va_list args;
    if (self->failed) return ES_JOBS_DOWN;
    va_start(args, changed);
    bind(es_job_sql(which, ES_JOB_SQLITE).types, args, values, owned);
    va_end(args);
    self->failed = self->backend->run(self->db, which, values, fn, arg, changed) != ES_JOBS_OK;
    for (int i = 0; i < ES_JOB_SQL_PARAMS_MAX; i++) free(owned[i]);
    return self->failed ? ES_JOBS_DOWN : ES_JOBS_OK;
}
