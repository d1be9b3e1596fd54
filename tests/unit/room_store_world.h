/* Stores in a directory of their own; two handles are two actors. */
#ifndef ROOM_STORE_WORLD_H
#define ROOM_STORE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "room_store.h"
#include "room_store_schema.h"
#include "room_store_state.h"

#define NOW UINT64_C(1700000000000)
#define HOURS(n) ((uint64_t)(n)*3600000u)

typedef struct {
    char dir[64], path[96];
    es_room_store_config_t config;
    es_room_store_t *a, *b;
} world_t;

static inline es_room_store_t *opened(world_t *w)
{
    char err[512] = "";
    es_room_store_t *store = es_room_store_open(&w->config, err, sizeof err);
    if (!store) fail_msg("%s", err);
    return store;
}

static inline void fails_to_open(world_t *w, const char *why)
{
    char err[512] = "";
    assert_null(es_room_store_open(&w->config, err, sizeof err));
    if (!strstr(err, why) || !strstr(err, w->config.path)) fail_msg("\"%s\" does not say \"%s\"", err, why);
}

/* Runs SQL on the file as an operator would. */
static inline void by_hand(const world_t *w, const char *sql)
{
    sqlite3 *db;
    char *err = NULL;
    assert_int_equal(sqlite3_open(w->path, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    if (sqlite3_exec(db, sql, NULL, NULL, &err) != SQLITE_OK) fail_msg("%s: %s", sql, err);
    sqlite3_close(db);
}

static inline int64_t counted(const world_t *w, const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *row;
    assert_int_equal(sqlite3_open(w->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &row, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(row), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(row, 0);
    sqlite3_finalize(row);
    sqlite3_close(db);
    return n;
}

static inline int world_setup(void **state)
{
    world_t *w = calloc(1, sizeof *w);
    snprintf(w->dir, sizeof w->dir, "/tmp/es-rooms-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    snprintf(w->path, sizeof w->path, "%s/rooms.db", w->dir);
    w->config = es_room_store_defaults(w->path);
    w->config.busy_ms = 20;
    *state = w;
    return 0;
}

static inline int setup(void **state)
{
    world_setup(state);
    world_t *w = *state;
    w->a = opened(w);
    w->b = opened(w);
    return 0;
}

static inline int teardown(void **state)
{
    static const char *const names[] = {"rooms.db", "rooms.db-wal", "rooms.db-shm"};
    world_t *w = *state;
    char path[128];
    es_room_store_close(&w->a);
    es_room_store_close(&w->b);
    es_room_store_close(&w->b);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", w->dir, names[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(w->dir), 0);
    free(w);
    return 0;
}

static inline es_room_hold_t claimed(es_room_store_t *store, const char *id, uint64_t fresh)
{
    es_room_hold_t hold;
    assert_int_equal(es_room_store_claim(store, es_span(id), fresh, NOW, &hold), ES_STORE_OK);
    return hold;
}

static inline void committed(es_room_store_t *store)
{
    assert_int_equal(es_room_store_commit(store), ES_STORE_OK);
}

static inline void append(es_room_store_t *store, es_room_hold_t *hold, const char *msg_id)
{
    es_room_event_t event = {.rseq = ++hold->log.last,
                             .type = ES_EVENT_MESSAGE,
                             .at_ms = NOW,
                             .member = es_span("ann"),
                             .name = es_span("Ann"),
                             .text = es_span(msg_id),
                             .msg_id = es_span(msg_id)};
    es_room_store_append(store, hold, &event);
}

/* A turn that says one message. */
static inline es_store_result_t say(es_room_store_t *store, es_room_hold_t *hold, const char *msg_id)
{
    es_store_result_t entered = es_room_store_enter(store, hold);
    if (entered == ES_STORE_OK) {
        append(store, hold, msg_id);
        es_room_store_settle(store, hold, &hold->log);
    }
    es_store_result_t done = es_room_store_commit(store);
    return entered == ES_STORE_OK ? done : entered;
}

static inline uint64_t said(es_room_store_t *store, const es_room_hold_t *hold, const char *msg_id)
{
    uint64_t rseq;
    assert_int_equal(es_room_store_said(store, hold, es_span("ann"), es_span(msg_id), &rseq), ES_STORE_OK);
    return rseq;
}

#endif
