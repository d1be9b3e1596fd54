/* Prepared statements of the rooms' store, bound and run with one call each. For room_store*.c only. */
#ifndef ES_ROOM_SQL_H
#define ES_ROOM_SQL_H

#include <sqlite3.h>

#include "envelope.h"

typedef enum {
    ES_SQL_BEGIN,
    ES_SQL_COMMIT,
    ES_SQL_FIND,
    ES_SQL_CREATE,
    ES_SQL_CLAIM,
    ES_SQL_TERM,
    ES_SQL_SETTLE,
    ES_SQL_TOUCH,
    ES_SQL_APPEND,
    ES_SQL_REMEMBER,
    ES_SQL_SAID,
    ES_SQL_CAPTION,
    ES_SQL_CAPTIONED,
    ES_SQL_READ,
    ES_SQL_BACK,
    ES_SQL_KEPT,
    ES_SQL_DROP,
    ES_SQL_SEAT,
    ES_SQL_UNSEAT,
    ES_SQL_SEATS,
    ES_SQL_OLD_SAID,
    ES_SQL_TRIM_SAID,
    ES_SQL_OLD_CAPTION,
    ES_SQL_TRIM_CAPTION,
    ES_SQL_BELOW_FLOOR,
    ES_SQL_TRIM_EVENTS,
    ES_SQL_TRIMMED_TO,
    ES_SQL_ABANDONED,
    ES_SQL_EMPTY,
    ES_SQL_FORGET_SAID,
    ES_SQL_FORGET_CAPTIONS,
    ES_SQL_FORGET_MEMBERS,
    ES_SQL_FORGET,
    ES_SQL_STATEMENTS
} es_sql_which_t;

typedef struct {
    sqlite3 *db;
    sqlite3_stmt *statements[ES_SQL_STATEMENTS];
} es_sql_t;

/* Prepares all. SQLITE_OK, or SQLite's code. */
int es_sql_prepare(es_sql_t *self, sqlite3 *db);
/* Frees the statements; the database is its owner's. */
void es_sql_fini(es_sql_t *self);

/* The statement with its parameters bound: one character of `types` for each, u: uint64_t (kept as the signed number of the same bits), t: es_span_t, valid until
 * es_sql_done. */
sqlite3_stmt *es_sql_bind(es_sql_t *self, es_sql_which_t which, const char *types, ...);
/* Ends it. Returns the code of the last step. */
int es_sql_done(sqlite3_stmt *statement);
/* Binds, runs to the end, ends. For statements without rows. SQLITE_OK or the code. */
#define es_sql_run(self, which, ...) es_sql_finish(es_sql_bind(self, which, __VA_ARGS__))
int es_sql_finish(sqlite3_stmt *statement);

static inline uint64_t es_sql_uint(sqlite3_stmt *statement, int column)
{
    return (uint64_t)sqlite3_column_int64(statement, column);
}
/* Valid until the next step. Empty where it is not UTF-8. */
es_span_t es_sql_text(sqlite3_stmt *statement, int column);

#endif
