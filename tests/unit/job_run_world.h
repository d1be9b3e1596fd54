/* A run in single cases, with what it asks for written down; tests/sim runs it through faults. Virtual time. */
#ifndef ES_JOB_RUN_WORLD_H
#define ES_JOB_RUN_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alloc.h"
#include "job_run.h"

#define MS(n) ((uint64_t)(n)*1000u)
#define SECONDS(n) ((uint64_t)(n)*1000000u)
#define FRAME 1600u
#define INC 77u

typedef struct {
    es_job_run_t *run;
    es_job_house_t house;
    es_job_now_t now;
    es_job_t job;    /* as stored */
    char told[2048]; /* what it asked for, in order */
    char key[20];
    uint64_t epoch, seq; /* of the last frame */
    int keys, reads;
    es_job_write_t *const *writes;
    es_job_write_t *batch[ES_RUN_BATCH];
    size_t n_writes;
} world_t;

static inline void tell(world_t *w, const char *what, const char *more)
{
    size_t at = strlen(w->told);
    snprintf(w->told + at, sizeof w->told - at, "%s%s%s", at ? " " : "", what, more);
}

static inline void on_decode(void *ctx, uint64_t from, uint64_t limit)
{
    char text[32];
    (void)limit;
    snprintf(text, sizeof text, "%d", (int)from);
    tell(ctx, "decode@", text);
}

static inline void on_listen(void *ctx, bool on)
{
    tell(ctx, on ? "listen" : "pause", "");
}

static inline void on_stop_decoding(void *ctx)
{
    tell(ctx, "stop", "");
}

static inline void on_send(void *ctx, es_span_t key, const es_msg_t *msg, const void *body, size_t len)
{
    world_t *w = ctx;
    (void)key;
    (void)body;
    (void)len;
    if (msg->kind == ES_CLOSE) tell(w, "close", "");
    if (msg->kind != ES_FRAME) return;
    w->epoch = msg->epoch;
    w->seq = msg->seq;
}

static inline void on_draw_key(void *ctx, char key[ES_CLIENT_ID_LEN + 1])
{
    world_t *w = ctx;
    snprintf(w->key, sizeof w->key, "%016x", (unsigned)++w->keys);
    memcpy(key, w->key, ES_CLIENT_ID_LEN + 1);
}

static inline void on_write(void *ctx, es_job_write_t *const *writes, size_t n)
{
    static const char *const names[ES_WRITE_KINDS] = {"renew",       "probed",    "note",   "final",
                                                      "transcribed", "completed", "failed", "again"};
    world_t *w = ctx;
    assert_int_equal(w->n_writes, 0);
    memcpy(w->batch, writes, n * sizeof *writes);
    w->n_writes = n;
    for (size_t i = 0; i < n; i++) tell(w, names[writes[i]->kind], "");
}

static inline void on_read(void *ctx)
{
    tell(ctx, "read", "");
}

static inline void on_news(void *ctx, const es_job_t *job, const char *type, es_span_t text)
{
    char more[64];
    snprintf(more, sizeof more, "(%s%s%.*s)", es_job_state_name(job->state), text.len ? ": " : "", (int)text.len,
             text.len ? text.ptr : "");
    tell(ctx, type, more);
}

static inline uint64_t on_chance(void *ctx)
{
    (void)ctx;
    return 0;
}

static inline void on_over(void *ctx, const char *why)
{
    tell(ctx, "over:", why);
}

static const es_job_run_ops_t ops = {.decode = on_decode,
                                     .listen = on_listen,
                                     .stop_decoding = on_stop_decoding,
                                     .send = on_send,
                                     .draw_key = on_draw_key,
                                     .write = on_write,
                                     .read = on_read,
                                     .news = on_news,
                                     .chance = on_chance,
                                     .over = on_over};

static inline void begin(world_t *w, es_job_state_t state)
{
    const es_job_run_config_t config = {
        .stall_us = SECONDS(60), .lease_us = SECONDS(15), .max_samples = 160000, .house = &w->house};
    es_job_t job = w->job;
    job.state = w->job.state = state;
    job.format = NULL;
    es_job_set(&job.format, w->job.format);
    w->run = es_job_run_new(&config, &ops, w, &job, w->now);
}

static inline int setup(void **state)
{
    world_t *w = calloc(1, sizeof *w);
    w->now = (es_job_now_t){.us = SECONDS(100), .ms = 1000000};
    w->house = (es_job_house_t){.reachable = true, .analysis_wait_us = SECONDS(30)};
    w->job = (es_job_t){.attempts = 2, .attempt = 1, .token = 1, .has_audio = true};
    *state = w;
    return 0;
}

static inline int teardown(void **state)
{
    world_t *w = *state;
    es_job_run_destroy(&w->run);
    es_job_fini(&w->job);
    free(w);
    return 0;
}

static inline void pass(world_t *w, uint64_t us)
{
    w->now.us += us;
    w->now.ms += us / 1000;
    es_job_run_tick(w->run, w->now);
}

/* What was asked for since, and forgets it. */
static inline const char *told(world_t *w)
{
    static char text[sizeof w->told];
    memcpy(text, w->told, sizeof text);
    w->told[0] = '\0';
    return text;
}

/* The store does what the run asked for. */
static inline void store(world_t *w, es_jobs_result_t result, es_job_state_t state)
{
    es_job_t fresh = w->job;
    fresh.format = fresh.note = fresh.error = NULL;
    for (size_t i = 0; i < w->n_writes && result == ES_JOBS_OK; i++) {
        const es_job_write_t *write = w->batch[i];
        if (write->kind == ES_WRITE_PROBED) {
            w->job.duration = fresh.duration = write->value;
            es_job_set(&w->job.format, write->text);
        }
        if (write->kind == ES_WRITE_FINAL) w->job.done = fresh.done = write->segment.to;
        if (write->kind == ES_WRITE_NOTE) es_job_set(&fresh.note, write->text);
    }
    fresh.state = w->job.state = state;
    es_job_set(&fresh.format, w->job.format);
    w->n_writes = 0;
    es_job_run_written(w->run, result, &fresh, w->now);
    es_job_fini(&fresh);
}

static inline const char *first_text(const world_t *w)
{
    assert_true(w->n_writes > 0 && w->batch[w->n_writes - 1]->text);
    return w->batch[w->n_writes - 1]->text;
}

static inline void audio(world_t *w, uint64_t from, int frames)
{
    static const int16_t samples[FRAME];
    for (int i = 0; i < frames; i++) es_job_run_audio(w->run, from + (uint64_t)i * FRAME, samples, FRAME, w->now);
}

static inline void answer_through(world_t *w, bool own, es_kind_t kind, uint64_t from, uint64_t to, const char *text,
                                  const char *body)
{
    es_msg_t msg = {.kind = kind, .epoch = w->epoch, .seq = to};
    ES_SET(&msg, ES_M_INC, inc, INC);
    ES_SET(&msg, ES_M_EXPECTED, expected, to + 1);
    ES_SET(&msg, ES_M_COMMITTED, committed, to);
    ES_SET(&msg, ES_M_FROM, from_seq, from);
    ES_SET(&msg, ES_M_TO, to_seq, to);
    if (text) ES_SET(&msg, ES_M_TEXT, text, es_span(text));
    es_job_run_receive(w->run, own, &msg, body, body ? strlen(body) : 0, w->now);
}

static inline void answer(world_t *w, es_kind_t kind, uint64_t from, uint64_t to, const char *text, const char *body)
{
    answer_through(w, true, kind, from, to, text, body);
}

/* Up to where the words are stored and the transcript is read for the analysis. */
static inline void hear_all(world_t *w)
{
    begin(w, ES_JOB_TRANSCRIBING);
    es_job_run_info(w->run, 2 * FRAME, es_span("WAV"), w->now);
    audio(w, 0, 2);
    es_job_run_decoded(w->run, 2 * FRAME, (es_span_t){0}, w->now);
    answer(w, ES_FINAL, 1, 3, "hello", NULL);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
