#include "room_sql.h"

#include <stdarg.h>

static const char *const texts[ES_SQL_STATEMENTS] = {
    [ES_SQL_BEGIN] = "BEGIN IMMEDIATE",
    [ES_SQL_COMMIT] = "COMMIT",
    [ES_SQL_FIND] = "SELECT number, term, log, last, floor FROM room WHERE id = ?",
    [ES_SQL_CREATE] = "INSERT INTO room (id, log, term, last, floor, kept, touched_ms) VALUES (?, ?, 1, 0, 1, 1, ?)",
    [ES_SQL_CLAIM] = "UPDATE room SET term = ?2, touched_ms = ?3 WHERE number = ?1",
    [ES_SQL_TERM] = "SELECT term FROM room WHERE number = ?",
    [ES_SQL_SETTLE] = "UPDATE room SET last = ?2, floor = ?3 WHERE number = ?1",
    [ES_SQL_TOUCH] = "UPDATE room SET touched_ms = ?2 WHERE number = ?1",
    [ES_SQL_APPEND] =
        ("INSERT INTO event (room, rseq, type, at_ms, member, name, text, msg_id, stream, start, \"end\") "
         "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
    [ES_SQL_REMEMBER] = "INSERT OR REPLACE INTO said (room, session, msg_id, rseq, at_ms) VALUES (?, ?, ?, ?, ?)",
    [ES_SQL_SAID] = "SELECT rseq FROM said WHERE room = ? AND session = ? AND msg_id = ?",
    [ES_SQL_CAPTION] = "INSERT OR REPLACE INTO caption (room, session, stream, until, at_ms) VALUES (?, ?, ?, ?, ?)",
    [ES_SQL_CAPTIONED] = "SELECT until FROM caption WHERE room = ? AND session = ? AND stream = ?",
    [ES_SQL_READ] = ("SELECT rseq, type, at_ms, member, name, text, msg_id, stream, start, \"end\" FROM event "
                     "WHERE room = ? AND rseq >= ? ORDER BY rseq LIMIT ?"),
    [ES_SQL_BACK] = "SELECT rseq FROM event WHERE room = ? AND rseq <= ? ORDER BY rseq DESC LIMIT 1 OFFSET ?",
    [ES_SQL_KEPT] = "SELECT count(*), count(CASE WHEN type <= 2 THEN 1 END) FROM event WHERE room = ? AND rseq >= ?",
    [ES_SQL_DROP] = "DELETE FROM event WHERE room = ? AND rseq = ?",
    [ES_SQL_SEAT] = "INSERT OR REPLACE INTO member (room, session, client, name, operation) VALUES (?, ?, ?, ?, ?)",
    [ES_SQL_UNSEAT] = "DELETE FROM member WHERE room = ? AND session = ?",
    [ES_SQL_SEATS] = "SELECT session, client, name, operation FROM member WHERE room = ?",
    /* Rows of said and caption are made in the order of time, and so are their rowids. One from the future (?2) was made under a wrong clock. */
    [ES_SQL_OLD_SAID] = "SELECT 1 FROM (SELECT at_ms FROM said ORDER BY rowid LIMIT 1) WHERE at_ms < ?1 OR at_ms > ?2",
    [ES_SQL_TRIM_SAID] = ("DELETE FROM said WHERE rowid IN (SELECT rowid FROM said ORDER BY rowid LIMIT ?3) "
                          "AND (at_ms < ?1 OR at_ms > ?2)"),
    [ES_SQL_OLD_CAPTION] =
        "SELECT 1 FROM (SELECT at_ms FROM caption ORDER BY rowid LIMIT 1) WHERE at_ms < ?1 OR at_ms > ?2",
    [ES_SQL_TRIM_CAPTION] = ("DELETE FROM caption WHERE rowid IN (SELECT rowid FROM caption ORDER BY rowid LIMIT ?3) "
                             "AND (at_ms < ?1 OR at_ms > ?2)"),
    [ES_SQL_BELOW_FLOOR] = "SELECT number, last, floor, kept FROM room WHERE kept < floor LIMIT 1",
    [ES_SQL_TRIM_EVENTS] = "DELETE FROM event WHERE room = ? AND rseq < ?",
    [ES_SQL_TRIMMED_TO] = "UPDATE room SET kept = ?2 WHERE number = ?1",
    [ES_SQL_ABANDONED] = "SELECT number, last, floor, kept FROM room WHERE touched_ms < ? LIMIT 1",
    [ES_SQL_EMPTY] = "UPDATE room SET term = term + 1, floor = last + 1 WHERE number = ?",
    [ES_SQL_FORGET_SAID] = "DELETE FROM said WHERE room = ?",
    [ES_SQL_FORGET_CAPTIONS] = "DELETE FROM caption WHERE room = ?",
    [ES_SQL_FORGET_MEMBERS] = "DELETE FROM member WHERE room = ?",
    [ES_SQL_FORGET] = "DELETE FROM room WHERE number = ?",
};

int es_sql_prepare(es_sql_t *self, sqlite3 *db)
{
    int rc = SQLITE_OK;
    self->db = db;
    for (int i = 0; i < ES_SQL_STATEMENTS && rc == SQLITE_OK; i++)
        rc = sqlite3_prepare_v3(db, texts[i], -1, SQLITE_PREPARE_PERSISTENT, &self->statements[i], NULL);
    return rc;
}

void es_sql_fini(es_sql_t *self)
{
    for (int i = 0; i < ES_SQL_STATEMENTS; i++) sqlite3_finalize(self->statements[i]);
    *self = (es_sql_t){0};
}

static void bind_text(sqlite3_stmt *statement, int at, es_span_t text)
{
    /* NULL would bind an SQL NULL, which is no text. */
    sqlite3_bind_text64(statement, at, text.len > 0 ? text.ptr : "", text.len, SQLITE_STATIC, SQLITE_UTF8);
}

sqlite3_stmt *es_sql_bind(es_sql_t *self, es_sql_which_t which, const char *types, ...)
{
    sqlite3_stmt *statement = self->statements[which];
    va_list args;
    va_start(args, types);
    for (int i = 0; types[i]; i++) {
        if (types[i] == 't')
            bind_text(statement, i + 1, va_arg(args, es_span_t));
        else
            sqlite3_bind_int64(statement, i + 1, (sqlite3_int64)va_arg(args, uint64_t));
    }
    va_end(args);
    return statement;
}

int es_sql_done(sqlite3_stmt *statement)
{
    int rc = sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return rc;
}

int es_sql_finish(sqlite3_stmt *statement)
{
    while (sqlite3_step(statement) == SQLITE_ROW) {
    }
    return es_sql_done(statement);
}

es_span_t es_sql_text(sqlite3_stmt *statement, int column)
{
    const void *text = sqlite3_column_text(statement, column);
    es_span_t span = es_span_of(text, (size_t)sqlite3_column_bytes(statement, column));
    return text && es_utf8_valid(span.ptr, span.len) ? span : es_span(NULL);
}
