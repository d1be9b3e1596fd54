#include "sqlite_schema.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BUSY = 1, BUSY_TRIES = 100, BUSY_PAUSE_MS = 20 };

/* What people said is nobody else's: a new file is its owner's alone, and SQLite gives those beside it the same rights. Made elsewhere and linked, since to close a descriptor of a file that
 * is in use takes this process's locks away from it. What fails here is said by the opening. */
static void make_private(const char *path)
{
    char fresh[PATH_MAX];
    if (access(path, F_OK) == 0 || snprintf(fresh, sizeof fresh, "%s-XXXXXX", path) >= (int)sizeof fresh) return;
    int fd = mkostemp(fresh, O_CLOEXEC);
    if (fd < 0) return;
    close(fd);
    int there = link(fresh, path); /* unless another actor was first */
    (void)there;
    unlink(fresh);
}

int es_sqlite_open(const char *path, sqlite3 **db)
{
    make_private(path);
    return sqlite3_open_v2(
        path, db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
}

const char *es_sqlite_advice(int code)
{
    static const struct {
        int code;
        const char *advice;
    } advices[] = {
        {SQLITE_FULL, "the disk is full: make room; until then nothing is taken"},
        {SQLITE_BUSY, "another process holds the file: is an actor stopped, or has a tool it open for writing?"},
        {SQLITE_READONLY, "the file or its directory is read-only: give the actor's user the right to write"},
        {SQLITE_CANTOPEN, "the file cannot be opened: is it in a directory that the actor's user may write to?"},
        {SQLITE_PERM, "the file cannot be opened: give the actor's user the right to write"},
        {SQLITE_CORRUPT, "the file is damaged: stop the actors, try sqlite3's .recover, or move it away"},
        {SQLITE_NOTADB, "this is no database: move it away, or choose another --data"},
        {SQLITE_IOERR, "the disk does not work: look at the system's log; until then nothing is taken"},
    };
    for (size_t i = 0; i < sizeof advices / sizeof *advices; i++)
        if (advices[i].code == (code & 0xff)) return advices[i].advice;
    return "until it works nothing is taken";
}

/* BUSY where another process is to blame, for now; else -1. */
static int fail(sqlite3 *db, const char *path, char *err, size_t err_len)
{
    int code = sqlite3_errcode(db);
    snprintf(err, err_len, "%s: %s; %s", path, sqlite3_errmsg(db), es_sqlite_advice(code));
    return (code & 0xff) == SQLITE_BUSY ? BUSY : -1;
}

/* The number that a query gives. 0, or -1. */
static int number(sqlite3 *db, const char *sql, int *out)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    if (rc == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW) *out = sqlite3_column_int(statement, 0);
    return sqlite3_finalize(statement) == SQLITE_OK && rc == SQLITE_OK ? 0 : -1;
}

static int run(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : -1;
}

/* Nothing is written to a file that is not ours. */
static int check(sqlite3 *db, const es_sqlite_schema_t *schema, const char *path, char *err, size_t err_len)
{
    int application = 0, tables = 0, version = 0;
    if (number(db, "PRAGMA application_id", &application) != 0 || number(db, "PRAGMA user_version", &version) != 0 ||
        number(db, "SELECT count(*) FROM sqlite_master", &tables) != 0)
        return fail(db, path, err, err_len);
    if (application != schema->application && (tables > 0 || application != 0 || version != 0)) {
        snprintf(err, err_len, "%s is a database of another program: move it away, or choose another --data", path);
        return -1;
    }
    if (version > schema->count) {
        snprintf(err, err_len,
                 "%s was written by a newer earshot (its schema is %d, this one knows %d): use that release, or "
                 "choose another --data",
                 path, version, schema->count);
        return -1;
    }
    return 0;
}

/* Readers and one writer at a time do not wait for one another, and a commit is one fsync. */
static int set_journal(sqlite3 *db, const char *path, char *err, size_t err_len)
{
    sqlite3_stmt *statement = NULL;
    bool wal = false;
    int rc = sqlite3_prepare_v2(db, "PRAGMA journal_mode = WAL", -1, &statement, NULL);
    if (rc == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW)
        wal = strcmp((const char *)sqlite3_column_text(statement, 0), "wal") == 0;
    if (sqlite3_finalize(statement) != SQLITE_OK) return fail(db, path, err, err_len);
    if (!wal) {
        snprintf(err, err_len,
                 "%s: this file system has no shared memory for the journal (WAL); put it on a local disk", path);
        return -1;
    }
    return run(db, "PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864") == 0
               ? 0
               : fail(db, path, err, err_len);
}

/* Two actors may start at once: what there is to do is looked up again under the lock. */
static int migrate(sqlite3 *db, const es_sqlite_schema_t *schema, const char *path, char *err, size_t err_len)
{
    int version = 0;
    char mark[96];
    bool done = run(db, "BEGIN IMMEDIATE") == 0 && number(db, "PRAGMA user_version", &version) == 0;
    for (; done && version < schema->count; version++) done = run(db, schema->steps[version]) == 0;
    snprintf(mark, sizeof mark, "PRAGMA application_id = %d; PRAGMA user_version = %d", schema->application, version);
    if (done && run(db, mark) == 0 && run(db, "COMMIT") == 0) return 0;
    int rc = fail(db, path, err, err_len);
    run(db, "ROLLBACK");
    return rc;
}

/* In one transaction: the tables of another actor that starts just now are seen with its mark, or not at all. */
static int check_at_once(sqlite3 *db, const es_sqlite_schema_t *schema, const char *path, char *err, size_t err_len)
{
    if (run(db, "BEGIN") != 0) return fail(db, path, err, err_len);
    int rc = check(db, schema, path, err, err_len);
    run(db, "COMMIT");
    return rc;
}

static int settle(sqlite3 *db, const es_sqlite_schema_t *schema, const char *path, char *err, size_t err_len)
{
    int version = 0, rc = check_at_once(db, schema, path, err, err_len);
    if (rc == 0) rc = set_journal(db, path, err, err_len);
    if (rc != 0) return rc;
    if (number(db, "PRAGMA user_version", &version) == 0 && version == schema->count) return 0;
    return migrate(db, schema, path, err, err_len);
}

/* SQLite's own waiting (busy_timeout) does not cover the change to WAL, which several actors that start on a new file try at once. */
int es_sqlite_schema(sqlite3 *db, const es_sqlite_schema_t *schema, const char *path, char *err, size_t err_len)
{
    int rc = settle(db, schema, path, err, err_len);
    for (int tries = 0; rc == BUSY && tries < BUSY_TRIES; tries++) {
        sqlite3_sleep(BUSY_PAUSE_MS);
        rc = settle(db, schema, path, err, err_len);
    }
    return rc == 0 ? 0 : -1;
}
