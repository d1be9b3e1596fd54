#include "job_json.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"

enum { DIGITS = 6 }; /* of a number with a fraction: thousandths of a per cent */

json_t *es_job_text_json(const char *text)
{
    if (!text) return json_null();
    json_t *json = json_string(text);
    if (json) return json;
    char *mended = es_alloc_copy(text, strlen(text));
    for (char *c = mended; *c; c++)
        if (*c & 0x80) *c = '?';
    json = json_string(mended);
    free(mended);
    return json;
}

/* 0 is "not yet". */
static json_t *time_json(uint64_t ms)
{
    return ms ? json_integer((json_int_t)ms) : json_null();
}

static json_t *samples_json(uint64_t samples)
{
    return json_integer((json_int_t)(samples / 16));
}

static void set(json_t *object, const char *name, json_t *value)
{
    json_object_set_new(object, name, value);
}

static void set_uint(json_t *object, const char *name, uint64_t value)
{
    set(object, name, json_integer((json_int_t)value));
}

static void set_what(json_t *json, const es_job_t *job)
{
    set(json, "jobId", json_string(job->id));
    set(json, "sessionId", es_job_text_json(job->session));
    set(json, "principal", es_job_text_json(job->principal && *job->principal ? job->principal : NULL));
    set(json, "status", json_string(es_job_state_name(job->state)));
    set(json, "progress", json_real(es_job_progress(job) / 1000.0));
    set(json, "priority", json_integer(job->priority));
    set(json, "language", es_job_text_json(job->language));
    set(json, "fileName", es_job_text_json(job->file_name));
    set(json, "contentType", es_job_text_json(job->content_type));
    set_uint(json, "bytes", job->bytes);
    set(json, "format", es_job_text_json(job->format));
    set(json, "durationMs", job->duration ? samples_json(job->duration) : json_null());
    set(json, "doneMs", samples_json(job->done));
}

static void set_course(json_t *json, const es_job_t *job)
{
    bool again = job->state == ES_JOB_QUEUED && job->attempt > 0;
    set(json, "createdAt", time_json(job->created_ms));
    set(json, "startedAt", time_json(job->started_ms));
    set(json, "finishedAt", time_json(job->finished_ms));
    set(json, "updatedAt", time_json(job->updated_ms));
    set_uint(json, "version", job->version);
    set_uint(json, "attempt", job->attempt);
    set_uint(json, "attempts", job->attempts);
    set(json, "nextAttemptAt", again ? time_json(job->run_at_ms) : json_null());
    set(json, "worker", es_job_text_json(job->worker));
    set(json, "note", es_job_text_json(job->note));
    set(json, "error", es_job_text_json(job->error));
    set_uint(json, "warnings", job->warnings);
    set(json, "deleteAfterAnalysis", json_boolean(job->delete_after));
    set(json, "audio", json_boolean(job->has_audio));
    set(json, "webhook", es_job_text_json(job->webhook));
}

json_t *es_job_json(const es_job_t *job)
{
    json_t *json = json_object();
    set_what(json, job);
    set_course(json, job);
    return json;
}

json_t *es_job_attempt_json(const es_job_attempt_t *attempt)
{
    json_t *json = json_object();
    set_uint(json, "attempt", attempt->attempt);
    set(json, "worker", es_job_text_json(attempt->worker));
    set(json, "startedAt", time_json(attempt->started_ms));
    set(json, "endedAt", time_json(attempt->ended_ms));
    set(json, "outcome", es_job_text_json(attempt->outcome));
    set(json, "error", es_job_text_json(attempt->error));
    return json;
}

json_t *es_job_analysis_json(const es_job_t *job)
{
    json_t *json = job->analysis ? json_loads(job->analysis, 0, NULL) : NULL;
    return json ? json : json_null();
}

json_t *es_job_counts_json(const es_job_counts_t *counts)
{
    json_t *json = json_object();
    for (int i = 0; i < ES_JOB_STATES; i++) set_uint(json, es_job_state_name((es_job_state_t)i), counts->states[i]);
    return json;
}

const char *es_job_news_type(es_job_state_t state)
{
    static const char *const types[ES_JOB_STATES] = {
        [ES_JOB_QUEUED] = "job.queued",      [ES_JOB_TRANSCRIBING] = "job.progress",
        [ES_JOB_ANALYZING] = "job.progress", [ES_JOB_COMPLETED] = "job.completed",
        [ES_JOB_FAILED] = "job.failed",      [ES_JOB_CANCELLED] = "job.cancelled",
    };
    return types[state];
}

char *es_job_news(const es_job_t *job, const char *type, es_span_t text, size_t *len)
{
    json_t *json = json_object();
    set(json, "type", json_string(type ? type : es_job_news_type(job->state)));
    set_uint(json, "version", job->version);
    set(json, "job", es_job_json(job));
    if (text.len > 0) json_object_set_new(json, "text", json_stringn(text.ptr, text.len));
    return es_job_json_text(json, len);
}

char *es_job_json_text(json_t *json, size_t *len)
{
    char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(DIGITS));
    json_decref(json);
    *len = text ? strlen(text) : 0;
    return text;
}
