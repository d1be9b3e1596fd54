/* The tables of both stores: made once, whoever comes first; brought up to date; and what is not ours is left alone. */
#include <pthread.h>
#include <sys/stat.h>

#include "job_store_world.h"
#include "store_postgres.h"
#include "store_sqlite.h"

static void check_opens(world_t *w)
{
    char err[1024] = "";
    es_job_store_t *store = es_job_store_open(w->url, false, err, sizeof err);
    if (!store) fail_msg("%s", err);
    es_job_store_close(&store);
}

/* Patience makes no difference: waiting would not help. */
static void check_refused(const char *url, const char *why)
{
    for (int patient = 0; patient < 2; patient++) {
        char err[1024] = "";
        assert_null(es_job_store_open(url, patient, err, sizeof err));
        if (!strstr(err, why)) fail_msg("\"%s\" does not say \"%s\"", err, why);
        assert_null(strstr(err, "secret"));
    }
}

/* ---- who comes first */

enum { ACTORS = 8 };

typedef struct {
    world_t *world;
    pthread_barrier_t *start;
    char err[1024];
    bool opened;
} actor_t;

static void *start_actor(void *arg)
{
    actor_t *actor = arg;
    pthread_barrier_wait(actor->start);
    es_job_store_t *store = es_job_store_open(actor->world->url, false, actor->err, sizeof actor->err);
    actor->opened = store != NULL;
    es_job_store_close(&store);
    return NULL;
}

static void actors_may_start_at_once(void **state)
{
    world_t *w = *state;
    actor_t actors[ACTORS];
    pthread_t threads[ACTORS];
    pthread_barrier_t start;
    pthread_barrier_init(&start, NULL, ACTORS);
    for (int i = 0; i < ACTORS; i++) {
        actors[i] = (actor_t){.world = w, .start = &start};
        pthread_create(&threads[i], NULL, start_actor, &actors[i]);
    }
    for (int i = 0; i < ACTORS; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < ACTORS; i++)
        if (!actors[i].opened) fail_msg("%s", actors[i].err);
    pthread_barrier_destroy(&start);
    w->a = opened(w);
    inserted(w->a, 1);
}

static void a_file_is_its_owners_alone(void **state)
{
    static const char *const names[] = {"jobs.db", "jobs.db-wal", "jobs.db-shm"};
    world_t *w = *state;
    char path[128];
    if (on_a_server()) skip();
    w->a = opened(w);
    inserted(w->a, 1);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct stat there;
        snprintf(path, sizeof path, "%s/%s", w->dir, names[i]);
        assert_int_equal(stat(path, &there), 0);
        assert_int_equal(there.st_mode & 0777, 0600);
    }
}

/* ---- not ours */

static void a_newer_schema_is_refused(void **state)
{
    world_t *w = *state;
    check_opens(w);
    by_hand(w, on_a_server() ? "UPDATE house SET version = 99" : "PRAGMA user_version = 99");
    check_refused(w->url, "newer earshot");
    assert_int_equal(on_a_server() ? counted(w, "SELECT version FROM house") : counted(w, "PRAGMA user_version"), 99);
}

static void another_programs_tables_are_refused(void **state)
{
    world_t *w = *state;
    if (on_a_server()) by_hand(w, "CREATE SCHEMA earshot");
    by_hand(w, "CREATE TABLE house (street TEXT)");
    check_refused(w->url, "another program");
    assert_int_equal(counted(w, "SELECT count(*) FROM house"), 0);
    by_hand(w, "DROP TABLE house");
    check_opens(w);
}

static void rooms_are_not_jobs(void **state)
{
    world_t *w = *state;
    if (on_a_server()) skip();
    by_hand(w, "PRAGMA application_id = 1163424365; PRAGMA user_version = 1");
    check_refused(w->url, "another program");
}

static void addresses_are_read_with_care(void **state)
{
    (void)state;
    check_refused("mysql://secret@host/db", "neither with sqlite:");
    check_refused("", "neither with sqlite:");
    check_refused("sqlite:", "without a file");
    check_refused("sqlite:/nowhere/jobs.db", "/nowhere/jobs.db");
    check_refused("postgresql://user:secret%zz@host/db", "cannot be read");
    check_refused("postgresql://user:secret@host:notaport:5/db?x=y", "cannot be read");
}

/* ---- a server that is not there */

static void a_server_that_is_down_wants_patience(void **state)
{
    static const char url[] = "postgresql://user:secret@/earshot?host=/nowhere";
    char err[1024] = "";
    es_job_t job = job_of(1);
    (void)state;
    assert_null(es_job_store_open(url, false, err, sizeof err));
    assert_non_null(strstr(err, "PostgreSQL at /nowhere"));
    assert_non_null(strstr(err, "is the server running"));
    assert_null(strstr(err, "secret"));
    es_job_store_t *store = es_job_store_open(url, true, err, sizeof err);
    assert_non_null(store);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(es_job_store_begin(store), ES_JOBS_DOWN);
        assert_int_equal(es_job_store_insert(store, &job, NULL), ES_JOBS_DOWN);
        assert_int_equal(es_job_store_get(store, job.id, &job), ES_JOBS_DOWN);
        assert_int_equal(es_job_store_commit(store), ES_JOBS_DOWN);
        assert_non_null(strstr(es_job_store_trouble(store), "is the server running"));
    }
    assert_int_equal(es_job_store_fd(store), -1);
    assert_false(es_job_store_heard(store));
    es_job_store_close(&store);
}

static void a_database_must_speak_unicode(void **state)
{
    world_t *w = *state;
    char url[512];
    if (!on_a_server()) skip();
    PGconn *conn = PQconnectdb(w->url);
    PQclear(PQexec(conn, "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0"));
    PQfinish(conn);
    snprintf(url, sizeof url, "%s&dbname=latin", w->url);
    check_refused(url, "encoding is not UTF8");
}

static void a_right_that_is_missing_is_said(void **state)
{
    world_t *w = *state;
    char url[512], err[1024] = "";
    if (!on_a_server()) skip();
    PGconn *conn = PQconnectdb(w->url);
    PQclear(PQexec(conn, "CREATE ROLE guest LOGIN"));
    PQfinish(conn);
    snprintf(url, sizeof url, "%s&user=guest", w->url);
    assert_null(es_job_store_open(url, false, err, sizeof err));
    if (!strstr(err, "permission denied") || !strstr(err, "give the user the right")) fail_msg("%s", err);
    check_opens(w);
    assert_null(es_job_store_open(url, false, err, sizeof err));
    if (!strstr(err, "give the user the right")) fail_msg("%s", err);
}

/* ---- from one version to the next */

static int bring_to(world_t *w, const es_job_schema_t *schema)
{
    char err[1024] = "";
    int rc;
    if (on_a_server()) {
        es_job_link_t link = {.url = strdup(w->url), .conn = PQconnectdb(w->url)};
        assert_int_equal(PQstatus(link.conn), CONNECTION_OK);
        assert_true(es_job_link_check(&link, es_job_link_exec(&link, "SET search_path TO earshot", 5000)));
        rc = es_job_pg_schema(&link, schema, err, sizeof err);
        es_job_link_fini(&link);
        return rc;
    }
    sqlite3 *db;
    assert_int_equal(sqlite3_open(w->url + strlen("sqlite:"), &db), SQLITE_OK);
    rc = es_job_sqlite_schema(db, schema, "jobs.db", err, sizeof err);
    sqlite3_close(db);
    return rc;
}

static int64_t version_of(world_t *w)
{
    return counted(w, on_a_server() ? "SELECT version FROM house" : "PRAGMA user_version");
}

/* The steps of today and two of tomorrow. */
static es_job_schema_t schema_of_tomorrow(const char **steps, const char *first, const char *second)
{
    const es_job_schema_t *today = on_a_server() ? &es_job_schema_postgres : &es_job_schema_sqlite;
    for (int i = 0; i < today->count; i++) steps[i] = today->steps[i];
    steps[today->count] = first;
    steps[today->count + 1] = second;
    return (es_job_schema_t){steps, today->count + (first != NULL) + (second != NULL)};
}

static void tables_are_brought_up_to_date(void **state)
{
    const char *steps[32];
    world_t *w = *state;
    w->a = opened(w);
    inserted(w->a, 1);
    es_job_store_close(&w->a);
    int64_t today = version_of(w);
    es_job_schema_t tomorrow = schema_of_tomorrow(steps, "ALTER TABLE job ADD COLUMN mood TEXT NOT NULL DEFAULT 'calm'",
                                                  "UPDATE job SET mood = 'glad'");
    assert_int_equal(bring_to(w, &tomorrow), 0);
    assert_int_equal(version_of(w), today + 2);
    assert_int_equal(counted(w, "SELECT count(*) FROM job WHERE mood = 'glad'"), 1);
    assert_int_equal(bring_to(w, &tomorrow), 0);
    assert_int_equal(version_of(w), today + 2);
    check_refused(w->url, "newer earshot");
}

/* Tables of an older version, with a job in them. */
static void make_old(world_t *w, int version)
{
    const es_job_schema_t *today = on_a_server() ? &es_job_schema_postgres : &es_job_schema_sqlite;
    es_job_schema_t old = {today->steps, version};
    assert_int_equal(bring_to(w, &old), 0);
    by_hand(
        w,
        "INSERT INTO job (id, session, key, spool, priority, bytes, duration, created_ms, updated_ms, run_at_ms, "
        "attempts, delete_after, find) VALUES ('00000000-0000-4000-8000-000000000001', 's', 'k', 'spool-a', 0, 1, 0, "
        "1, 1, 1, 3, 0, '')");
}

/* The first version knew nothing of traces. */
static void a_job_from_before_traces_has_none(void **state)
{
    static char trace[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    world_t *w = *state;
    make_old(w, 1);
    w->a = opened(w);
    es_job_t old = got(w->a, 1), job = job_of(2);
    assert_null(old.trace);
    es_job_fini(&old);
    job.trace = trace;
    inserted_as(w->a, &job);
    job = got(w->a, 2);
    assert_string_equal(job.trace, trace);
    es_job_fini(&job);
}

/* The second knew nothing of principals. */
static void a_job_from_before_principals_is_nobodys(void **state)
{
    char there[ES_JOB_ID_LEN + 1] = "";
    world_t *w = *state;
    make_old(w, 2);
    w->a = opened(w);
    es_job_t old = got(w->a, 1), hers = job_of(2), nobodys = job_of(3);
    assert_string_equal(old.principal, "");
    es_job_fini(&old);
    hers.session = nobodys.session = "s";
    hers.key = nobodys.key = "k";
    hers.principal = "key:alice";
    inserted_as(w->a, &hers);
    assert_int_equal(TURN(w->a, es_job_store_insert(w->a, &nobodys, there)), ES_JOBS_EXISTS);
    assert_string_equal(there, id_of(1));
}

static void a_step_that_fails_leaves_all_as_it_was(void **state)
{
    const char *steps[32];
    world_t *w = *state;
    w->a = opened(w);
    inserted(w->a, 1);
    es_job_store_close(&w->a);
    int64_t today = version_of(w);
    es_job_schema_t broken = schema_of_tomorrow(steps, "ALTER TABLE job RENAME COLUMN format TO kind", "nonsense");
    assert_int_not_equal(bring_to(w, &broken), 0);
    assert_int_equal(version_of(w), today);
    w->a = opened(w);
    assert_int_equal(FIELD_OF(w->a, 1, state), ES_JOB_QUEUED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_empty, teardown)
        TEST(actors_may_start_at_once),
        TEST(a_file_is_its_owners_alone),
        TEST(a_newer_schema_is_refused),
        TEST(another_programs_tables_are_refused),
        TEST(rooms_are_not_jobs),
        TEST(addresses_are_read_with_care),
        TEST(a_server_that_is_down_wants_patience),
        TEST(a_database_must_speak_unicode),
        TEST(a_right_that_is_missing_is_said),
        TEST(tables_are_brought_up_to_date),
        TEST(a_job_from_before_traces_has_none),
        TEST(a_job_from_before_principals_is_nobodys),
        TEST(a_step_that_fails_leaves_all_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
