/* The tables of the rooms' file: made, recognized, brought up to date. For room_store.c only. */
#ifndef ES_ROOM_STORE_SCHEMA_H
#define ES_ROOM_STORE_SCHEMA_H

#include <sqlite3.h>
#include <stddef.h>

#define ES_ROOM_SCHEMA 1 /* PRAGMA user_version of the file that this program writes */

/* As es_sqlite_schema, of a file of rooms. */
int es_room_store_schema(sqlite3 *db, const char *path, char *err, size_t err_len);

#endif
