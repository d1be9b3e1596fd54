/* The inside of the store, shared by room_store.c (turns) and room_store_trim.c (what is deleted). */
#ifndef ES_ROOM_STORE_STATE_H
#define ES_ROOM_STORE_STATE_H

#include "room_sql.h"
#include "room_store.h"

struct es_room_store {
    es_room_store_config_t config;
    char *path;
    es_sql_t sql;
    bool open;   /* a turn has begun */
    bool failed; /* the turn is lost */
    bool ailing; /* the last turn was: said once */
    es_room_store_stats_t stats;
    uint64_t appended; /* in this turn */
};

/* Begins the turn where it has not begun. OK or FAILED. */
es_store_result_t es_room_store_begin(es_room_store_t *self);
/* Looks at a code of SQLite's: SQLITE_OK is OK, all else loses the turn. */
es_store_result_t es_room_store_check(es_room_store_t *self, int rc);

#endif
