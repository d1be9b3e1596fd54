/* The payloads of job.* and house.watch. */
#include <string.h>

#include "job_id.h"
#include "json_fields.h"

static int job_id(const json_t *value, es_client_says_t *out, es_refusal_t *why)
{
    es_span_t id =
        json_is_string(value) ? es_span_of(json_string_value(value), json_string_length(value)) : es_span("");
    if (!es_job_id_valid(id))
        return es_json_refuse(why, "bad_field", "\"job_id\" must be the id that an upload was answered with.");
    memcpy(out->job_id, id.ptr, id.len);
    memcpy(why->job_id, id.ptr, id.len);
    return 0;
}

static int session_id(const json_t *value, es_client_says_t *out, es_refusal_t *why)
{
    es_span_t id =
        json_is_string(value) ? es_span_of(json_string_value(value), json_string_length(value)) : es_span("");
    if (!es_job_session_valid(id))
        return es_json_refuse(why, "bad_field",
                              "\"session_id\" must have 1 to %u letters, digits, dots, dashes or underscores.",
                              ES_SESSION_MAX);
    memcpy(out->session_id, id.ptr, id.len);
    memcpy(why->session_id, id.ptr, id.len);
    return 0;
}

static int token(const json_t *payload, const char *type, es_client_says_t *out, es_refusal_t *why)
{
    if (!json_object_get(payload, "token")) return 0;
    return es_json_credentials(payload, type, out, why);
}

int es_json_watch_job(const json_t *payload, es_client_says_t *out, es_refusal_t *why)
{
    static const char *const names[] = {"job_id", "session_id", "all", "token", NULL};
    const json_t *job = json_object_get(payload, "job_id"), *session = json_object_get(payload, "session_id"),
                 *all = json_object_get(payload, "all");
    if (es_json_only(payload, "The payload of job.watch", names, why)) return -1;
    if (!job + !session + !all != 2)
        return es_json_refuse(why, "missing_field",
                              "Name what to watch: one of \"job_id\", \"session_id\" or \"all\": true.");
    if (job) return job_id(job, out, why);
    if (session) return session_id(session, out, why);
    if (!json_is_true(all)) return es_json_refuse(why, "bad_field", "\"all\" must be true; leave it out otherwise.");
    return token(payload, "job.watch", out, why);
}

int es_json_watch_house(const json_t *payload, es_client_says_t *out, es_refusal_t *why)
{
    static const char *const names[] = {"token", NULL};
    if (es_json_only(payload, "The payload of house.watch", names, why)) return -1;
    return token(payload, "house.watch", out, why);
}
