#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store_postgres.h"

#define MIGRATE_MS UINT64_C(600000) /* for a step; tables may be large */
#define LOCK "4846529137"           /* of pg_advisory_xact_lock: whoever makes or changes the tables */

static const char *const steps[] = {
    /* Room in the pages for what changes with each final, and a vacuum that comes often: jobs are a queue. */
    "CREATE TABLE job ("
    "  number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
    "  id TEXT NOT NULL UNIQUE,"
    "  session TEXT NOT NULL, key TEXT, file_name TEXT, content_type TEXT, language TEXT, webhook TEXT,"
    "  spool TEXT NOT NULL, format TEXT, worker TEXT, note TEXT, error TEXT,"
    "  state BIGINT NOT NULL DEFAULT 0," /* es_job_state_t */
    "  priority BIGINT NOT NULL,"
    "  bytes BIGINT NOT NULL,"
    "  duration BIGINT NOT NULL," /* samples, as `done` */
    "  done BIGINT NOT NULL DEFAULT 0,"
    "  checkpoint BYTEA NOT NULL DEFAULT '',"
    "  created_ms BIGINT NOT NULL, updated_ms BIGINT NOT NULL, run_at_ms BIGINT NOT NULL,"
    "  started_ms BIGINT NOT NULL DEFAULT 0, finished_ms BIGINT NOT NULL DEFAULT 0,"
    "  attempts BIGINT NOT NULL, attempt BIGINT NOT NULL DEFAULT 0, deaths BIGINT NOT NULL DEFAULT 0,"
    "  warnings BIGINT NOT NULL DEFAULT 0,"
    "  delete_after BIGINT NOT NULL, has_audio BIGINT NOT NULL DEFAULT 1,"
    "  version BIGINT NOT NULL DEFAULT 1,"
    "  token BIGINT NOT NULL DEFAULT 0, lease_until_ms BIGINT NOT NULL DEFAULT 0,"
    "  find TEXT NOT NULL,"                  /* id, session and file name in small letters */
    "  find_error TEXT NOT NULL DEFAULT ''," /* the error in small letters */
    "  analysis TEXT)"
    "  WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);"
    "CREATE UNIQUE INDEX job_key ON job (session, key) WHERE key IS NOT NULL;"
    "CREATE INDEX job_waiting ON job (spool, priority DESC, run_at_ms, number) WHERE state = 0;"
    "CREATE INDEX job_held ON job (lease_until_ms) WHERE state IN (1, 2);"
    "CREATE INDEX job_over ON job (spool, finished_ms, number) WHERE state >= 3;"
    "CREATE INDEX job_state ON job (state, number, created_ms) WHERE created_ms >= 0;"
    "CREATE INDEX job_session ON job (session, number);"
    "CREATE TABLE segment ("
    "  job BIGINT NOT NULL, pos_from BIGINT NOT NULL, pos_to BIGINT NOT NULL,"
    "  starts BIGINT NOT NULL, ends BIGINT NOT NULL,"
    "  confidence BIGINT NOT NULL, failed BIGINT NOT NULL, text TEXT NOT NULL, words BYTEA NOT NULL,"
    "  PRIMARY KEY (job, pos_to));"
    "CREATE TABLE history ("
    "  number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, job BIGINT NOT NULL, attempt BIGINT NOT NULL,"
    "  worker TEXT NOT NULL, started_ms BIGINT NOT NULL, ended_ms BIGINT NOT NULL DEFAULT 0,"
    "  outcome TEXT, error TEXT);"
    "CREATE INDEX history_job ON history (job, number);"
    "CREATE TABLE delivery ("
    "  number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, job BIGINT NOT NULL, id TEXT NOT NULL,"
    "  url TEXT NOT NULL, due_ms BIGINT NOT NULL, tries BIGINT NOT NULL DEFAULT 0);"
    "CREATE INDEX delivery_due ON delivery (due_ms, number);"
    "CREATE INDEX delivery_job ON delivery (job);",
    "ALTER TABLE job ADD COLUMN trace TEXT;", /* traceparent */
    /* Whose a job is, and a key is one of its principal's. Jobs of before are nobody's. */
    "ALTER TABLE job ADD COLUMN principal TEXT NOT NULL DEFAULT '';"
    "DROP INDEX job_key;"
    "CREATE UNIQUE INDEX job_key ON job (principal, session, key) WHERE key IS NOT NULL;"
    "CREATE INDEX job_principal ON job (principal, session, number);",
};

const es_job_schema_t es_job_schema_postgres = {steps, sizeof steps / sizeof *steps};

/* The mark of the tables, with their version: a table of its own, since a server's schema has no room for one. */
static const char make_house[] =
    "CREATE TABLE house (program TEXT NOT NULL, version BIGINT NOT NULL, probes BIGINT NOT NULL);"
    "INSERT INTO house VALUES ('earshot jobs', 0, 0)";

/* The number that a query gives: NULL is -1. False where the connection broke. */
static bool number(es_job_link_t *link, const char *sql, long *out)
{
    PGresult *result = es_job_link_exec(link, sql, MIGRATE_MS);
    if (result && PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1)
        *out = PQgetisnull(result, 0, 0) ? -1 : strtol(PQgetvalue(result, 0, 0), NULL, 10);
    return es_job_link_check(link, result);
}

static bool run(es_job_link_t *link, const char *sql)
{
    return es_job_link_check(link, es_job_link_exec(link, sql, MIGRATE_MS));
}

#define TABLES_OF \
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = '" ES_JOB_PG_SCHEMA "' "

typedef struct {
    long schema, tables, marks, version; /* version -1: no mark */
} found_t;

static bool look(es_job_link_t *link, found_t *found)
{
    *found = (found_t){.version = -1};
    return number(link, "SELECT count(*) FROM pg_namespace WHERE nspname = '" ES_JOB_PG_SCHEMA "'", &found->schema) &&
           number(link, "SELECT count(*)" TABLES_OF, &found->tables) &&
           number(link,
                  "SELECT count(*)" TABLES_OF "AND relname = 'house' AND EXISTS (SELECT 1 FROM pg_attribute a WHERE "
                  "a.attrelid = c.oid AND attname = 'probes') AND EXISTS (SELECT 1 FROM pg_attribute a WHERE "
                  "a.attrelid = c.oid AND attname = 'version')",
                  &found->marks) &&
           (found->marks == 0 || number(link, "SELECT max(version) FROM house", &found->version));
}

/* Nothing is written to tables that are not ours. */
static int check(const found_t *found, const es_job_schema_t *schema, char *err, size_t err_len)
{
    if (found->tables > 0 && found->version < 0) {
        snprintf(err, err_len, "the schema " ES_JOB_PG_SCHEMA " holds tables of another program: use another database");
        return -1;
    }
    if (found->version > schema->count) {
        snprintf(err, err_len,
                 "the tables were made by a newer earshot (their schema is %ld, this one knows %d): use that release, "
                 "or another database",
                 found->version, schema->count);
        return -1;
    }
    return 0;
}

static bool update(es_job_link_t *link, const found_t *found, const es_job_schema_t *schema)
{
    char mark[64];
    long version = found->version < 0 ? 0 : found->version;
    snprintf(mark, sizeof mark, "UPDATE house SET version = %d", schema->count);
    if (found->schema == 0 && !run(link, "CREATE SCHEMA " ES_JOB_PG_SCHEMA)) return false;
    if (found->version < 0 && !run(link, make_house)) return false;
    for (; version < schema->count; version++)
        if (!run(link, schema->steps[version])) return false;
    return run(link, mark);
}

/* Two actors may start at once: what there is to do is looked up again under the lock. */
static int migrate(es_job_link_t *link, const es_job_schema_t *schema, char *err, size_t err_len)
{
    found_t found;
    if (!run(link, "BEGIN") || !run(link, "SET LOCAL statement_timeout TO 0; SET LOCAL lock_timeout TO 0") ||
        !run(link, "SELECT pg_advisory_xact_lock(" LOCK ")") || !look(link, &found))
        return 1;
    int rc = check(&found, schema, err, err_len);
    bool done = rc == 0 && update(link, &found, schema);
    if (!link->conn) return 1;
    if (!run(link, done ? "COMMIT" : "ROLLBACK")) return 1;
    return done ? 0 : rc < 0 ? -1 : 1;
}

int es_job_pg_schema(es_job_link_t *link, const es_job_schema_t *schema, char *err, size_t err_len)
{
    found_t found;
    if (!look(link, &found)) return 1;
    if (check(&found, schema, err, err_len) != 0) return -1;
    return found.version == schema->count ? 0 : migrate(link, schema, err, err_len);
}
