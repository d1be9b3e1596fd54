#include "batch_board.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *status;
    es_batch_end_t end;
} ends[] = {{"COMPLETED", ES_BATCH_COMPLETED}, {"FAILED", ES_BATCH_FAILED_JOB}, {"CANCELLED", ES_BATCH_CANCELLED}};

static const char *string(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static uint64_t number(const json_t *object, const char *key)
{
    json_int_t value = json_integer_value(json_object_get(object, key));
    return value > 0 ? (uint64_t)value : 0;
}

static es_batch_job_t *find(es_batch_board_t *self, const char *id)
{
    for (size_t i = 0; i < self->count; i++)
        if (strcmp(self->jobs[i].id, id) == 0) return &self->jobs[i];
    return NULL;
}

/* The oldest that is over makes room. */
static bool make_room(es_batch_board_t *self)
{
    if (self->count < ES_BATCH_JOBS_MAX) return true;
    if (!self->open) return false;
    for (size_t i = 0; i < self->count; i++) {
        if (self->jobs[i].end == ES_BATCH_RUNS) continue;
        memmove(&self->jobs[i], &self->jobs[i + 1], (self->count - i - 1) * sizeof self->jobs[0]);
        self->count--;
        return true;
    }
    return false;
}

bool es_batch_board_add(es_batch_board_t *self, const char *id, const char *file)
{
    if (find(self, id)) return true;
    if (!make_room(self)) return false;
    es_batch_job_t *job = &self->jobs[self->count++];
    *job = (es_batch_job_t){.shown_tens = -1};
    snprintf(job->id, sizeof job->id, "%s", id);
    snprintf(job->file, sizeof job->file, "%s", file ? file : "");
    return true;
}

static es_batch_end_t end_of(const char *status)
{
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        if (strcmp(ends[i].status, status) == 0) return ends[i].end;
    return ES_BATCH_RUNS;
}

static void take(es_batch_job_t *job, const json_t *state)
{
    double progress = json_number_value(json_object_get(state, "progress"));
    const char *error = string(state, "error");
    snprintf(job->status, sizeof job->status, "%s", string(state, "status"));
    snprintf(job->reason, sizeof job->reason, "%s", *error ? error : string(state, "note"));
    if (*string(state, "fileName")) snprintf(job->file, sizeof job->file, "%s", string(state, "fileName"));
    if (progress > job->progress) job->progress = progress;
    job->version = number(state, "version");
    job->duration_ms = number(state, "durationMs");
    job->done_ms = number(state, "doneMs");
    job->attempt = (unsigned)number(state, "attempt");
    job->attempts = (unsigned)number(state, "attempts");
    job->end = end_of(job->status);
}

/* The last words stay: the oldest make room. */
static void add_words(es_batch_job_t *job, const char *text)
{
    char both[2 * ES_BATCH_WORDS];
    size_t more = strlen(text);
    if (more == 0) return;
    if (more >= ES_BATCH_WORDS) text += more - (ES_BATCH_WORDS - 1);
    snprintf(both, sizeof both, "%s%s%s", job->words, *job->words ? " " : "", text);
    size_t len = strlen(both);
    const char *from = len >= sizeof job->words ? both + len - (sizeof job->words - 1) : both;
    while (((unsigned char)*from & 0xc0) == 0x80) from++;
    memcpy(job->words, from, strlen(from) + 1);
}

static es_batch_job_t *job_of(es_batch_board_t *self, const char *id, const json_t *state)
{
    es_batch_job_t *job = find(self, id);
    if (job || !self->open || !*id) return job;
    return es_batch_board_add(self, id, string(state, "fileName")) ? find(self, id) : NULL;
}

es_batch_job_t *es_batch_board_job(es_batch_board_t *self, const json_t *state)
{
    es_batch_job_t *job = job_of(self, string(state, "jobId"), state);
    if (!job || (*job->status && number(state, "version") <= job->version)) return NULL;
    take(job, state);
    return job;
}

es_batch_job_t *es_batch_board_event(es_batch_board_t *self, const char *type, const json_t *payload)
{
    const json_t *state = json_object_get(payload, "job");
    es_batch_job_t *job;
    if (strncmp(type, "job.", 4) != 0 || !json_object_get(payload, "job_id")) return NULL;
    if (strcmp(type, "job.deleted") == 0) {
        job = find(self, string(payload, "job_id"));
        if (!job || job->end == ES_BATCH_DELETED) return NULL;
        snprintf(job->status, sizeof job->status, "DELETED");
        job->end = ES_BATCH_DELETED;
        return job;
    }
    if (!json_is_object(state)) return NULL;
    job = es_batch_board_job(self, state);
    if (job) add_words(job, string(payload, "text"));
    return job;
}

bool es_batch_board_over(const es_batch_board_t *self)
{
    for (size_t i = 0; i < self->count; i++)
        if (self->jobs[i].end == ES_BATCH_RUNS) return false;
    return true;
}

bool es_batch_board_good(const es_batch_board_t *self)
{
    for (size_t i = 0; i < self->count; i++)
        if (self->jobs[i].end != ES_BATCH_COMPLETED) return false;
    return true;
}
