#include "room_store_schema.h"

#include "sqlite_schema.h"

#define APPLICATION 0x4561726d /* "Earm": earshot's rooms */

/* How version n + 1 is made of version n. Only ever appended to. `number` is AUTOINCREMENT so that a term of a forgotten room is never that of another one. */
static const char *const migrations[ES_ROOM_SCHEMA] = {
    "CREATE TABLE room ("
    "  number INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  id TEXT NOT NULL UNIQUE,"
    "  log INTEGER NOT NULL,"         /* its name: 64 random bits, as a signed number */
    "  term INTEGER NOT NULL,"        /* one more with each actor that takes the room */
    "  last INTEGER NOT NULL,"        /* number of the last event */
    "  floor INTEGER NOT NULL,"       /* of the oldest that is kept */
    "  kept INTEGER NOT NULL,"        /* of the oldest whose row is not deleted yet */
    "  touched_ms INTEGER NOT NULL);" /* when an actor last said that it has the room */
    "CREATE INDEX room_touched ON room (touched_ms);"
    "CREATE INDEX room_to_trim ON room (number) WHERE kept < floor;"
    "CREATE TABLE event ("
    "  room INTEGER NOT NULL,"
    "  rseq INTEGER NOT NULL,"
    "  type INTEGER NOT NULL," /* 1 joined, 2 left, 3 message, 4 caption */
    "  at_ms INTEGER NOT NULL,"
    "  member TEXT NOT NULL,"
    "  name TEXT NOT NULL,"
    "  text TEXT NOT NULL,"
    "  msg_id TEXT NOT NULL,"
    "  stream TEXT NOT NULL,"
    "  start INTEGER NOT NULL,"
    "  \"end\" INTEGER NOT NULL,"
    "  PRIMARY KEY (room, rseq)) WITHOUT ROWID;"
    "CREATE TABLE said ("
    "  room INTEGER NOT NULL, session TEXT NOT NULL, msg_id TEXT NOT NULL, rseq INTEGER NOT NULL, at_ms INTEGER NOT "
    "NULL,"
    "  UNIQUE (room, session, msg_id));"
    "CREATE TABLE caption ("
    "  room INTEGER NOT NULL, session TEXT NOT NULL, stream TEXT NOT NULL, until INTEGER NOT NULL, at_ms INTEGER NOT "
    "NULL,"
    "  UNIQUE (room, session, stream));"
    "CREATE TABLE member ("
    "  room INTEGER NOT NULL, session TEXT NOT NULL, client TEXT NOT NULL, name TEXT NOT NULL, operation INTEGER NOT "
    "NULL,"
    "  PRIMARY KEY (room, session)) WITHOUT ROWID;"
    /* For people: sqlite3 rooms.db "SELECT * FROM history WHERE room = 'lobby'" */
    "CREATE VIEW history AS"
    "  SELECT room.id AS room, rseq, datetime(at_ms / 1000, 'unixepoch') AS utc,"
    "    CASE type WHEN 1 THEN 'joined' WHEN 2 THEN 'left' WHEN 3 THEN 'message' WHEN 4 THEN 'caption' ELSE type END "
    "AS type,"
    "    name, text FROM event JOIN room ON room.number = event.room WHERE rseq >= floor ORDER BY room.number, rseq;",
};

int es_room_store_schema(sqlite3 *db, const char *path, char *err, size_t err_len)
{
    static const es_sqlite_schema_t schema = {.application = APPLICATION, .steps = migrations, .count = ES_ROOM_SCHEMA};
    return es_sqlite_schema(db, &schema, path, err, err_len);
}
