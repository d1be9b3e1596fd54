/* A SQLite file as actors keep one: recognized as theirs, written with a journal (WAL) and an fsync a commit, its tables made or brought up to date. Several
 * processes may open it at once. Blocks for the disk. */
#ifndef ES_SQLITE_SCHEMA_H
#define ES_SQLITE_SCHEMA_H

#include <sqlite3.h>
#include <stddef.h>

typedef struct {
    int application;          /* PRAGMA application_id: whose file it is */
    const char *const *steps; /* how version n + 1 is made of version n; only ever appended to */
    int count;                /* of steps: the version that this program writes */
} es_sqlite_schema_t;

/* For one thread at a time, with SQLite's extended codes. A new file is its owner's alone, as those beside it will be. SQLite's code; *db is to be closed whatever it is. */
int es_sqlite_open(const char *path, sqlite3 **db);
/* Checks that the file is ours, or empty; sets how it is written; makes or updates the tables. 0, or -1 with a sentence in err. A file of another program, or of a
 * newer release, is not touched. */
int es_sqlite_schema(sqlite3 *db, const es_sqlite_schema_t *schema, const char *path, char *err, size_t err_len);
/* What is wrong and what to do, for a code of SQLite's; static. */
const char *es_sqlite_advice(int code);

#endif
