/* What nobody needs any more, deleted in bounded steps. */
#include "room_store_state.h"

static uint64_t before(uint64_t now_ms, uint64_t age_ms)
{
    return now_ms > age_ms ? now_ms - age_ms : 0;
}

static bool begin(es_room_store_t *self)
{
    return es_room_store_begin(self) == ES_STORE_OK;
}

static bool there_is(es_room_store_t *self, sqlite3_stmt *row)
{
    bool found = sqlite3_step(row) == SQLITE_ROW;
    return es_room_store_check(self, es_sql_done(row)) == ES_STORE_OK && found;
}

static uint64_t delete (es_room_store_t *self, sqlite3_stmt *statement)
{
    if (es_room_store_check(self, es_sql_finish(statement)) != ES_STORE_OK) return 0;
    uint64_t n = (uint64_t)sqlite3_changes64(self->sql.db);
    self->stats.trimmed += n;
    return n;
}

typedef struct {
    es_sql_which_t look, trim;
} table_t;

/* Old rows of a table. Looked at without a lock first: most of the time there are none. */
static uint64_t trim_old(es_room_store_t *self, table_t table, uint64_t now_ms, uint64_t max)
{
    uint64_t age_ms = self->config.dedup_ms, than_ms = before(now_ms, age_ms), beyond_ms = now_ms + age_ms;
    es_sql_t *sql = &self->sql;
    if (!there_is(self, es_sql_bind(sql, table.look, "uu", than_ms, beyond_ms)) || !begin(self)) return 0;
    return delete (self, es_sql_bind(sql, table.trim, "uuu", than_ms, beyond_ms, max));
}

typedef struct {
    uint64_t number, last, floor, kept;
} room_row_t;

/* The first room that a query gives. */
static bool first_room(es_room_store_t *self, sqlite3_stmt *row, room_row_t *out)
{
    bool found = sqlite3_step(row) == SQLITE_ROW;
    if (found)
        *out = (room_row_t){.number = es_sql_uint(row, 0),
                            .last = es_sql_uint(row, 1),
                            .floor = es_sql_uint(row, 2),
                            .kept = es_sql_uint(row, 3)};
    return es_room_store_check(self, es_sql_done(row)) == ES_STORE_OK && found;
}

static uint64_t trim_events(es_room_store_t *self, uint64_t max)
{
    uint64_t n = 0;
    room_row_t room;
    while (n < max && first_room(self, es_sql_bind(&self->sql, ES_SQL_BELOW_FLOOR, ""), &room) && begin(self)) {
        uint64_t to = room.floor - room.kept > max - n ? room.kept + (max - n) : room.floor;
        delete (self, es_sql_bind(&self->sql, ES_SQL_TRIM_EVENTS, "uu", room.number, to));
        es_room_store_check(self, es_sql_run(&self->sql, ES_SQL_TRIMMED_TO, "uu", room.number, to));
        n += to - room.kept;
    }
    return n;
}

static void forget(es_room_store_t *self, uint64_t room)
{
    delete (self, es_sql_bind(&self->sql, ES_SQL_FORGET_SAID, "u", room));
    delete (self, es_sql_bind(&self->sql, ES_SQL_FORGET_CAPTIONS, "u", room));
    delete (self, es_sql_bind(&self->sql, ES_SQL_FORGET_MEMBERS, "u", room));
    self->stats.forgotten += delete (self, es_sql_bind(&self->sql, ES_SQL_FORGET, "u", room));
}

/* A room that no actor has had for long: first its events are given up, which trim_events then deletes in steps, at last it goes itself. */
static uint64_t trim_rooms(es_room_store_t *self, uint64_t than_ms)
{
    room_row_t room;
    es_sql_t *sql = &self->sql;
    if (!first_room(self, es_sql_bind(sql, ES_SQL_ABANDONED, "u", than_ms), &room) || !begin(self)) return 0;
    /* Again, under the lock: somebody may just have claimed it. */
    if (!first_room(self, es_sql_bind(sql, ES_SQL_ABANDONED, "u", than_ms), &room)) return 0;
    if (room.floor <= room.last)
        es_room_store_check(self, es_sql_run(sql, ES_SQL_EMPTY, "u", room.number));
    else if (room.kept >= room.floor)
        forget(self, room.number);
    return 1;
}

uint64_t es_room_store_trim(es_room_store_t *self, uint64_t now_ms, uint64_t max)
{
    static const table_t said = {ES_SQL_OLD_SAID, ES_SQL_TRIM_SAID},
                         captions = {ES_SQL_OLD_CAPTION, ES_SQL_TRIM_CAPTION};
    if (self->failed) return 0;
    uint64_t n = trim_old(self, said, now_ms, max);
    if (n < max) n += trim_old(self, captions, now_ms, max - n);
    while (n < max) {
        uint64_t step = trim_events(self, max - n);
        if (step == 0) step = trim_rooms(self, before(now_ms, self->config.forget_ms));
        if (step == 0) break;
        n += step;
    }
    return n;
}
