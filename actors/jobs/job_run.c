/* A run's life: what it writes, what comes of that, and time. */
#include "job_run.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "job_run_state.h"

#define SECOND UINT64_C(1000000)
#define RETRY_US (SECOND / 2) /* of writes, while the store is out of reach */
#define WRITES_MAX 256u       /* wait to be stored: no more audio is taken */
#define NEWS_TEXT_MAX 32768u  /* bytes of new words in one message */
#define NEVER UINT64_MAX

static const unsigned may_follow[ES_RUN_PHASES] = {
    [ES_RUN_TRANSCRIBING] = 1u << ES_RUN_STORING | 1u << ES_RUN_ENDING | 1u << ES_RUN_OVER,
    [ES_RUN_STORING] = 1u << ES_RUN_READING | 1u << ES_RUN_ENDING | 1u << ES_RUN_OVER,
    [ES_RUN_READING] = 1u << ES_RUN_ANALYZING | 1u << ES_RUN_ENDING | 1u << ES_RUN_OVER,
    [ES_RUN_ANALYZING] = 1u << ES_RUN_ENDING | 1u << ES_RUN_OVER,
    [ES_RUN_ENDING] = 1u << ES_RUN_OVER,
};

void es_run_phase(es_job_run_t *self, es_run_phase_t phase)
{
    assert(may_follow[self->phase] >> phase & 1u);
    self->phase = phase;
}

void es_run_moved_on(es_job_run_t *self)
{
    self->moved_at = self->now.us;
}

/* ---- the ways out */

void es_run_leave_work(es_job_run_t *self)
{
    if (self->decoding) self->ops->stop_decoding(self->ctx);
    self->decoding = self->listening = false;
    self->stream_over = self->sender != NULL;
}

void es_run_write(es_job_run_t *self, es_job_write_t *write)
{
    assert(self->phase < ES_RUN_ENDING);
    es_ring_push(&self->writes, write);
}

void es_run_end(es_job_run_t *self, es_job_write_t *write)
{
    es_run_leave_work(self);
    es_run_write(self, write);
    es_run_phase(self, ES_RUN_ENDING);
}

void es_run_fail(es_job_run_t *self, const char *why)
{
    if (self->phase < ES_RUN_ENDING) es_run_end(self, es_job_write_new(ES_WRITE_FAILED, 0, why));
}

void es_run_fail_attempt(es_job_run_t *self, const char *why)
{
    if (self->phase >= ES_RUN_ENDING) return;
    if (self->job.attempt < self->job.attempts) {
        uint64_t wait = es_job_backoff_ms(self->job.attempt, self->ops->chance(self->ctx));
        es_run_end(self, es_job_write_new(ES_WRITE_AGAIN, self->now.ms + wait, why));
    } else if (self->phase >= ES_RUN_READING) {
        es_run_complete_without(self, "analysis_failed", why);
    } else {
        es_run_fail(self, why);
    }
}

static void forget_writes(es_job_run_t *self)
{
    es_ring_t kept = {0};
    for (size_t i = 0; i < self->in_flight; i++) es_ring_push(&kept, es_ring_pop(&self->writes));
    for (es_job_write_t *write; (write = es_ring_pop(&self->writes));) es_job_write_free(write);
    es_ring_fini(&self->writes);
    self->writes = kept;
}

static void over(es_job_run_t *self, const char *why)
{
    if (self->phase == ES_RUN_OVER) return;
    es_run_leave_work(self);
    forget_writes(self);
    self->why = why;
    es_run_phase(self, ES_RUN_OVER);
}

/* ---- after each event */

/* What a file is may wait a moment for its first words: a short recording is stored in one turn less. */
static bool may_wait(const es_job_run_t *self)
{
    const es_job_write_t *first = es_ring_at(&self->writes, 0);
    return self->writes.count == 1 && first->kind == ES_WRITE_PROBED && self->now.us < self->probe_at;
}

static void submit(es_job_run_t *self)
{
    es_job_write_t *batch[ES_RUN_BATCH];
    if (self->in_flight > 0 || self->writes.count == 0 || may_wait(self) || self->now.us < self->retry_at) return;
    while (self->in_flight < ES_RUN_BATCH && self->in_flight < self->writes.count) {
        batch[self->in_flight] = es_ring_at(&self->writes, self->in_flight);
        self->in_flight++;
    }
    self->ops->write(self->ctx, batch, self->in_flight);
}

static void decide_listening(es_job_run_t *self)
{
    if (!self->decoding) return;
    bool wanted = !es_sender_full(self->sender) && !self->down && self->writes.count < WRITES_MAX;
    if (wanted != self->listening) self->ops->listen(self->ctx, wanted);
    self->listening = wanted;
}

void es_run_settle(es_job_run_t *self)
{
    if (self->stream_over) es_run_close_stream(self);
    if (self->phase == ES_RUN_ANALYZING) es_run_feed_analysis(self);
    submit(self);
    decide_listening(self);
    if (self->phase != ES_RUN_OVER || self->in_flight > 0 || self->reading || self->told_over) return;
    self->told_over = true;
    self->ops->over(self->ctx, self->why);
}

/* ---- what was stored */

typedef struct {
    const char *type; /* NULL: nothing to tell */
    size_t len;
    bool transcribed, ended;
    char text[NEWS_TEXT_MAX];
} stored_t;

static void add_words(stored_t *stored, const es_job_write_t *write)
{
    es_span_t text = write->segment.text;
    size_t space = stored->len > 0;
    if (write->segment.failed || text.len == 0 || stored->len + space + text.len > sizeof stored->text) return;
    if (space) stored->text[stored->len++] = ' ';
    memcpy(stored->text + stored->len, text.ptr, text.len);
    stored->len += text.len;
}

static void look_at(es_job_run_t *self, stored_t *stored, const es_job_write_t *write)
{
    static const char *const types[ES_WRITE_KINDS] = {
        [ES_WRITE_PROBED] = "job.progress",     [ES_WRITE_NOTE] = "job.progress",
        [ES_WRITE_FINAL] = "job.progress",      [ES_WRITE_TRANSCRIBED] = "job.progress",
        [ES_WRITE_COMPLETED] = "job.completed", [ES_WRITE_FAILED] = "job.failed",
        [ES_WRITE_AGAIN] = "job.queued"};
    if (types[write->kind]) stored->type = types[write->kind];
    if (write->kind == ES_WRITE_RENEW) self->renewing = false;
    if (write->kind == ES_WRITE_FINAL) add_words(stored, write);
    if (write->kind == ES_WRITE_TRANSCRIBED) stored->transcribed = true;
    if (es_job_write_ends(write->kind)) stored->ended = true;
}

static void stored(es_job_run_t *self, es_job_t *fresh)
{
    stored_t stored;
    stored.type = NULL;
    stored.len = 0;
    stored.transcribed = stored.ended = false;
    for (; self->in_flight > 0; self->in_flight--) {
        es_job_write_t *write = es_ring_pop(&self->writes);
        look_at(self, &stored, write);
        es_job_write_free(write);
    }
    es_job_fini(&self->job);
    self->job = *fresh;
    *fresh = (es_job_t){0};
    self->down = false;
    if (stored.type) es_run_moved_on(self); /* to be renewed is no progress */
    if (self->phase == ES_RUN_OVER) return; /* it is not ours to tell */
    if (stored.type) self->ops->news(self->ctx, &self->job, stored.type, es_span_of(stored.text, stored.len));
    if (stored.transcribed && self->phase == ES_RUN_STORING) es_run_begin_analysis(self);
    if (stored.ended) over(self, es_job_state_name(self->job.state));
}

void es_job_run_written(es_job_run_t *self, es_jobs_result_t result, es_job_t *fresh, es_job_now_t now)
{
    self->now = now;
    if (result == ES_JOBS_OK) {
        stored(self, fresh);
    } else if (result == ES_JOBS_DOWN && self->phase != ES_RUN_OVER) {
        self->in_flight = 0;
        self->down = true;
        self->retry_at = now.us + RETRY_US;
    } else {
        self->in_flight = 0;
        over(self, "lost");
        forget_writes(self);
    }
    es_run_settle(self);
}

/* ---- time */

static void renew(es_job_run_t *self)
{
    if (self->now.us < self->renew_at || self->phase >= ES_RUN_ENDING) return;
    self->renew_at = self->now.us + self->config.lease_us / 3;
    if (self->renewing) return;
    self->renewing = true;
    es_run_write(self, es_job_write_new(ES_WRITE_RENEW, self->config.lease_us / 1000, NULL));
}

static void note(es_job_run_t *self)
{
    char text[128];
    if (self->now.us < self->note_at || self->phase >= ES_RUN_ENDING) return;
    self->note_at = NEVER;
    snprintf(text, sizeof text, "waits for %s, place %llu",
             self->phase == ES_RUN_ANALYZING ? "an analysis actor" : "a transcriber", (unsigned long long)self->place);
    const char *wanted = self->place > 0 ? text : NULL, *there = self->job.note;
    if (wanted ? there && strcmp(wanted, there) == 0 : !there) return;
    es_run_write(self, es_job_write_new(ES_WRITE_NOTE, 0, wanted));
}

/* Waiting for a place, a broker or the store is nobody's fault. */
static void watch_for_stall(es_job_run_t *self)
{
    char why[160];
    if (self->place > 0 || self->down || !self->config.house->reachable) es_run_moved_on(self);
    if (self->now.us < self->moved_at + self->config.stall_us || self->phase >= ES_RUN_ENDING) return;
    snprintf(why, sizeof why, "Nothing came of it for %llu s: %s.",
             (unsigned long long)(self->config.stall_us / SECOND),
             self->phase == ES_RUN_ANALYZING ? "the analysis actor says nothing"
                                             : "neither its decoder nor its transcriber gets on");
    es_run_fail_attempt(self, why);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t next_tick(const es_job_run_t *self)
{
    if (self->phase == ES_RUN_OVER) return NEVER;
    uint64_t next = self->down && self->in_flight == 0 ? self->retry_at : NEVER;
    if (self->phase == ES_RUN_ENDING) return next;
    if (self->read_at && self->phase == ES_RUN_READING) next = earlier(next, self->read_at);
    if (self->writes.count > 0 && may_wait(self)) next = earlier(next, self->probe_at);
    next = earlier(next, earlier(self->renew_at, self->note_at));
    next = earlier(next, self->moved_at + self->config.stall_us);
    return self->sender ? earlier(next, es_sender_deadline(self->sender)) : next;
}

uint64_t es_job_run_tick(es_job_run_t *self, es_job_now_t now)
{
    self->now = now;
    if (self->sender && !self->stream_over) es_sender_tick(self->sender, now.us);
    renew(self);
    note(self);
    watch_for_stall(self);
    es_run_read_again(self);
    bool waits = self->phase == ES_RUN_READING || self->phase == ES_RUN_ANALYZING;
    if (waits && self->config.house->no_analysis && !self->reading) es_run_begin_analysis(self);
    es_run_settle(self);
    return next_tick(self);
}

/* ---- from above */

void es_job_run_release(es_job_run_t *self, es_job_now_t now)
{
    self->now = now;
    if (self->phase < ES_RUN_ENDING) es_run_end(self, es_job_write_new(ES_WRITE_AGAIN, now.ms, NULL));
    es_run_settle(self);
}

void es_job_run_drop(es_job_run_t *self, es_job_now_t now)
{
    self->now = now;
    over(self, "lost");
    es_run_settle(self);
}

es_job_run_t *es_job_run_new(const es_job_run_config_t *config, const es_job_run_ops_t *ops, void *ctx, es_job_t *job,
                             es_job_now_t now)
{
    es_job_run_t *self = es_alloc_zero(sizeof *self);
    *self = (es_job_run_t){.config = *config, .ops = ops, .ctx = ctx, .job = *job, .now = now, .note_at = NEVER};
    *job = (es_job_t){0};
    memcpy(self->hold.id, self->job.id, sizeof self->hold.id);
    self->hold.token = self->job.token;
    self->renew_at = now.us + config->lease_us / 3;
    es_run_moved_on(self);
    self->ops->news(self->ctx, &self->job, "job.progress", (es_span_t){0});
    if (self->job.state == ES_JOB_ANALYZING) self->phase = ES_RUN_STORING;
    if (self->job.deaths >= ES_JOB_DEATHS_MAX)
        es_run_fail(self, "Jobs actors died of it, one after another, before anything of it was stored.");
    else if (self->job.state == ES_JOB_ANALYZING)
        es_run_begin_analysis(self);
    else
        es_run_begin_audio(self);
    es_run_settle(self);
    return self;
}

void es_job_run_destroy(es_job_run_t **self_p)
{
    es_job_run_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    for (es_job_write_t *write; (write = es_ring_pop(&self->writes));) es_job_write_free(write);
    es_ring_fini(&self->writes);
    es_sender_destroy(&self->sender);
    es_job_fini(&self->job);
    free(self->document);
    free(self->analysis);
    free(self);
}

const es_job_t *es_job_run_job(const es_job_run_t *self)
{
    return &self->job;
}

const char *es_job_run_key(const es_job_run_t *self)
{
    return self->key;
}
