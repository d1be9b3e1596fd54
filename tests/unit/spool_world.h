/* A spool in a directory of its own, for the tests of what stands on it. */
#ifndef ES_SPOOL_WORLD_H
#define ES_SPOOL_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "spool.h"

#define JOB "0123abcd-0000-4000-8000-00000000000a"
#define OTHER "0123abcd-0000-4000-8000-00000000000b"
#define KEY "00000000000000aa"

typedef struct {
    char dir[64];
    es_spool_t *spool;
} spool_world_t;

static es_spool_t *spool_open(const char *dir, uint64_t quota, uint64_t floor)
{
    char err[512] = "";
    es_spool_config_t config = {.dir = dir, .quota = quota, .floor = floor};
    es_spool_t *spool = es_spool_open(&config, err, sizeof err);
    if (!spool) print_message("%s\n", err);
    return spool;
}

static inline int spool_setup(void **state)
{
    spool_world_t *w = calloc(1, sizeof *w);
    snprintf(w->dir, sizeof w->dir, "/tmp/es-spool-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    w->spool = spool_open(w->dir, 0, 0);
    assert_non_null(w->spool);
    *state = w;
    return 0;
}

static inline int spool_teardown(void **state)
{
    spool_world_t *w = *state;
    char command[128];
    es_spool_close(&w->spool);
    snprintf(command, sizeof command, "rm -r %s", w->dir);
    assert_int_equal(system(command), 0);
    free(w);
    return 0;
}

static inline void spool_reopen(spool_world_t *w, uint64_t quota, uint64_t floor)
{
    es_spool_close(&w->spool);
    w->spool = spool_open(w->dir, quota, floor);
    assert_non_null(w->spool);
}

static inline uint64_t spool_bytes(spool_world_t *w)
{
    es_spool_usage_t usage;
    es_spool_usage(w->spool, &usage);
    return usage.bytes;
}

static inline bool count_one(void *arg, const char *job, uint64_t changed_ms)
{
    (void)job;
    (void)changed_ms;
    ++*(size_t *)arg;
    return true;
}

static inline size_t spool_files(spool_world_t *w)
{
    size_t n = 0;
    es_spool_files(w->spool, count_one, &n);
    return n;
}

#endif
