/* The verbs: what each reads of its question, and what it does with the store. `run` may run again: it begins anew each time. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "inquiry.h"
#include "job_id.h"

static const es_verb_t *const verbs[] = {&es_inquiry_list,       &es_inquiry_get,    &es_inquiry_session,
                                         &es_inquiry_transcript, &es_inquiry_audio,  &es_inquiry_cancel,
                                         &es_inquiry_retry,      &es_inquiry_remove, NULL};

const es_verb_t *es_verb_find(es_span_t name)
{
    for (const es_verb_t *const *verb = verbs; *verb; verb++)
        if (es_span_eq(name, es_span((*verb)->name))) return *verb;
    return NULL;
}

/* ---- fields */

/* Copies text; absent is empty. False: it is no text, or too long. */
static bool read_text(const json_t *body, const char *name, char *out, size_t cap)
{
    const json_t *value = json_object_get(body, name);
    out[0] = 0;
    if (!value || json_is_null(value)) return true;
    if (!json_is_string(value) || json_string_length(value) >= cap) return false;
    memcpy(out, json_string_value(value), json_string_length(value) + 1);
    return true;
}

static bool read_uint(const json_t *body, const char *name, uint64_t initial, uint64_t max, uint64_t *out)
{
    const json_t *value = json_object_get(body, name);
    *out = initial;
    if (!value || json_is_null(value)) return true;
    if (!json_is_integer(value) || json_integer_value(value) < 0 || (uint64_t)json_integer_value(value) > max)
        return false;
    *out = (uint64_t)json_integer_value(value);
    return true;
}

/* An id that is none is that of no job. */
static const char *read_job(es_inquiry_t *self, const json_t *body)
{
    const json_t *value = json_object_get(body, "job");
    if (!json_is_string(value)) return "The job is missing.";
    if (es_job_id_valid(es_span_of(json_string_value(value), json_string_length(value))))
        memcpy(self->job, json_string_value(value), sizeof self->job);
    return NULL;
}

const char *es_inquiry_read_principal(es_inquiry_t *self, const json_t *body)
{
    const json_t *value = json_object_get(body, "principal");
    self->whoever = !value || json_is_null(value);
    return read_text(body, "principal", self->principal, sizeof self->principal)
               ? NULL
               : "The principal is not text of at most 208 bytes.";
}

/* A job that is nobody's is open to whoever knows its id. */
static bool is_open(const es_inquiry_t *self, const es_job_t *job)
{
    return self->whoever || !job->principal || !*job->principal || strcmp(job->principal, self->principal) == 0;
}

static es_jobs_result_t get_job(es_inquiry_t *self, es_job_store_t *store, es_job_t *job)
{
    *job = (es_job_t){0};
    es_jobs_result_t result = self->job[0] ? es_job_store_get(store, self->job, job) : ES_JOBS_NONE;
    if (result == ES_JOBS_OK && !is_open(self, job)) result = ES_JOBS_NONE;
    return es_inquiry_found(self, result);
}

/* Before a command: may it be given? Whose a job is never changes. */
static es_jobs_result_t find_job(es_inquiry_t *self, es_job_store_t *store)
{
    es_job_t job;
    es_jobs_result_t result = get_job(self, store, &job);
    es_job_fini(&job);
    return result;
}

/* Its recording lies with another actor. */
static bool elsewhere(const es_inquiry_t *self, const es_job_t *job)
{
    return job->has_audio && job->spool && strcmp(job->spool, es_spool_id(self->spool)) != 0;
}

/* ---- list, session */

static const char *list_read(es_inquiry_t *self, const json_t *body)
{
    char state[24];
    if (!read_text(body, "state", state, sizeof state)) return "The state is not the name of one.";
    if (state[0] && (self->state = es_job_state_of(es_span(state))) < 0)
        return "The state is none of QUEUED, TRANSCRIBING, ANALYZING, COMPLETED, FAILED and CANCELLED.";
    if (!read_text(body, "session", self->session, sizeof self->session))
        return "The session is not text of at most 64 bytes.";
    if (!self->whoever && !self->session[0]) return "The jobs of a principal are listed by session.";
    if (!read_text(body, "q", self->part, sizeof self->part))
        return "What is looked for is not text of at most 200 bytes.";
    if (!read_uint(body, "page", 1, 1u << 30, &self->page) || self->page == 0)
        return "The page is not a number from 1.";
    if (!read_uint(body, "per_page", 50, ES_INQUIRY_PAGE_MAX, &self->per_page) || self->per_page == 0)
        return "A page has 1 to 200 jobs.";
    return NULL;
}

static void add_job(void *arg, const es_job_t *job)
{
    json_array_append_new(arg, es_job_json(job));
}

static es_jobs_result_t list_jobs(es_inquiry_t *self, es_job_store_t *store, json_t *jobs, uint64_t *total)
{
    es_job_filter_t filter = {.state = self->state,
                              .session = self->session[0] ? self->session : NULL,
                              .principal = self->whoever ? NULL : self->principal,
                              .q = self->part[0] ? self->part : NULL,
                              .offset = (self->page - 1) * self->per_page,
                              .count = self->per_page};
    return es_job_store_list(store, &filter, total, add_job, jobs);
}

static es_jobs_result_t list_run(void *arg, es_job_store_t *store)
{
    es_inquiry_t *self = arg;
    es_job_counts_t counts = {.oldest_queued_ms = 0};
    uint64_t total = 0;
    json_t *jobs = json_array(), *json = json_object();
    es_jobs_result_t result = list_jobs(self, store, jobs, &total);
    if (result == ES_JOBS_OK) result = es_job_store_counts(store, &counts);
    json_object_set_new(json, "jobs", jobs);
    json_object_set_new(json, "page", json_integer((json_int_t)self->page));
    json_object_set_new(json, "pages", json_integer((json_int_t)((total + self->per_page - 1) / self->per_page)));
    json_object_set_new(json, "total", json_integer((json_int_t)total));
    json_object_set_new(json, "counts", es_job_counts_json(&counts));
    es_inquiry_json(self, 200, json);
    return result;
}

const es_verb_t es_inquiry_list = {.name = "list", .read = list_read, .run = list_run};

static const char *session_read(es_inquiry_t *self, const json_t *body)
{
    self->page = 1;
    self->per_page = ES_INQUIRY_SESSION_JOBS;
    if (!read_text(body, "session", self->session, sizeof self->session) || !self->session[0])
        return "The session is not 1 to 64 bytes of text.";
    return NULL;
}

static es_jobs_result_t session_run(void *arg, es_job_store_t *store)
{
    static const char *const newest[] = {"jobId", "status", "progress"};
    es_inquiry_t *self = arg;
    uint64_t total;
    json_t *jobs = json_array(), *json = json_object();
    es_jobs_result_t result = list_jobs(self, store, jobs, &total);
    json_object_set_new(json, "sessionId", json_string(self->session));
    for (size_t i = 0; i < sizeof newest / sizeof *newest; i++)
        json_object_set(json, newest[i], json_object_get(json_array_get(jobs, 0), newest[i]));
    bool none = json_array_size(jobs) == 0;
    json_object_set_new(json, "jobs", jobs);
    es_inquiry_json(self, 200, json);
    if (none) es_inquiry_error(self, 404, "no_such_session", "This session has no jobs.");
    return result;
}

const es_verb_t es_inquiry_session = {.name = "session", .read = session_read, .run = session_run};

/* ---- get */

static void add_attempt(void *arg, const es_job_attempt_t *attempt)
{
    json_array_append_new(arg, es_job_attempt_json(attempt));
}

static es_jobs_result_t get_run(void *arg, es_job_store_t *store)
{
    es_inquiry_t *self = arg;
    es_job_t job;
    es_jobs_result_t result = get_job(self, store, &job);
    if (result == ES_JOBS_OK) {
        json_t *json = es_job_json(&job), *history = json_array();
        result = es_job_store_history(store, self->job, add_attempt, history);
        json_object_set_new(json, "history", history);
        json_object_set_new(json, "analysis", es_job_analysis_json(&job));
        es_inquiry_json(self, 200, json);
    }
    es_job_fini(&job);
    return result;
}

const es_verb_t es_inquiry_get = {.name = "get", .read = read_job, .run = get_run};

/* ---- transcript */

static const char *transcript_read(es_inquiry_t *self, const json_t *body)
{
    char format[16];
    if (!read_text(body, "format", format, sizeof format)) return "The format is none of json, text, srt and vtt.";
    int found = format[0] ? es_transcript_kind_of(es_span(format)) : ES_TRANSCRIPT_JSON;
    if (found < 0) return "The format is none of json, text, srt and vtt.";
    self->format = (es_transcript_kind_t)found;
    if (!read_uint(body, "cursor", 0, INT64_MAX, &self->cursor)) return "The cursor is none that was given.";
    return read_job(self, body);
}

static bool add_segment(void *arg, const es_job_segment_t *segment)
{
    return es_transcript_format_add(arg, segment);
}

static es_jobs_result_t transcript_run(void *arg, es_job_store_t *store)
{
    es_inquiry_t *self = arg;
    es_job_t job;
    es_jobs_result_t result = get_job(self, store, &job);
    if (result == ES_JOBS_OK) {
        es_span_t body;
        es_transcript_format_t *transcript = es_transcript_format_new(self->format, &job, self->cursor);
        result = es_job_store_segments(store, self->job, 0, add_segment, transcript);
        self->next = es_transcript_format_end(transcript, &body);
        es_inquiry_bytes(self, es_transcript_type(self->format), body.ptr, body.len);
        es_transcript_format_destroy(&transcript);
    }
    es_job_fini(&job);
    return result;
}

const es_verb_t es_inquiry_transcript = {.name = "transcript", .read = transcript_read, .run = transcript_run};

/* ---- audio */

static const char *audio_read(es_inquiry_t *self, const json_t *body)
{
    if (!read_uint(body, "cursor", 0, INT64_MAX, &self->cursor)) return "The cursor is not a position in the file.";
    if (!read_uint(body, "length", ES_JOB_AUDIO_MAX, ES_JOB_AUDIO_MAX, &self->length))
        return "The length is more than 262144 bytes.";
    return read_job(self, body);
}

static void gone(es_inquiry_t *self)
{
    es_inquiry_error(self, 410, "audio_deleted", "The recording of this job is deleted.");
}

static void read_audio(es_inquiry_t *self, int fd, uint64_t size, const char *type)
{
    char *piece = es_alloc(self->length + 1);
    ssize_t n = self->cursor < size ? pread(fd, piece, self->length, (off_t)self->cursor) : 0;
    if (n < 0) {
        es_inquiry_error(self, 503, "spool_error", "The recording could not be read from the disk; try again.");
    } else {
        es_inquiry_bytes(self, type ? type : "application/octet-stream", piece, (size_t)n);
        uint64_t next = self->cursor + (uint64_t)n;
        self->next = n > 0 && next < size ? next : 0;
        self->size = size;
    }
    free(piece);
}

static es_jobs_result_t audio_run(void *arg, es_job_store_t *store)
{
    es_inquiry_t *self = arg;
    es_job_t job;
    es_jobs_result_t result = get_job(self, store, &job);
    self->status = result == ES_JOBS_OK ? 0 : self->status;
    if (result == ES_JOBS_OK && !elsewhere(self, &job)) {
        int fd = job.has_audio ? es_spool_file_open(self->spool, self->job) : -1;
        int64_t size = es_spool_file_size(self->spool, self->job);
        if (fd < 0 || size < 0)
            gone(self);
        else
            read_audio(self, fd, (uint64_t)size, job.content_type);
        if (fd >= 0) close(fd);
    }
    es_job_fini(&job);
    return result;
}

const es_verb_t es_inquiry_audio = {.name = "audio", .read = audio_read, .run = audio_run};

/* ---- commands */

static const char *retry_read(es_inquiry_t *self, const json_t *body)
{
    uint64_t attempt;
    if (!read_uint(body, "attempt", 0, ES_JOB_ATTEMPTS_MAX, &attempt)) return "The attempt is not a number.";
    self->attempt = (uint32_t)attempt;
    return read_job(self, body);
}

/* The job as it is then, or why not. */
static es_jobs_result_t commanded(es_inquiry_t *self, es_jobs_result_t result, const char *conflict)
{
    if (result == ES_JOBS_OK) es_inquiry_json(self, 200, es_job_json(&self->changed));
    if (result == ES_JOBS_CONFLICT) es_inquiry_error(self, 409, "wrong_state", conflict);
    self->done = result == ES_JOBS_OK;
    return es_inquiry_found(self, result);
}

static es_jobs_result_t cancel_run(void *arg, es_job_store_t *store)
{
    es_inquiry_t *self = arg;
    es_job_fini(&self->changed);
    self->done = false;
    es_jobs_result_t result = find_job(self, store);
    if (result != ES_JOBS_OK) return result;
    return commanded(self, es_job_store_cancel(store, self->job, self->now_ms, &self->changed),
                     "The job is over already.");
}

const es_verb_t es_inquiry_cancel = {
    .name = "cancel", .read = read_job, .run = cancel_run, .changes = true, .what = ES_DONE_CANCEL};

static es_jobs_result_t retry_run(void *arg, es_job_store_t *store)
{
    es_inquiry_t *self = arg;
    es_job_fini(&self->changed);
    self->done = false;
    es_jobs_result_t result = find_job(self, store);
    if (result != ES_JOBS_OK) return result;
    return commanded(self, es_job_store_retry(store, self->job, self->attempt, self->now_ms, &self->changed),
                     self->changed.has_audio ? "Only a job that failed or was cancelled can be tried again."
                                             : "The recording of this job is deleted: it cannot be tried again.");
}

const es_verb_t es_inquiry_retry = {
    .name = "retry", .read = retry_read, .run = retry_run, .changes = true, .what = ES_DONE_RETRY};

static es_jobs_result_t remove_run(void *arg, es_job_store_t *store)
{
    es_inquiry_t *self = arg;
    es_job_t job;
    es_job_fini(&self->changed);
    self->done = false;
    es_jobs_result_t result = get_job(self, store, &job);
    bool other = result == ES_JOBS_OK && elsewhere(self, &job);
    es_job_fini(&job);
    self->status = other ? 0 : self->status;
    if (result != ES_JOBS_OK || other) return result;
    return commanded(self, es_job_store_remove(store, self->job, &self->changed),
                     "The job is being worked on; cancel it first.");
}

const es_verb_t es_inquiry_remove = {
    .name = "remove", .read = read_job, .run = remove_run, .changes = true, .what = ES_DONE_REMOVE};
