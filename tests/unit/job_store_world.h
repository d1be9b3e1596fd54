/* Stores of jobs to test, two handles on each: two actors. The backend is the first argument of the test: "sqlite", or "postgresql" with the address of a server. */
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

static inline int setup(void **state)
{
    world_t *w = calloc(1, sizeof *w);
    snprintf(w->dir, sizeof w->dir, "/tmp/es-jobs-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    snprintf(w->url, sizeof w->url, "sqlite:%s/jobs.db", w->dir);
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

static inline void inserted(es_job_store_t *store, unsigned n)
{
    es_job_t job = job_of(n);
    assert_int_equal(TURN(store, es_job_store_insert(store, &job, NULL)), ES_JOBS_OK);
}

#endif
