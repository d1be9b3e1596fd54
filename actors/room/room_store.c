#include "room_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "log.h"
#include "room_store_schema.h"
#include "room_store_state.h"
#include "sqlite_schema.h"

enum { OPEN_BUSY_MS = 100 }; /* for one of the tries of es_room_store_schema */

es_room_store_config_t es_room_store_defaults(const char *path)
{
    return (es_room_store_config_t){
        .path = path, .dedup_ms = 3600000, .forget_ms = UINT64_C(7) * 86400000, .busy_ms = 400};
}

/* ---- life */

static int prepare(es_room_store_t *self, char *err, size_t err_len)
{
    sqlite3 *db = self->sql.db;
    sqlite3_busy_timeout(db, OPEN_BUSY_MS);
    if (es_room_store_schema(db, self->path, err, err_len) != 0) return -1;
    int rc = es_sql_prepare(&self->sql, db);
    sqlite3_busy_timeout(db, (int)self->config.busy_ms);
    if (rc == SQLITE_OK) return 0;
    snprintf(err, err_len, "%s: %s; %s", self->path, sqlite3_errmsg(db), es_sqlite_advice(rc));
    return -1;
}

es_room_store_t *es_room_store_open(const es_room_store_config_t *config, char *err, size_t err_len)
{
    es_room_store_t *self = es_alloc_zero(sizeof *self);
    self->config = *config;
    self->path = es_alloc_copy(config->path, strlen(config->path));
    int rc = es_sqlite_open(config->path, &self->sql.db);
    if (rc == SQLITE_OK && prepare(self, err, err_len) == 0) return self;
    if (rc != SQLITE_OK) snprintf(err, err_len, "%s: %s; %s", config->path, sqlite3_errstr(rc), es_sqlite_advice(rc));
    es_room_store_close(&self);
    return NULL;
}

void es_room_store_close(es_room_store_t **self_p)
{
    es_room_store_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    sqlite3 *db = self->sql.db;
    es_sql_fini(&self->sql);
    sqlite3_close(db); /* rolls back */
    free(self->path);
    free(self);
}

void es_room_store_stats(const es_room_store_t *self, es_room_store_stats_t *out)
{
    *out = self->stats;
}

/* ---- turns */

/* Said once, until a turn works again. */
static void complain(es_room_store_t *self, int rc)
{
    bool busy = (rc & 0xff) == SQLITE_BUSY;
    self->stats.busy += busy;
    if (self->ailing) return;
    self->ailing = true;
    es_log_error("nothing can be stored for rooms, so nothing is answered; edges ask again", ES_S("file", self->path),
                 ES_S("error", sqlite3_errstr(rc)), ES_S("advice", es_sqlite_advice(rc)));
}

es_store_result_t es_room_store_check(es_room_store_t *self, int rc)
{
    if (rc == SQLITE_OK) return ES_STORE_OK;
    if (!self->failed) complain(self, rc);
    self->failed = true;
    return ES_STORE_FAILED;
}

es_store_result_t es_room_store_begin(es_room_store_t *self)
{
    if (self->failed) return ES_STORE_FAILED;
    if (self->open) return ES_STORE_OK;
    if (es_room_store_check(self, es_sql_run(&self->sql, ES_SQL_BEGIN, "")) != ES_STORE_OK) return ES_STORE_FAILED;
    self->open = true;
    return ES_STORE_OK;
}

static void end_turn(es_room_store_t *self)
{
    self->open = self->failed = false;
    self->appended = 0;
}

static es_store_result_t lose_turn(es_room_store_t *self)
{
    if (!sqlite3_get_autocommit(self->sql.db)) sqlite3_exec(self->sql.db, "ROLLBACK", NULL, NULL, NULL);
    self->stats.failed++;
    end_turn(self);
    return ES_STORE_FAILED;
}

es_store_result_t es_room_store_commit(es_room_store_t *self)
{
    if (self->failed) return lose_turn(self);
    if (!self->open) return ES_STORE_OK;
    if (es_room_store_check(self, es_sql_run(&self->sql, ES_SQL_COMMIT, "")) != ES_STORE_OK) return lose_turn(self);
    if (self->ailing) es_log_info("rooms can be stored again", ES_S("file", self->path));
    self->ailing = false;
    self->stats.commits++;
    self->stats.rows += self->appended;
    end_turn(self);
    return ES_STORE_OK;
}

/* ---- whose a room is */

static es_store_result_t find(es_room_store_t *self, es_span_t id, es_room_hold_t *out, bool *found)
{
    sqlite3_stmt *row = es_sql_bind(&self->sql, ES_SQL_FIND, "t", id);
    *found = sqlite3_step(row) == SQLITE_ROW;
    if (*found)
        *out = (es_room_hold_t){
            .number = sqlite3_column_int64(row, 0),
            .term = es_sql_uint(row, 1),
            .log = {.log = es_sql_uint(row, 2), .last = es_sql_uint(row, 3), .floor = es_sql_uint(row, 4)}};
    return es_room_store_check(self, es_sql_done(row));
}

static es_store_result_t count_kept(es_room_store_t *self, es_room_hold_t *hold)
{
    sqlite3_stmt *row = es_sql_bind(&self->sql, ES_SQL_KEPT, "uu", (uint64_t)hold->number, hold->log.floor);
    if (sqlite3_step(row) == SQLITE_ROW) {
        hold->log.moves = es_sql_uint(row, 1);
        hold->log.said = es_sql_uint(row, 0) - hold->log.moves;
    }
    return es_room_store_check(self, es_sql_done(row));
}

es_store_result_t es_room_store_claim(es_room_store_t *self, es_span_t id, uint64_t fresh, uint64_t now_ms,
                                      es_room_hold_t *out)
{
    bool found;
    if (es_room_store_begin(self) != ES_STORE_OK || find(self, id, out, &found) != ES_STORE_OK) return ES_STORE_FAILED;
    if (found) {
        out->term++;
        if (count_kept(self, out) != ES_STORE_OK) return ES_STORE_FAILED;
        return es_room_store_check(
            self, es_sql_run(&self->sql, ES_SQL_CLAIM, "uuu", (uint64_t)out->number, out->term, now_ms));
    }
    es_store_result_t made = es_room_store_check(self, es_sql_run(&self->sql, ES_SQL_CREATE, "tuu", id, fresh, now_ms));
    *out = (es_room_hold_t){
        .number = sqlite3_last_insert_rowid(self->sql.db), .term = 1, .log = {.log = fresh, .last = 0, .floor = 1}};
    return made;
}

es_store_result_t es_room_store_holds(es_room_store_t *self, const es_room_hold_t *hold)
{
    if (self->failed) return ES_STORE_FAILED;
    sqlite3_stmt *row = es_sql_bind(&self->sql, ES_SQL_TERM, "u", (uint64_t)hold->number);
    bool ours = sqlite3_step(row) == SQLITE_ROW && es_sql_uint(row, 0) == hold->term;
    if (es_room_store_check(self, es_sql_done(row)) != ES_STORE_OK) return ES_STORE_FAILED;
    if (!ours) self->stats.passed++;
    return ours ? ES_STORE_OK : ES_STORE_PASSED;
}

es_store_result_t es_room_store_enter(es_room_store_t *self, const es_room_hold_t *hold)
{
    return es_room_store_begin(self) == ES_STORE_OK ? es_room_store_holds(self, hold) : ES_STORE_FAILED;
}

/* ---- writes */

static void write(es_room_store_t *self, sqlite3_stmt *statement)
{
    es_room_store_check(self, es_sql_finish(statement));
}

void es_room_store_append(es_room_store_t *self, const es_room_hold_t *hold, const es_room_event_t *e)
{
    uint64_t room = (uint64_t)hold->number;
    if (self->failed) return;
    write(self, es_sql_bind(&self->sql, ES_SQL_APPEND, "uuuutttttuu", room, e->rseq, (uint64_t)e->type, e->at_ms,
                            e->member, e->name, e->text, e->msg_id, e->stream, e->start, e->end));
    self->appended++;
    if (e->type == ES_EVENT_MESSAGE && !self->failed)
        write(self, es_sql_bind(&self->sql, ES_SQL_REMEMBER, "uttuu", room, e->member, e->msg_id, e->rseq, e->at_ms));
}

void es_room_store_caption(es_room_store_t *self, const es_room_hold_t *hold, es_span_t session, es_span_t stream,
                           uint64_t until, uint64_t now_ms)
{
    if (self->failed) return;
    write(self,
          es_sql_bind(&self->sql, ES_SQL_CAPTION, "uttuu", (uint64_t)hold->number, session, stream, until, now_ms));
}

void es_room_store_seat(es_room_store_t *self, const es_room_hold_t *hold, const es_room_seat_t *seat)
{
    if (self->failed) return;
    write(self, es_sql_bind(&self->sql, ES_SQL_SEAT, "utttu", (uint64_t)hold->number, seat->session, seat->client,
                            seat->name, seat->operation));
}

void es_room_store_unseat(es_room_store_t *self, const es_room_hold_t *hold, es_span_t session)
{
    if (self->failed) return;
    write(self, es_sql_bind(&self->sql, ES_SQL_UNSEAT, "ut", (uint64_t)hold->number, session));
}

void es_room_store_drop(es_room_store_t *self, const es_room_hold_t *hold, uint64_t rseq)
{
    if (self->failed) return;
    write(self, es_sql_bind(&self->sql, ES_SQL_DROP, "uu", (uint64_t)hold->number, rseq));
}

void es_room_store_settle(es_room_store_t *self, const es_room_hold_t *hold, const es_room_log_t *log)
{
    if (self->failed) return;
    write(self, es_sql_bind(&self->sql, ES_SQL_SETTLE, "uuu", (uint64_t)hold->number, log->last, log->floor));
}

void es_room_store_touch(es_room_store_t *self, const es_room_hold_t *hold, uint64_t now_ms)
{
    if (self->failed) return;
    write(self, es_sql_bind(&self->sql, ES_SQL_TOUCH, "uu", (uint64_t)hold->number, now_ms));
}

/* ---- reads */

es_store_result_t es_room_store_said(es_room_store_t *self, const es_room_hold_t *hold, es_span_t session,
                                     es_span_t msg_id, uint64_t *rseq)
{
    if (self->failed) return ES_STORE_FAILED;
    sqlite3_stmt *row = es_sql_bind(&self->sql, ES_SQL_SAID, "utt", (uint64_t)hold->number, session, msg_id);
    *rseq = sqlite3_step(row) == SQLITE_ROW ? es_sql_uint(row, 0) : 0;
    return es_room_store_check(self, es_sql_done(row));
}

es_store_result_t es_room_store_captioned(es_room_store_t *self, const es_room_hold_t *hold, es_span_t session,
                                          es_span_t stream, bool *known, uint64_t *until)
{
    if (self->failed) return ES_STORE_FAILED;
    sqlite3_stmt *row = es_sql_bind(&self->sql, ES_SQL_CAPTIONED, "utt", (uint64_t)hold->number, session, stream);
    *known = sqlite3_step(row) == SQLITE_ROW;
    if (*known) *until = es_sql_uint(row, 0);
    return es_room_store_check(self, es_sql_done(row));
}

static es_room_event_t event_of(sqlite3_stmt *row)
{
    return (es_room_event_t){.rseq = es_sql_uint(row, 0),
                             .type = (uint32_t)sqlite3_column_int(row, 1),
                             .at_ms = es_sql_uint(row, 2),
                             .member = es_sql_text(row, 3),
                             .name = es_sql_text(row, 4),
                             .text = es_sql_text(row, 5),
                             .msg_id = es_sql_text(row, 6),
                             .stream = es_sql_text(row, 7),
                             .start = es_sql_uint(row, 8),
                             .end = es_sql_uint(row, 9)};
}

es_store_result_t es_room_store_read(es_room_store_t *self, const es_room_hold_t *hold, uint64_t from, uint64_t count,
                                     bool (*each)(void *arg, const es_room_event_t *event), void *arg)
{
    if (self->failed) return ES_STORE_FAILED;
    sqlite3_stmt *row = es_sql_bind(&self->sql, ES_SQL_READ, "uuu", (uint64_t)hold->number, from, count);
    for (bool more = true; more && sqlite3_step(row) == SQLITE_ROW;) {
        es_room_event_t event = event_of(row);
        more = each(arg, &event);
    }
    return es_room_store_check(self, es_sql_done(row));
}

es_store_result_t es_room_store_back(es_room_store_t *self, const es_room_hold_t *hold, uint64_t to, uint64_t count,
                                     uint64_t *rseq)
{
    if (self->failed) return ES_STORE_FAILED;
    sqlite3_stmt *row =
        es_sql_bind(&self->sql, ES_SQL_BACK, "uuu", (uint64_t)hold->number, to < INT64_MAX ? to : INT64_MAX, count - 1);
    *rseq = sqlite3_step(row) == SQLITE_ROW ? es_sql_uint(row, 0) : 0;
    return es_room_store_check(self, es_sql_done(row));
}

es_store_result_t es_room_store_members(es_room_store_t *self, const es_room_hold_t *hold,
                                        void (*fn)(void *arg, const es_room_seat_t *seat), void *arg)
{
    if (self->failed) return ES_STORE_FAILED;
    sqlite3_stmt *row = es_sql_bind(&self->sql, ES_SQL_SEATS, "u", (uint64_t)hold->number);
    while (sqlite3_step(row) == SQLITE_ROW) {
        es_room_seat_t seat = {.session = es_sql_text(row, 0),
                               .client = es_sql_text(row, 1),
                               .name = es_sql_text(row, 2),
                               .operation = es_sql_uint(row, 3)};
        fn(arg, &seat);
    }
    return es_room_store_check(self, es_sql_done(row));
}
