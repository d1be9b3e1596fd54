/* The tables of the rooms' file: made, recognized, brought up to date. For room_store.c only. */
#ifndef ES_ROOM_STORE_SCHEMA_H
#define ES_ROOM_STORE_SCHEMA_H

#include <sqlite3.h>
#include <stddef.h>

#define ES_ROOM_SCHEMA 1 /* PRAGMA user_version of the file that this program writes */

/* Checks that the file is ours, or empty; sets how it is written; makes or updates the tables. 0, or -1 with a sentence in err. */
int es_room_store_schema(sqlite3 *db, const char *path, char *err, size_t err_len);
/* What is wrong and what to do, for a code of SQLite's; static. */
const char *es_room_store_advice(int code);

#endif
