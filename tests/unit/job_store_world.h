/* Stores of jobs to test, two handles on each: two actors. On a server where tests/support/postgres.sh runs the test, else in a file. */
#ifndef JOB_STORE_WORLD_H
#define JOB_STORE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <libpq-fe.h>
#include <sqlite3.h>

#include "job_store.h"

#define NOW UINT64_C(1700000000000)
#define LEASE UINT64_C(30000)
#define SPOOL "spool-a"

typedef struct {
    char dir[64], url[256];
    es_job_store_t *a, *b;
} world_t;

static inline es_job_store_t *opened(world_t *w)
{
    char err[1024] = "";
    es_job_store_t *store = es_job_store_open(w->url, false, err, sizeof err);
    if (!store) fail_msg("%s", err);
    return store;
}

static inline bool on_a_server(void)
{
    return getenv("ES_POSTGRES_URL") != NULL;
}

/* Runs SQL as an operator would; the tables are in the search path. */
static inline void by_hand(const world_t *w, const char *sql)
{
    if (on_a_server()) {
        char all[8192];
        snprintf(all, sizeof all, "SET client_min_messages TO error; SET search_path TO earshot; %s", sql);
        PGconn *conn = PQconnectdb(w->url);
        PGresult *result = PQexec(conn, all);
        if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
            fail_msg("%s: %s", sql, PQerrorMessage(conn));
        PQclear(result);
        PQfinish(conn);
        return;
    }
    sqlite3 *db;
    char *err = NULL;
    assert_int_equal(sqlite3_open(w->url + strlen("sqlite:"), &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    if (sqlite3_exec(db, sql, NULL, NULL, &err) != SQLITE_OK) fail_msg("%s: %s", sql, err);
    sqlite3_close(db);
}

static inline int64_t counted_in_file(const world_t *w, const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *row;
    assert_int_equal(sqlite3_open(w->url + strlen("sqlite:"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &row, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(row), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(row, 0);
    sqlite3_finalize(row);
    sqlite3_close(db);
    return n;
}

static inline int64_t counted(const world_t *w, const char *sql)
{
    char all[1024];
    if (!on_a_server()) return counted_in_file(w, sql);
    snprintf(all, sizeof all, "SET search_path TO earshot; %s", sql);
    PGconn *conn = PQconnectdb(w->url);
    PGresult *result = PQexec(conn, all);
    if (PQresultStatus(result) != PGRES_TUPLES_OK) fail_msg("%s: %s", sql, PQerrorMessage(conn));
    int64_t n = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    PQclear(result);
    PQfinish(conn);
    return n;
}

/* An address where nothing is yet. */
static inline world_t *empty_world(void)
{
    world_t *w = calloc(1, sizeof *w);
    snprintf(w->dir, sizeof w->dir, "/tmp/es-jobs-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    if (on_a_server())
        snprintf(w->url, sizeof w->url, "%s", getenv("ES_POSTGRES_URL"));
    else
        snprintf(w->url, sizeof w->url, "sqlite:%s/jobs.db", w->dir);
    if (on_a_server()) by_hand(w, "DROP SCHEMA IF EXISTS earshot CASCADE");
    return w;
}

static inline int setup_empty(void **state)
{
    *state = empty_world();
    return 0;
}

static inline int setup(void **state)
{
    world_t *w = empty_world();
    w->a = opened(w);
    w->b = opened(w);
    *state = w;
    return 0;
}

static inline int teardown(void **state)
{
    static const char *const names[] = {"jobs.db", "jobs.db-wal", "jobs.db-shm"};
    world_t *w = *state;
    char path[128];
    es_job_store_close(&w->a);
    es_job_store_close(&w->b);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", w->dir, names[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(w->dir), 0);
    free(w);
    return 0;
}

/* A call in a turn of its own. */
#define TURN(store, call)                                         \
    __extension__({                                               \
        assert_int_equal(es_job_store_begin(store), ES_JOBS_OK);  \
        es_jobs_result_t result_ = (call);                        \
        assert_int_equal(es_job_store_commit(store), ES_JOBS_OK); \
        result_;                                                  \
    })
#define GOES(store, call) assert_int_equal(TURN(store, call), ES_JOBS_OK)

static inline const char *id_of(unsigned n)
{
    static _Thread_local char ids[4][ES_JOB_ID_LEN + 1];
    static _Thread_local unsigned next;
    char *id = ids[next++ % 4];
    snprintf(id, ES_JOB_ID_LEN + 1, "00000000-0000-4000-8000-%012u", n);
    return id;
}

/* A plain job; its fields are not owned. */
static inline es_job_t job_of(unsigned n)
{
    static char session[] = "session-1", file_name[] = "Talk.wav", type[] = "audio/wav", spool[] = SPOOL;
    es_job_t job = {.session = session,
                    .file_name = file_name,
                    .content_type = type,
                    .spool = spool,
                    .bytes = 320044,
                    .created_ms = NOW + n,
                    .attempts = 3,
                    .has_audio = true};
    snprintf(job.id, sizeof job.id, "%s", id_of(n));
    return job;
}

static inline void inserted_as(es_job_store_t *store, const es_job_t *job)
{
    GOES(store, es_job_store_insert(store, job, NULL));
}

static inline void inserted(es_job_store_t *store, unsigned n)
{
    es_job_t job = job_of(n);
    inserted_as(store, &job);
}

static inline es_job_t got(es_job_store_t *store, unsigned n)
{
    es_job_t job;
    GOES(store, es_job_store_get(store, id_of(n), &job));
    return job;
}

/* One number of a job. */
#define FIELD_OF(store, n, field)               \
    __extension__({                             \
        es_job_t job_ = got((store), (n));      \
        uint64_t value_ = (uint64_t)job_.field; \
        es_job_fini(&job_);                     \
        value_;                                 \
    })

static inline es_jobs_result_t claim_at(es_job_store_t *store, const char *worker, uint64_t now_ms, es_job_t *job,
                                        uint64_t *next_ms)
{
    return TURN(store, es_job_store_claim(store, SPOOL, worker, now_ms, LEASE, job, next_ms));
}

static inline es_job_hold_t claimed_at(es_job_store_t *store, uint64_t now_ms)
{
    es_job_t job;
    uint64_t next;
    assert_int_equal(claim_at(store, "jobs-1", now_ms, &job, &next), ES_JOBS_OK);
    es_job_hold_t hold = {.token = job.token};
    snprintf(hold.id, sizeof hold.id, "%s", job.id);
    es_job_fini(&job);
    return hold;
}

static inline es_job_segment_t segment_of(uint64_t from, uint64_t to, const char *text)
{
    return (es_job_segment_t){.from = from,
                              .to = to,
                              .start = from + 100,
                              .end = to - 100,
                              .confidence = 871,
                              .text = es_span(text),
                              .words = es_span_of("w\0rds", 5)};
}

static inline es_jobs_result_t final_of(es_job_store_t *store, const es_job_hold_t *hold, uint64_t from, uint64_t to,
                                        const char *text)
{
    es_job_segment_t segment = segment_of(from, to, text);
    return es_job_store_final(store, hold, &segment, es_span_of("check\0point", 11), NOW + 50);
}

/* Job number n, brought to a state; the last hold that it was under. */
static inline es_job_hold_t brought_to(es_job_store_t *store, unsigned n, es_job_state_t state)
{
    inserted(store, n);
    es_job_hold_t hold = claimed_at(store, NOW + n + 1);
    assert_string_equal(hold.id, id_of(n));
    GOES(store, final_of(store, &hold, 0, 16000, "one"));
    if (state == ES_JOB_ANALYZING || state == ES_JOB_COMPLETED)
        GOES(store, es_job_store_transcribed(store, &hold, NOW));
    if (state == ES_JOB_QUEUED) GOES(store, es_job_store_again(store, &hold, NULL, NOW, NOW));
    if (state == ES_JOB_COMPLETED) GOES(store, es_job_store_completed(store, &hold, "{}", NOW));
    if (state == ES_JOB_FAILED) GOES(store, es_job_store_failed(store, &hold, "it broke", NOW));
    if (state == ES_JOB_CANCELLED) GOES(store, es_job_store_cancel(store, hold.id, NOW, NULL));
    assert_int_equal(FIELD_OF(store, n, state), state);
    return hold;
}

#endif
