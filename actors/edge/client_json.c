#include "client_json.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "json_fields.h"
#include "resample.h"

typedef struct {
    const char *type;
    es_says_t says;
    int (*payload)(const json_t *payload, es_client_says_t *out, es_refusal_t *why);
} verb_t;

static json_t *load(const char *text, size_t len, uint64_t max_depth, es_refusal_t *why)
{
    *why = (es_refusal_t){0};
    if (es_json_deeper(text, len, max_depth)) {
        es_json_refuse(why, "json_too_deep", "The JSON is nested deeper than %llu levels; make it flatter.",
                       (unsigned long long)max_depth);
        return NULL;
    }
    json_error_t error;
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    if (!root) {
        /* jansson quotes what it read, and cuts characters in two. */
        for (char *c = error.text; *c; c++)
            if (*c & 0x80) *c = '?';
        char part[ES_JSON_SHOWN + 1];
        es_json_refuse(why, "invalid_json", "The text is not valid JSON (%s, at byte %d); send one JSON object.",
                       es_json_shown(error.text, part), error.position);
        return NULL;
    }
    if (!json_is_object(root)) {
        es_json_refuse(why, "invalid_json", "The JSON is not an object; send {\"type\": ...}.");
        json_decref(root);
        return NULL;
    }
    return root;
}

bool es_language_valid(const char *text, size_t len)
{
    if (len < 2 || len > ES_LANGUAGE_MAX) return false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
        if (!fine) return false;
    }
    return true;
}

static int start_rate(const json_t *payload, es_client_says_t *out, es_refusal_t *why)
{
    const json_t *rate = json_object_get(payload, "sample_rate"), *format = json_object_get(payload, "format");
    if (!rate) return es_json_refuse(why, "missing_field", "audio.start needs \"sample_rate\": " ES_RATES_TEXT ".");
    json_int_t value = json_integer_value(rate);
    if (!json_is_integer(rate) || value < 0 || !es_rate_supported((uint64_t)value))
        return es_json_refuse(why, "bad_field", "\"sample_rate\" must be one of the numbers " ES_RATES_TEXT ".");
    out->sample_rate = (uint32_t)value;
    if (!format) return es_json_refuse(why, "missing_field", "audio.start needs \"format\": \"pcm16\".");
    if (!json_is_string(format) || strcmp(json_string_value(format), "pcm16") != 0)
        return es_json_refuse(why, "bad_field", "\"format\" must be \"pcm16\" (signed 16 bit, little-endian, mono).");
    return 0;
}

static int payload_start(const json_t *payload, es_client_says_t *out, es_refusal_t *why)
{
    static const char *const names[] = {"sample_rate", "format",    "language",    "partials",
                                        "room",        "resumable", "traceparent", NULL};
    if (es_json_only(payload, "The payload of audio.start", names, why) || start_rate(payload, out, why)) return -1;
    const json_t *language = json_object_get(payload, "language"), *partials = json_object_get(payload, "partials"),
                 *resumable = json_object_get(payload, "resumable"),
                 *traceparent = json_object_get(payload, "traceparent");
    if (language) {
        if (!json_is_string(language) || !es_language_valid(json_string_value(language), json_string_length(language)))
            return es_json_refuse(why, "bad_field", "\"language\" must be a tag such as \"en\" or \"en-GB\".");
        memcpy(out->language, json_string_value(language), json_string_length(language) + 1);
    }
    if (partials && !json_is_boolean(partials))
        return es_json_refuse(why, "bad_field", "\"partials\" must be true or false.");
    out->partials = json_is_true(partials);
    if (resumable && !json_is_boolean(resumable))
        return es_json_refuse(why, "bad_field", "\"resumable\" must be true or false.");
    out->resumable = json_is_true(resumable);
    if (traceparent && !json_is_string(traceparent))
        return es_json_refuse(why, "bad_field", "\"traceparent\" must be a string, as in the header of that name.");
    out->traced = traceparent && es_trace_parse(&out->trace, es_span(json_string_value(traceparent))) == 0;
    return json_object_get(payload, "room") ? es_json_room(payload, "audio.start", out, why) : 0;
}

static int payload_mark(const json_t *payload, es_client_says_t *out, es_refusal_t *why)
{
    static const char *const names[] = {"id", NULL};
    if (es_json_only(payload, "The payload of audio.mark", names, why)) return -1;
    const json_t *id = json_object_get(payload, "id");
    if (!id)
        return es_json_refuse(why, "missing_field",
                              "audio.mark needs \"id\": the string that audio.marked brings back.");
    if (!json_is_string(id) || !json_string_length(id) || json_string_length(id) > ES_MARK_ID_MAX)
        return es_json_refuse(why, "bad_field", "\"id\" must be a string of 1 to %u bytes.", ES_MARK_ID_MAX);
    memcpy(out->id, json_string_value(id), json_string_length(id) + 1);
    return 0;
}

static int payload_empty(const json_t *payload, es_client_says_t *out, es_refusal_t *why)
{
    static const char *const names[] = {NULL};
    (void)out;
    return es_json_only(payload, "The payload of this type", names, why);
}

static int payload_auth(const json_t *payload, es_client_says_t *out, es_refusal_t *why)
{
    static const char *const names[] = {"token", NULL};
    if (es_json_only(payload, "The payload of session.auth", names, why)) return -1;
    return es_json_credentials(payload, "session.auth", out, why);
}

static const verb_t verbs[] = {{"audio.start", ES_SAYS_START, payload_start},
                               {"audio.stop", ES_SAYS_STOP, payload_empty},
                               {"audio.mark", ES_SAYS_MARK, payload_mark},
                               {"ping", ES_SAYS_PING, payload_empty},
                               {"session.auth", ES_SAYS_AUTH, payload_auth},
                               {"session.resume", ES_SAYS_RESUME, es_json_resume},
                               {"room.join", ES_SAYS_JOIN, es_json_join},
                               {"room.leave", ES_SAYS_LEAVE, es_json_leave},
                               {"room.say", ES_SAYS_SAY, es_json_say},
                               {"room.history", ES_SAYS_HISTORY, es_json_history},
                               {"room.who", ES_SAYS_WHO, es_json_who},
                               {"job.watch", ES_SAYS_WATCH_JOB, es_json_watch_job},
                               {"job.unwatch", ES_SAYS_UNWATCH_JOB, es_json_watch_job},
                               {"house.watch", ES_SAYS_WATCH_HOUSE, es_json_watch_house},
                               {"house.unwatch", ES_SAYS_UNWATCH_HOUSE, payload_empty}};

static const verb_t *find_verb(const verb_t *among, size_t count, const char *type)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(among[i].type, type)) return &among[i];
    return NULL;
}

static const char *type_of(const json_t *root, es_refusal_t *why)
{
    const json_t *type = json_object_get(root, "type");
    if (!type) {
        es_json_refuse(why, "missing_field", "The message has no \"type\".");
        return NULL;
    }
    if (!json_is_string(type)) {
        es_json_refuse(why, "bad_field", "\"type\" must be a string.");
        return NULL;
    }
    es_json_shown(json_string_value(type), why->ref);
    return json_string_value(type);
}

static int envelope_fields(const json_t *root, es_refusal_t *why)
{
    static const char *const names[] = {"type", "payload", "timestamp", NULL};
    if (es_json_only(root, "The message", names, why)) return -1;
    const json_t *payload = json_object_get(root, "payload"), *time = json_object_get(root, "timestamp");
    if (!payload)
        return es_json_refuse(why, "missing_field", "The message has no \"payload\"; send {} where it is empty.");
    if (!json_is_object(payload)) return es_json_refuse(why, "bad_field", "\"payload\" must be an object.");
    if (!time)
        return es_json_refuse(why, "missing_field", "The message has no \"timestamp\" (milliseconds since 1970).");
    if (!json_is_number(time) || json_number_value(time) < 0)
        return es_json_refuse(why, "bad_field", "\"timestamp\" must be a number: milliseconds since 1970.");
    return 0;
}

static int envelope(const json_t *root, es_client_says_t *out, es_refusal_t *why)
{
    const char *type = type_of(root, why);
    if (!type) return -1;
    const verb_t *verb = find_verb(verbs, sizeof verbs / sizeof *verbs, type);
    if (!verb)
        return es_json_refuse(
            why, "unknown_type",
            "The type \"%s\" is unknown; there are audio.start, audio.stop, audio.mark, ping, session.auth, "
            "session.resume, room.join, room.leave, room.say, room.history, room.who, job.watch, job.unwatch, "
            "house.watch and "
            "house.unwatch.",
            why->ref);
    if (envelope_fields(root, why)) return -1;
    out->type = verb->says;
    return verb->payload(json_object_get(root, "payload"), out, why);
}

static void clear(es_client_says_t *says)
{
    memset(says, 0, offsetof(es_client_says_t, token) + 1);
}

int es_client_json_envelope(const char *text, size_t len, uint64_t max_depth, es_client_says_t *out, es_refusal_t *why)
{
    clear(out);
    json_t *root = load(text, len, max_depth, why);
    if (!root) return -1;
    int rc = envelope(root, out, why);
    json_decref(root);
    return rc;
}

static const verb_t flat_verbs[] = {
    {"stop", ES_SAYS_STOP, NULL}, {"ping", ES_SAYS_PING, NULL}, {"auth", ES_SAYS_AUTH, NULL}};

static int flat(const json_t *root, es_client_says_t *out, es_refusal_t *why)
{
    static const char *const names[] = {"type", NULL}, *const with_token[] = {"type", "token", NULL};
    const char *type = type_of(root, why);
    if (!type) return -1;
    const verb_t *verb = find_verb(flat_verbs, sizeof flat_verbs / sizeof *flat_verbs, type);
    if (!verb)
        return es_json_refuse(why, "unknown_type",
                              "The type \"%s\" is unknown; there are \"stop\", \"ping\" and \"auth\".", why->ref);
    out->type = verb->says;
    if (out->type != ES_SAYS_AUTH) return es_json_only(root, "The message", names, why);
    if (es_json_only(root, "The message", with_token, why)) return -1;
    return es_json_credentials(root, "auth", out, why);
}

int es_client_json_flat(const char *text, size_t len, uint64_t max_depth, es_client_says_t *out, es_refusal_t *why)
{
    clear(out);
    if (len == 4 && !memcmp(text, "stop", 4)) {
        *why = (es_refusal_t){0};
        out->type = ES_SAYS_STOP;
        return 0;
    }
    json_t *root = load(text, len, max_depth, why);
    if (!root) return -1;
    int rc = flat(root, out, why);
    json_decref(root);
    return rc;
}
