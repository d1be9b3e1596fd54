#include "job_event.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"

#define HEAD(type) "{\"type\":\"" type "\",\"payload\":{"
enum { HEAD_TYPE = sizeof "{\"type\":\"" - 1, HEAD_REST = sizeof "\",\"payload\":{" - 1 };

static const char *const heads[] = {
    [ES_JOB_EVENT_QUEUED] = HEAD("job.queued"),       [ES_JOB_EVENT_PROGRESS] = HEAD("job.progress"),
    [ES_JOB_EVENT_COMPLETED] = HEAD("job.completed"), [ES_JOB_EVENT_FAILED] = HEAD("job.failed"),
    [ES_JOB_EVENT_CANCELLED] = HEAD("job.cancelled"), [ES_JOB_EVENT_DELETED] = HEAD("job.deleted")};

es_span_t es_job_event_head(es_job_event_type_t type)
{
    return es_span(heads[type]);
}

static int type_of_name(const char *name)
{
    for (int i = 0; name && i < ES_JOB_EVENTS; i++) {
        size_t len = strlen(heads[i]) - HEAD_TYPE - HEAD_REST;
        if (strlen(name) == len && !memcmp(heads[i] + HEAD_TYPE, name, len)) return i;
    }
    return -1;
}

static int type_of_status(const char *status)
{
    static const struct {
        const char *status;
        es_job_event_type_t type;
    } types[] = {{"QUEUED", ES_JOB_EVENT_QUEUED},      {"TRANSCRIBING", ES_JOB_EVENT_PROGRESS},
                 {"ANALYZING", ES_JOB_EVENT_PROGRESS}, {"COMPLETED", ES_JOB_EVENT_COMPLETED},
                 {"FAILED", ES_JOB_EVENT_FAILED},      {"CANCELLED", ES_JOB_EVENT_CANCELLED}};
    for (size_t i = 0; status && i < sizeof types / sizeof *types; i++)
        if (!strcmp(types[i].status, status)) return (int)types[i].type;
    return -1;
}

static int copy(char *out, size_t cap, const json_t *value)
{
    size_t len = json_is_string(value) ? json_string_length(value) : 0;
    if (len == 0 || len >= cap || memchr(json_string_value(value), 0, len)) return -1;
    memcpy(out, json_string_value(value), len + 1);
    return 0;
}

/* Absent and null are nobody. */
static int copy_principal(char *out, size_t cap, const json_t *value)
{
    out[0] = 0;
    return !value || json_is_null(value) ? 0 : copy(out, cap, value);
}

/* An object without its braces. Takes the object over. */
static void write(es_job_event_t *out, json_t *payload)
{
    char *text = json_dumps(payload, JSON_COMPACT | JSON_REAL_PRECISION(9));
    json_decref(payload);
    if (!text) abort();
    out->len = strlen(text) - 2;
    out->fields = es_alloc_copy(text + 1, out->len);
    free(text);
}

static void put(json_t *payload, const char *name, json_t *value)
{
    if (value) json_object_set(payload, name, value);
}

static int make(es_job_event_t *out, int type, json_t *job, json_t *version, json_t *text)
{
    json_int_t number = json_integer_value(version);
    if (type < 0 || !json_is_integer(version) || number < 0) return -1;
    if (copy(out->job, sizeof out->job, json_object_get(job, "jobId")) ||
        copy(out->session, sizeof out->session, json_object_get(job, "sessionId")) ||
        copy_principal(out->principal, sizeof out->principal, json_object_get(job, "principal")))
        return -1;
    out->type = (es_job_event_type_t)type;
    out->version = (uint64_t)number;
    json_t *payload = json_object();
    put(payload, "job_id", json_object_get(job, "jobId"));
    put(payload, "session_id", json_object_get(job, "sessionId"));
    put(payload, "status", json_object_get(job, "status"));
    put(payload, "progress", json_object_get(job, "progress"));
    put(payload, "version", version);
    put(payload, "job", job);
    if (json_is_string(text) && json_string_length(text)) put(payload, "text", text);
    write(out, payload);
    return 0;
}

int es_job_event_of_news(es_job_event_t *out, const void *body, size_t len)
{
    *out = (es_job_event_t){0};
    json_t *news = len ? json_loadb(body, len, 0, NULL) : NULL;
    int type = type_of_name(json_string_value(json_object_get(news, "type")));
    int rc =
        make(out, type, json_object_get(news, "job"), json_object_get(news, "version"), json_object_get(news, "text"));
    json_decref(news);
    return rc;
}

int es_job_event_of_job(es_job_event_t *out, const json_t *job)
{
    *out = (es_job_event_t){0};
    if (!json_is_object(job)) return -1;
    json_t *shown = json_copy((json_t *)(uintptr_t)job);
    json_object_del(shown, "history");
    json_object_del(shown, "analysis");
    int type = type_of_status(json_string_value(json_object_get(shown, "status")));
    int rc = make(out, type, shown, json_object_get(shown, "version"), NULL);
    json_decref(shown);
    return rc;
}

void es_job_event_gone(es_job_event_t *out, const char *job, const char *session, const char *principal,
                       uint64_t version)
{
    *out = (es_job_event_t){.type = ES_JOB_EVENT_DELETED, .version = version};
    memcpy(out->job, job, strlen(job) + 1);
    memcpy(out->session, session, strlen(session) + 1);
    memcpy(out->principal, principal, strlen(principal) + 1);
    write(out, json_pack("{s:s, s:s, s:s, s:n, s:I, s:n}", "job_id", job, "session_id", session, "status", "DELETED",
                         "progress", "version", (json_int_t)version, "job"));
}

void es_job_event_fini(es_job_event_t *self)
{
    free(self->fields);
    self->fields = NULL;
}
