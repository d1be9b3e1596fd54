/* Jobs in a file: SQLite, WAL, one fsync a turn. */
#include "store_sqlite.h"
#include "sqlite_schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "job_store_backend.h"
#include "wire.h"

#define SCHEME "sqlite:"
enum { OPEN_BUSY_MS = 100 }; /* for one of the tries of es_job_sqlite_schema */
enum { TROUBLE_MAX = 1024 };
#define TURN_BUSY_US UINT64_C(3000000) /* other actors' turns on the same file are fsyncs, one after the other */

typedef struct {
    sqlite3_stmt *handle;
    int at[ES_JOB_SQL_PARAMS_MAX]; /* SQLite's number of $1, $2 ...; 0: the statement does without */
} statement_t;

struct es_job_database {
    sqlite3 *db;
    char *path;
    statement_t begin, commit, version, statements[ES_JOB_SQL_STATEMENTS];
    uint64_t busy_us; /* when it was first found that others hold the file */
    int64_t seen;     /* PRAGMA data_version: changes with each commit of another connection */
    char trouble[TROUBLE_MAX];
};

/* ---- life */

static int prepare_one(es_job_database_t *self, const char *text, statement_t *out)
{
    int rc = sqlite3_prepare_v3(self->db, text, -1, SQLITE_PREPARE_PERSISTENT, &out->handle, NULL);
    for (int i = 0; i < ES_JOB_SQL_PARAMS_MAX && rc == SQLITE_OK; i++) {
        char name[8];
        snprintf(name, sizeof name, "$%d", i + 1);
        out->at[i] = sqlite3_bind_parameter_index(out->handle, name);
    }
    return rc;
}

static int prepare(es_job_database_t *self)
{
    int rc = prepare_one(self, "BEGIN IMMEDIATE", &self->begin);
    if (rc == SQLITE_OK) rc = prepare_one(self, "COMMIT", &self->commit);
    if (rc == SQLITE_OK) rc = prepare_one(self, "PRAGMA data_version", &self->version);
    for (int i = 0; i < ES_JOB_SQL_STATEMENTS && rc == SQLITE_OK; i++)
        rc = prepare_one(self, es_job_sql((es_job_sql_t)i, ES_JOB_SQLITE).text, &self->statements[i]);
    return rc;
}

static void finalize(es_job_database_t *self)
{
    sqlite3_finalize(self->begin.handle);
    sqlite3_finalize(self->commit.handle);
    sqlite3_finalize(self->version.handle);
    for (int i = 0; i < ES_JOB_SQL_STATEMENTS; i++) sqlite3_finalize(self->statements[i].handle);
}

static void close_file(es_job_database_t *self)
{
    finalize(self);
    sqlite3_close(self->db); /* rolls back */
    free(self->path);
    free(self);
}

/* SQLite's own waiting sleeps longer and longer, and so never gets its turn beside an actor that has much to do. */
static int wait_for_others(void *arg, int tries)
{
    es_job_database_t *self = arg;
    uint64_t now = es_now_us();
    if (tries == 0) self->busy_us = now;
    if (now - self->busy_us >= TURN_BUSY_US) return 0;
    sqlite3_sleep(1);
    return 1;
}

static int set_up(es_job_database_t *self, char *err, size_t err_len)
{
    sqlite3_busy_timeout(self->db, OPEN_BUSY_MS);
    if (es_job_sqlite_schema(self->db, &es_job_schema_sqlite, self->path, err, err_len) != 0) return -1;
    sqlite3_busy_handler(self->db, wait_for_others, self);
    int rc = prepare(self);
    if (rc == SQLITE_OK) return 0;
    snprintf(err, err_len, "%s: %s; %s", self->path, sqlite3_errmsg(self->db), es_sqlite_advice(rc));
    return -1;
}

/* A file that cannot be opened is a mistake of whoever set it up, so `patient` makes no difference. */
static es_job_database_t *open_file(const char *url, bool patient, char *err, size_t err_len)
{
    const char *path = url + strlen(SCHEME);
    (void)patient;
    if (path[0] == '\0') {
        snprintf(err, err_len, "the store's address is sqlite: without a file; write sqlite:/path/jobs.db");
        return NULL;
    }
    es_job_database_t *self = es_alloc_zero(sizeof *self);
    self->path = es_alloc_copy(path, strlen(path));
    int rc = es_sqlite_open(path, &self->db);
    if (rc == SQLITE_OK && set_up(self, err, err_len) == 0) return self;
    if (rc != SQLITE_OK) snprintf(err, err_len, "%s: %s; %s", path, sqlite3_errstr(rc), es_sqlite_advice(rc));
    close_file(self);
    return NULL;
}

/* ---- turns */

/* Texts that are too long, or rows that do not fit together, are the statement's own fault. */
static bool statements_fault(int rc)
{
    int code = rc & 0xff;
    return code == SQLITE_CONSTRAINT || code == SQLITE_TOOBIG || code == SQLITE_MISMATCH || code == SQLITE_RANGE;
}

static es_jobs_result_t check(es_job_database_t *self, int rc)
{
    if (rc == SQLITE_OK) return ES_JOBS_OK;
    if (!statements_fault(rc))
        snprintf(self->trouble, sizeof self->trouble, "%s: %s; %s", self->path, sqlite3_errstr(rc),
                 es_sqlite_advice(rc));
    return ES_JOBS_DOWN;
}

static int finish(sqlite3_stmt *handle)
{
    while (sqlite3_step(handle) == SQLITE_ROW) {
    }
    return sqlite3_reset(handle);
}

static es_jobs_result_t ready(es_job_database_t *self)
{
    (void)self;
    return ES_JOBS_OK;
}

static es_jobs_result_t begin(es_job_database_t *self)
{
    return check(self, finish(self->begin.handle));
}

static void rollback(es_job_database_t *self)
{
    if (!sqlite3_get_autocommit(self->db)) sqlite3_exec(self->db, "ROLLBACK", NULL, NULL, NULL);
}

/* Others look at data_version: nothing is to be told. */
static es_jobs_result_t commit(es_job_database_t *self, bool news)
{
    (void)news;
    es_jobs_result_t result = check(self, finish(self->commit.handle));
    if (result == ES_JOBS_OK) self->trouble[0] = '\0';
    return result;
}

static const char *trouble(const es_job_database_t *self)
{
    return self->trouble[0] ? self->trouble : NULL;
}

static int no_fd(const es_job_database_t *self)
{
    (void)self;
    return -1;
}

static bool heard(es_job_database_t *self)
{
    int64_t seen = self->seen;
    if (sqlite3_step(self->version.handle) == SQLITE_ROW) self->seen = sqlite3_column_int64(self->version.handle, 0);
    sqlite3_reset(self->version.handle);
    return seen != 0 && self->seen != seen;
}

/* ---- statements */

static void bind_all(const statement_t *statement, const char *types, const es_job_value_t *params)
{
    for (int i = 0; types[i]; i++) {
        const es_job_value_t *value = &params[i];
        int at = statement->at[i];
        if (at == 0) continue;
        switch (value->type) {
        case 'i':
            sqlite3_bind_int64(statement->handle, at, value->number);
            break;
        case 't':
            sqlite3_bind_text64(statement->handle, at, value->bytes.ptr, value->bytes.len, SQLITE_STATIC, SQLITE_UTF8);
            break;
        case 'b':
            sqlite3_bind_blob64(statement->handle, at, value->bytes.ptr, value->bytes.len, SQLITE_STATIC);
            break;
        default:
            sqlite3_bind_null(statement->handle, at);
        }
    }
}

static es_job_value_t column(sqlite3_stmt *row, int i)
{
    const void *bytes;
    switch (sqlite3_column_type(row, i)) {
    case SQLITE_NULL:
        return (es_job_value_t){0};
    case SQLITE_INTEGER:
        return (es_job_value_t){.type = 'i', .number = sqlite3_column_int64(row, i)};
    case SQLITE_BLOB:
        bytes = sqlite3_column_blob(row, i);
        return (es_job_value_t){.type = 'b', .bytes = es_span_of(bytes, (size_t)sqlite3_column_bytes(row, i))};
    default:
        bytes = sqlite3_column_text(row, i);
        return (es_job_value_t){.type = 't', .bytes = es_span_of(bytes, (size_t)sqlite3_column_bytes(row, i))};
    }
}

static int step(sqlite3_stmt *handle, es_job_row_fn fn, void *arg)
{
    es_job_value_t row[ES_JOB_SQL_COLUMNS_MAX];
    int columns = sqlite3_column_count(handle);
    for (bool more = true; more && sqlite3_step(handle) == SQLITE_ROW;) {
        if (!fn) continue;
        for (int i = 0; i < columns; i++) row[i] = column(handle, i);
        more = fn(arg, row);
    }
    return sqlite3_reset(handle);
}

static es_jobs_result_t run(es_job_database_t *self, es_job_sql_t which, const es_job_value_t *params, es_job_row_fn fn,
                            void *arg, uint64_t *changed)
{
    statement_t *statement = &self->statements[which];
    bind_all(statement, es_job_sql(which, ES_JOB_SQLITE).types, params);
    int rc = step(statement->handle, fn, arg);
    sqlite3_clear_bindings(statement->handle);
    if (changed) *changed = (uint64_t)sqlite3_changes64(self->db);
    return check(self, rc);
}

const es_job_backend_t es_job_backend_sqlite = {.kind = "sqlite",
                                                .schemes = {SCHEME},
                                                .open = open_file,
                                                .close = close_file,
                                                .ready = ready,
                                                .begin = begin,
                                                .commit = commit,
                                                .rollback = rollback,
                                                .run = run,
                                                .trouble = trouble,
                                                .fd = no_fd,
                                                .heard = heard};
