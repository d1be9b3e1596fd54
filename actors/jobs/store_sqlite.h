/* The inside of the store in a file, for store_sqlite*.c and their tests. */
#ifndef ES_STORE_SQLITE_H
#define ES_STORE_SQLITE_H

#include <sqlite3.h>

#include "store_schema.h"

/* Checks that the file is ours, or empty; sets how it is written; makes or updates the tables. 0, or -1 with a sentence in err. */
int es_job_sqlite_schema(sqlite3 *db, const es_job_schema_t *schema, const char *path, char *err, size_t err_len);
/* What is wrong and what to do, for a code of SQLite's; static. */
const char *es_job_sqlite_advice(int code);

#endif
