#include "sqlite_schema.h"
#include "store_sqlite.h"

#define APPLICATION 0x4561726a /* "Earj": earshot's jobs */

static const char *const steps[] = {
    /* AUTOINCREMENT: the number of a job that was removed is never that of another one. */
    "CREATE TABLE job ("
    "  number INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  id TEXT NOT NULL UNIQUE,"
    "  session TEXT NOT NULL, key TEXT, file_name TEXT, content_type TEXT, language TEXT, webhook TEXT,"
    "  spool TEXT NOT NULL, format TEXT, worker TEXT, note TEXT, error TEXT,"
    "  state INTEGER NOT NULL DEFAULT 0," /* es_job_state_t */
    "  priority INTEGER NOT NULL,"
    "  bytes INTEGER NOT NULL,"
    "  duration INTEGER NOT NULL," /* samples, as `done` */
    "  done INTEGER NOT NULL DEFAULT 0,"
    "  checkpoint BLOB NOT NULL DEFAULT x'',"
    "  created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL, run_at_ms INTEGER NOT NULL,"
    "  started_ms INTEGER NOT NULL DEFAULT 0, finished_ms INTEGER NOT NULL DEFAULT 0,"
    "  attempts INTEGER NOT NULL, attempt INTEGER NOT NULL DEFAULT 0, deaths INTEGER NOT NULL DEFAULT 0,"
    "  warnings INTEGER NOT NULL DEFAULT 0,"
    "  delete_after INTEGER NOT NULL, has_audio INTEGER NOT NULL DEFAULT 1,"
    "  version INTEGER NOT NULL DEFAULT 1,"
    "  token INTEGER NOT NULL DEFAULT 0, lease_until_ms INTEGER NOT NULL DEFAULT 0,"
    "  find TEXT NOT NULL,"                  /* id, session and file name in small letters */
    "  find_error TEXT NOT NULL DEFAULT ''," /* the error in small letters */
    "  analysis TEXT);"
    "CREATE UNIQUE INDEX job_key ON job (session, key) WHERE key IS NOT NULL;"
    "CREATE INDEX job_waiting ON job (spool, priority DESC, run_at_ms, number) WHERE state = 0;"
    "CREATE INDEX job_held ON job (lease_until_ms) WHERE state IN (1, 2);"
    "CREATE INDEX job_over ON job (spool, finished_ms, number) WHERE state >= 3;"
    "CREATE INDEX job_state ON job (state, number, created_ms) WHERE created_ms >= 0;"
    "CREATE INDEX job_session ON job (session, number);"
    "CREATE TABLE segment ("
    "  job INTEGER NOT NULL, pos_from INTEGER NOT NULL, pos_to INTEGER NOT NULL,"
    "  starts INTEGER NOT NULL, ends INTEGER NOT NULL,"
    "  confidence INTEGER NOT NULL, failed INTEGER NOT NULL, text TEXT NOT NULL, words BLOB NOT NULL,"
    "  PRIMARY KEY (job, pos_to)) WITHOUT ROWID;"
    "CREATE TABLE history ("
    "  number INTEGER PRIMARY KEY AUTOINCREMENT, job INTEGER NOT NULL, attempt INTEGER NOT NULL,"
    "  worker TEXT NOT NULL, started_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL DEFAULT 0,"
    "  outcome TEXT, error TEXT);"
    "CREATE INDEX history_job ON history (job, number);"
    "CREATE TABLE delivery ("
    "  number INTEGER PRIMARY KEY AUTOINCREMENT, job INTEGER NOT NULL, id TEXT NOT NULL, url TEXT NOT NULL,"
    "  due_ms INTEGER NOT NULL, tries INTEGER NOT NULL DEFAULT 0);"
    "CREATE INDEX delivery_due ON delivery (due_ms, number);"
    "CREATE INDEX delivery_job ON delivery (job);"
    "CREATE TABLE house (probes INTEGER NOT NULL);"
    "INSERT INTO house (probes) VALUES (0);",
    "ALTER TABLE job ADD COLUMN trace TEXT;", /* traceparent */
    /* Whose a job is, and a key is one of its principal's. Jobs of before are nobody's. */
    "ALTER TABLE job ADD COLUMN principal TEXT NOT NULL DEFAULT '';"
    "DROP INDEX job_key;"
    "CREATE UNIQUE INDEX job_key ON job (principal, session, key) WHERE key IS NOT NULL;"
    "CREATE INDEX job_principal ON job (principal, session, number);",
};

const es_job_schema_t es_job_schema_sqlite = {steps, sizeof steps / sizeof *steps};

int es_job_sqlite_schema(sqlite3 *db, const es_job_schema_t *schema, const char *path, char *err, size_t err_len)
{
    const es_sqlite_schema_t file = {.application = APPLICATION, .steps = schema->steps, .count = schema->count};
    return es_sqlite_schema(db, &file, path, err, err_len);
}
