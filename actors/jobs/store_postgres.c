/* Jobs on a server: PostgreSQL, shared by actors on several machines. */
#include "store_postgres.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "job_store_backend.h"

enum { OID_BYTEA = 17, OID_INT8 = 20, OID_TEXT = 25 };

struct es_job_database {
    es_job_link_t link;
    bool prepared[ES_JOB_SQL_STATEMENTS]; /* on connection number `connection` */
    uint64_t connection, heard_on;
};

/* ---- life */

static void close_link(es_job_database_t *self)
{
    es_job_link_fini(&self->link);
    free(self);
}

/* What libpq cannot read is a mistake of whoever wrote it; a server that is down is none where somebody is patient. */
static bool readable(const char *url, char *err, size_t err_len)
{
    char *why = NULL;
    PQconninfoOption *options = PQconninfoParse(url, &why);
    if (options) {
        PQconninfoFree(options);
        return true;
    }
    /* The reason may repeat a piece of the address, and so a password. */
    snprintf(err, err_len,
             "the store's address cannot be read; write postgresql://user:password@host:port/database "
             "(other characters than letters and digits in a password as %%XX)");
    PQfreemem(why);
    return false;
}

static es_job_database_t *open_link(const char *url, bool patient, char *err, size_t err_len)
{
    if (!readable(url, err, err_len)) return NULL;
    es_job_database_t *self = es_alloc_zero(sizeof *self);
    self->link.url = es_alloc_copy(url, strlen(url));
    es_job_link_result_t result = es_job_link_up(&self->link);
    if (result == ES_JOB_LINK_OK || (result == ES_JOB_LINK_DOWN && patient)) {
        self->heard_on = self->link.connections;
        return self;
    }
    snprintf(err, err_len, "%s", self->link.trouble);
    close_link(self);
    return NULL;
}

static const char *trouble(const es_job_database_t *self)
{
    return self->link.trouble[0] ? self->link.trouble : NULL;
}

/* ---- turns */

static es_jobs_result_t answered(es_job_database_t *self, PGresult *result)
{
    return es_job_link_check(&self->link, result) ? ES_JOBS_OK : ES_JOBS_DOWN;
}

static es_jobs_result_t ready(es_job_database_t *self)
{
    if (es_job_link_up(&self->link) != ES_JOB_LINK_OK) return ES_JOBS_DOWN;
    if (self->connection != self->link.connections) memset(self->prepared, 0, sizeof self->prepared);
    self->connection = self->link.connections;
    return ES_JOBS_OK;
}

static es_jobs_result_t begin(es_job_database_t *self)
{
    return answered(self, es_job_link_exec(&self->link, "BEGIN", ES_JOB_PG_ANSWER_MS));
}

static void rollback(es_job_database_t *self)
{
    if (self->link.conn) answered(self, es_job_link_exec(&self->link, "ROLLBACK", ES_JOB_PG_ANSWER_MS));
}

/* COMMIT of a transaction that is broken is answered ROLLBACK, and no error. */
static es_jobs_result_t commit(es_job_database_t *self, bool news)
{
    PGresult *result =
        es_job_link_exec(&self->link, news ? "NOTIFY " ES_JOB_PG_CHANNEL "; COMMIT" : "COMMIT", ES_JOB_PG_ANSWER_MS);
    bool committed = result && strcmp(PQcmdStatus(result), "COMMIT") == 0;
    return answered(self, result) == ES_JOBS_OK && committed ? ES_JOBS_OK : ES_JOBS_DOWN;
}

/* ---- statements */

static Oid oid_of(char type)
{
    return type == 'u' || type == 'i' ? OID_INT8 : type == 'b' ? OID_BYTEA : OID_TEXT;
}

static es_jobs_result_t prepare(es_job_database_t *self, es_job_sql_t which, const char *name)
{
    es_job_statement_t statement = es_job_sql(which, ES_JOB_POSTGRES);
    Oid oids[ES_JOB_SQL_PARAMS_MAX];
    int count = (int)strlen(statement.types);
    for (int i = 0; i < count; i++) oids[i] = oid_of(statement.types[i]);
    if (!PQsendPrepare(self->link.conn, name, statement.text, count, oids)) {
        es_job_link_drop(&self->link, PQerrorMessage(self->link.conn), "it is tried again by itself");
        return ES_JOBS_DOWN;
    }
    es_jobs_result_t result = answered(self, es_job_link_answer(&self->link, ES_JOB_PG_ANSWER_MS));
    self->prepared[which] = result == ES_JOBS_OK;
    return result;
}

typedef struct {
    const char *values[ES_JOB_SQL_PARAMS_MAX];
    int lengths[ES_JOB_SQL_PARAMS_MAX], formats[ES_JOB_SQL_PARAMS_MAX];
    uint64_t numbers[ES_JOB_SQL_PARAMS_MAX]; /* in the order of the network */
} params_t;

static int encode(const char *types, const es_job_value_t *params, params_t *out)
{
    int count = 0;
    for (; types[count]; count++) {
        const es_job_value_t *value = &params[count];
        bool number = value->type == 'i';
        if (number) out->numbers[count] = htobe64((uint64_t)value->number);
        out->values[count] = number ? (const char *)&out->numbers[count] : value->type ? value->bytes.ptr : NULL;
        out->lengths[count] = number ? (int)sizeof out->numbers[count] : (int)value->bytes.len;
        out->formats[count] = 1;
    }
    return count;
}

static es_job_value_t column(const PGresult *result, int row, int i)
{
    uint64_t number;
    const char *bytes = PQgetvalue(result, row, i);
    size_t len = (size_t)PQgetlength(result, row, i);
    if (PQgetisnull(result, row, i)) return (es_job_value_t){0};
    if (PQftype(result, i) != OID_INT8)
        return (es_job_value_t){.type = PQftype(result, i) == OID_BYTEA ? 'b' : 't', .bytes = es_span_of(bytes, len)};
    memcpy(&number, bytes, sizeof number);
    return (es_job_value_t){.type = 'i', .number = (int64_t)be64toh(number)};
}

static void give_rows(const PGresult *result, es_job_row_fn fn, void *arg)
{
    es_job_value_t values[ES_JOB_SQL_COLUMNS_MAX];
    int rows = PQntuples(result), columns = PQnfields(result);
    bool more = true;
    for (int row = 0; row < rows && more; row++) {
        for (int i = 0; i < columns; i++) values[i] = column(result, row, i);
        more = fn(arg, values);
    }
}

static es_jobs_result_t run(es_job_database_t *self, es_job_sql_t which, const es_job_value_t *params, es_job_row_fn fn,
                            void *arg, uint64_t *changed)
{
    params_t out;
    char name[16];
    snprintf(name, sizeof name, "s%d", (int)which);
    if (!self->link.conn || (!self->prepared[which] && prepare(self, which, name) != ES_JOBS_OK)) return ES_JOBS_DOWN;
    int count = encode(es_job_sql(which, ES_JOB_POSTGRES).types, params, &out);
    if (!PQsendQueryPrepared(self->link.conn, name, count, out.values, out.lengths, out.formats, 1)) {
        es_job_link_drop(&self->link, PQerrorMessage(self->link.conn), "it is tried again by itself");
        return ES_JOBS_DOWN;
    }
    PGresult *result = es_job_link_answer(&self->link, ES_JOB_PG_ANSWER_MS);
    if (result && fn && PQresultStatus(result) == PGRES_TUPLES_OK) give_rows(result, fn, arg);
    if (result && changed) *changed = strtoull(PQcmdTuples(result), NULL, 10);
    return answered(self, result);
}

/* ---- news */

static int fd(const es_job_database_t *self)
{
    return self->link.conn ? PQsocket(self->link.conn) : -1;
}

/* What others did while there was no connection was not heard: it counts as news. */
static bool heard(es_job_database_t *self)
{
    bool news = self->heard_on != self->link.connections;
    PGnotify *notice;
    self->heard_on = self->link.connections;
    if (!self->link.conn) return false;
    if (!PQconsumeInput(self->link.conn)) {
        es_job_link_drop(&self->link, PQerrorMessage(self->link.conn), "it is tried again by itself");
        return news;
    }
    while ((notice = PQnotifies(self->link.conn))) {
        news = news || notice->be_pid != PQbackendPID(self->link.conn);
        PQfreemem(notice);
    }
    return news;
}

const es_job_backend_t es_job_backend_postgres = {.kind = "postgresql",
                                                  .schemes = {"postgresql://", "postgres://"},
                                                  .open = open_link,
                                                  .close = close_link,
                                                  .ready = ready,
                                                  .begin = begin,
                                                  .commit = commit,
                                                  .rollback = rollback,
                                                  .run = run,
                                                  .trouble = trouble,
                                                  .fd = fd,
                                                  .heard = heard};
