#include "arrival_head.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "alloc.h"
#include "job_id.h"

typedef const char *(*reader_t)(const json_t *value, es_job_t *job);

static es_span_t text_of(const json_t *value)
{
    return es_span_of(json_string_value(value), json_string_length(value));
}

/* Printing characters of ASCII only, spaces where allowed. */
static bool visible(es_span_t text, size_t max, char least)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < least || text.ptr[i] > '~') return false;
    return text.len > 0 && text.len <= max;
}

static const char *read_job(const json_t *value, es_job_t *job)
{
    if (!json_is_string(value) || !es_job_id_valid(text_of(value))) return "The job's id is not a UUID in lower case.";
    memcpy(job->id, json_string_value(value), ES_JOB_ID_LEN + 1);
    return NULL;
}

static const char *read_session(const json_t *value, es_job_t *job)
{
    if (!json_is_string(value) || !es_job_session_valid(text_of(value)))
        return "The session is not 1 to 64 of A-Z, a-z, 0-9, '.', '_' and '-'.";
    es_job_set(&job->session, json_string_value(value));
    return NULL;
}

static const char *read_file_name(const json_t *value, es_job_t *job)
{
    if (!json_is_string(value) || json_string_length(value) > ES_JOB_FILE_NAME_MAX)
        return "The file's name is not text of at most 255 bytes.";
    es_job_set(&job->file_name, json_string_length(value) ? json_string_value(value) : NULL);
    return NULL;
}

static const char *read_content_type(const json_t *value, es_job_t *job)
{
    if (!json_is_string(value) || !visible(text_of(value), ES_ARRIVAL_TYPE_MAX, ' '))
        return "The content type is not 1 to 127 printing characters.";
    es_job_set(&job->content_type, json_string_value(value));
    return NULL;
}

static const char *read_size(const json_t *value, es_job_t *job)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0) return "The size is not a number of bytes.";
    job->bytes = (uint64_t)json_integer_value(value);
    return NULL;
}

static const char *read_language(const json_t *value, es_job_t *job)
{
    static const char wrong[] = "The language is not a tag like en or pt-BR.";
    if (!json_is_string(value) || !visible(text_of(value), ES_ARRIVAL_LANGUAGE_MAX, '-')) return wrong;
    for (const char *c = json_string_value(value); *c; c++)
        if (*c != '-' && !(*c >= '0' && *c <= '9') && !((*c | 32) >= 'a' && (*c | 32) <= 'z')) return wrong;
    es_job_set(&job->language, json_string_value(value));
    return NULL;
}

static const char *read_webhook(const json_t *value, es_job_t *job)
{
    static const char wrong[] = "The webhook is not an address that begins with http:// or https://, of at most 2048 "
                                "printing characters.";
    if (!json_is_string(value) || !visible(text_of(value), ES_JOB_URL_MAX, '!')) return wrong;
    const char *url = json_string_value(value);
    size_t scheme = strncmp(url, "http://", 7) == 0 ? 7 : strncmp(url, "https://", 8) == 0 ? 8 : 0;
    if (!scheme || strcspn(url + scheme, "/?#") == 0) return wrong;
    es_job_set(&job->webhook, url);
    return NULL;
}

static const char *read_priority(const json_t *value, es_job_t *job)
{
    json_int_t n = json_integer_value(value);
    if (!json_is_integer(value) || n < -ES_JOB_PRIORITY_MAX || n > ES_JOB_PRIORITY_MAX)
        return "The priority is not a whole number from -10 to 10.";
    job->priority = (int)n;
    return NULL;
}

static const char *read_attempts(const json_t *value, es_job_t *job)
{
    json_int_t n = json_integer_value(value);
    if (!json_is_integer(value) || n < 1 || n > (json_int_t)ES_JOB_ATTEMPTS_MAX)
        return "The attempts are not a whole number from 1 to 10.";
    job->attempts = (uint32_t)n;
    return NULL;
}

static const char *read_delete_after(const json_t *value, es_job_t *job)
{
    if (!json_is_boolean(value)) return "delete_after_analysis is neither true nor false.";
    job->delete_after = json_is_true(value);
    return NULL;
}

static const char *read_key(const json_t *value, es_job_t *job)
{
    if (!json_is_string(value) || !visible(text_of(value), ES_ARRIVAL_KEY_MAX, '!'))
        return "The key is not 1 to 128 visible characters of ASCII.";
    es_job_set(&job->key, json_string_value(value));
    return NULL;
}

static const char *read_principal(const json_t *value, es_job_t *job)
{
    if (!json_is_string(value) || json_string_length(value) > ES_JOB_PRINCIPAL_MAX)
        return "The principal is not text of at most 208 bytes.";
    es_job_set(&job->principal, json_string_value(value));
    return NULL;
}

static const struct {
    const char *name;
    reader_t read;
    bool late; /* may come after the file */
} fields[] = {
    {"job", read_job, false},
    {"session", read_session, false},
    {"file_name", read_file_name, true},
    {"content_type", read_content_type, false},
    {"size", read_size, false},
    {"language", read_language, true},
    {"webhook", read_webhook, true},
    {"priority", read_priority, true},
    {"attempts", read_attempts, true},
    {"delete_after_analysis", read_delete_after, true},
    {"key", read_key, false},
    {"principal", read_principal, false},
};

static const char *read_fields(const json_t *object, bool late, es_job_t *job)
{
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const json_t *value = json_object_get(object, fields[i].name);
        if (!value || json_is_null(value) || (late && !fields[i].late)) continue;
        const char *wrong = fields[i].read(value, job);
        if (wrong) return wrong;
    }
    return NULL;
}

static const char *read_object(es_span_t text, bool late, es_job_t *job)
{
    if (text.len > ES_ARRIVAL_HEAD_MAX) return "What describes the upload has more than 16384 bytes.";
    json_t *object = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, NULL);
    const char *wrong =
        json_is_object(object) ? read_fields(object, late, job) : "What describes the upload is not a JSON object.";
    json_decref(object);
    return wrong;
}

const char *es_arrival_head_read(es_span_t json, es_job_t *job)
{
    *job = (es_job_t){.attempts = ES_JOB_ATTEMPTS_DEFAULT, .bytes = ES_ARRIVAL_UNKNOWN};
    const char *wrong = read_object(json, false, job);
    if (wrong) return wrong;
    if (!job->id[0]) return "The job's id is missing.";
    return job->session ? NULL : "The session is missing.";
}

const char *es_arrival_late_read(es_span_t json, es_job_t *job)
{
    return json.len ? read_object(json, true, job) : NULL;
}
