/* What is watched: jobs, and how each stands by the newest that was heard. Pure.
 *
 * Events are those of section 13 of the protocol; they may come late, twice, or after a new connection: a job's version tells which is news. */
#ifndef ES_BATCH_BOARD_H
#define ES_BATCH_BOARD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ES_BATCH_JOBS_MAX 256u /* watched at once; where all of a house are, those that are over make room */
#define ES_BATCH_WORDS 400u    /* bytes of the last words of each */

typedef enum {
    ES_BATCH_RUNS,
    ES_BATCH_COMPLETED,
    ES_BATCH_FAILED_JOB,
    ES_BATCH_CANCELLED,
    ES_BATCH_DELETED
} es_batch_end_t;

typedef struct {
    char id[64];
    char status[20];  /* "TRANSCRIBING"; empty: not heard of yet */
    char file[128];   /* its name */
    char reason[300]; /* error, or note */
    char words[ES_BATCH_WORDS];
    double progress; /* 0 to 100, never less than before */
    uint64_t version, duration_ms, done_ms;
    unsigned attempt, attempts;
    es_batch_end_t end;
    int shown_tens; /* the view's: progress / 10 and status of what was last said */
    char shown_status[20];
} es_batch_job_t;

typedef struct {
    es_batch_job_t jobs[ES_BATCH_JOBS_MAX];
    size_t count;
    bool open; /* jobs that nobody named are watched too */
} es_batch_board_t;

/* A job is to be watched. False where there are too many. */
bool es_batch_board_add(es_batch_board_t *self, const char *id, const char *file);
/* The payload of an event of this type. The job where that was news, else NULL. */
es_batch_job_t *es_batch_board_event(es_batch_board_t *self, const char *type, const json_t *payload);
/* A job as HTTP gives it. */
es_batch_job_t *es_batch_board_job(es_batch_board_t *self, const json_t *job);
/* None that is watched runs. */
bool es_batch_board_over(const es_batch_board_t *self);
/* All of them are COMPLETED. */
bool es_batch_board_good(const es_batch_board_t *self);

#endif
