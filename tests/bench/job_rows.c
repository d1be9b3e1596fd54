/* Jobs a second that a store takes and brings to their end, by how many share a commit, and how long lists take when there are many: job_rows URL [ROWS].
 * URL is sqlite:FILE on the disk that matters, or postgresql://..., of a store that may be filled: tests/support/postgres.sh run sh -c 'job_rows "$ES_POSTGRES_URL"'. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job_store.h"
#include "wire.h"

#define SPOOL "bench"
#define LEASE_MS 60000u
enum { HOLDS_MAX = 256 };

static unsigned drawn; /* jobs so far */

static void check(es_job_store_t *store, es_jobs_result_t result)
{
    if (result == ES_JOBS_OK) return;
    fprintf(stderr, "the store answers %d: %s\n", (int)result, es_job_store_trouble(store));
    exit(1);
}

static void insert(es_job_store_t *store)
{
    char session[32], file_name[48];
    unsigned n = drawn++;
    snprintf(session, sizeof session, "session-%u", n % 1000);
    snprintf(file_name, sizeof file_name, "Recording of meeting %u.mp3", n);
    es_job_t job = {.session = session,
                    .file_name = file_name,
                    .content_type = "audio/mpeg",
                    .spool = SPOOL,
                    .bytes = 1048576,
                    .created_ms = es_wall_us() / 1000};
    snprintf(job.id, sizeof job.id, "%08x-0000-4000-8000-%012x", (unsigned)(es_random_u64() & 0xffffffff), n);
    check(store, es_job_store_insert(store, &job, NULL));
}

static void inserts(es_job_store_t *store, unsigned a_turn, unsigned jobs)
{
    for (unsigned n = 0; n < jobs; n += a_turn) {
        check(store, es_job_store_begin(store));
        for (unsigned i = 0; i < a_turn; i++) insert(store);
        check(store, es_job_store_commit(store));
    }
}

static void claim(es_job_store_t *store, es_job_hold_t *hold)
{
    es_job_t job;
    uint64_t next;
    check(store, es_job_store_claim(store, SPOOL, "bench", es_wall_us() / 1000, LEASE_MS, &job, &next));
    memcpy(hold->id, job.id, sizeof hold->id);
    hold->token = job.token;
    es_job_fini(&job);
}

static void hear(es_job_store_t *store, const es_job_hold_t *hold)
{
    es_job_segment_t segment = {
        .to = 1600, .end = 1600, .text = es_span("a sentence of some sixty bytes, as people say them to others")};
    check(store, es_job_store_final(store, hold, &segment, es_span("checkpoint"), es_wall_us() / 1000));
}

static void finish(es_job_store_t *store, const es_job_hold_t *hold)
{
    check(store, es_job_store_transcribed(store, hold, es_wall_us() / 1000));
    check(store, es_job_store_completed(store, hold, "{\"words\":11}", es_wall_us() / 1000));
}

/* Three turns for as many jobs: claimed, heard, finished. */
static void lives(es_job_store_t *store, unsigned a_turn, unsigned jobs)
{
    static es_job_hold_t holds[HOLDS_MAX];
    for (unsigned n = 0; n < jobs; n += a_turn) {
        check(store, es_job_store_begin(store));
        for (unsigned i = 0; i < a_turn; i++) claim(store, &holds[i]);
        check(store, es_job_store_commit(store));
        check(store, es_job_store_begin(store));
        for (unsigned i = 0; i < a_turn; i++) hear(store, &holds[i]);
        check(store, es_job_store_commit(store));
        check(store, es_job_store_begin(store));
        for (unsigned i = 0; i < a_turn; i++) finish(store, &holds[i]);
        check(store, es_job_store_commit(store));
    }
}

static void rate(es_job_store_t *store, const char *what, void (*fn)(es_job_store_t *, unsigned, unsigned),
                 unsigned a_turn)
{
    unsigned jobs = a_turn == 1 ? 200 : a_turn * 16;
    uint64_t begin = es_now_us();
    fn(store, a_turn, jobs);
    double seconds = (double)(es_now_us() - begin) / 1e6;
    printf("%-9s %4u a turn: %8.0f jobs/s\n", what, a_turn, jobs / seconds);
}

/* ---- lists */

static void skip_job(void *arg, const es_job_t *job)
{
    unsigned *count = arg;
    *count += job->id[0] != '\0';
}

static void skip_id(void *arg, const char *id)
{
    unsigned *count = arg;
    *count += id[0] != '\0';
}

static void list(es_job_store_t *store, const char *what, const es_job_filter_t *filter)
{
    uint64_t total, begin = es_now_us();
    unsigned rows = 0;
    check(store, es_job_store_begin(store));
    check(store, es_job_store_list(store, filter, &total, skip_job, &rows));
    check(store, es_job_store_commit(store));
    printf("list %-22s %7.1f ms: %u of %u\n", what, (double)(es_now_us() - begin) / 1000, rows, (unsigned)total);
}

static void lists(es_job_store_t *store, uint64_t rows)
{
    list(store, "all", &(es_job_filter_t){.state = -1, .count = 50});
    list(store, "all, the last page", &(es_job_filter_t){.state = -1, .count = 50, .offset = rows - 50});
    list(store, "by state", &(es_job_filter_t){.state = ES_JOB_QUEUED, .count = 50});
    list(store, "by session", &(es_job_filter_t){.state = -1, .session = "session-7", .count = 50});
    list(store, "by a common word", &(es_job_filter_t){.state = -1, .q = "Meeting", .count = 50});
    list(store, "by a word that is not", &(es_job_filter_t){.state = -1, .q = "nowhere", .count = 50});
}

static void others(es_job_store_t *store)
{
    es_job_counts_t counts;
    es_job_hold_t hold;
    unsigned rows = 0;
    uint64_t begin = es_now_us();
    check(store, es_job_store_counts(store, &counts));
    uint64_t counted = es_now_us();
    check(store, es_job_store_counts(store, &counts)); /* told again */
    uint64_t again = es_now_us();
    check(store, es_job_store_expired(store, SPOOL, 1, 1000, 100, skip_id, &rows));
    uint64_t expired = es_now_us();
    check(store, es_job_store_begin(store));
    insert(store);
    claim(store, &hold);
    check(store, es_job_store_commit(store));
    printf("counts %.1f ms, again %.1f ms, expired %.1f ms, one claim %.1f ms\n", (double)(counted - begin) / 1000,
           (double)(again - counted) / 1000, (double)(expired - again) / 1000, (double)(es_now_us() - expired) / 1000);
}

int main(int argc, char **argv)
{
    static const unsigned turns[] = {1, 16, HOLDS_MAX};
    char err[1024];
    if (argc < 2) {
        fprintf(stderr, "usage: job_rows URL [ROWS]\n");
        return 2;
    }
    unsigned rows = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 200000;
    es_job_store_t *store = es_job_store_open(argv[1], false, err, sizeof err);
    if (!store) {
        fprintf(stderr, "%s\n", err);
        return 1;
    }
    for (size_t i = 0; i < sizeof turns / sizeof *turns; i++) {
        rate(store, "inserted", inserts, turns[i]);
        rate(store, "completed", lives, turns[i]);
    }
    if (drawn < rows) inserts(store, 1000, rows - drawn);
    printf("%u rows\n", drawn);
    lists(store, drawn);
    others(store);
    es_job_store_close(&store);
    return 0;
}
