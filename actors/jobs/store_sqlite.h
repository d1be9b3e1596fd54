/* The inside of the store in a file, for store_sqlite*.c and their tests. */
#ifndef ES_STORE_SQLITE_H
#define ES_STORE_SQLITE_H

#include <sqlite3.h>

#include "store_schema.h"

/* As es_sqlite_schema, of a file of jobs. */
int es_job_sqlite_schema(sqlite3 *db, const es_job_schema_t *schema, const char *path, char *err, size_t err_len);

#endif
