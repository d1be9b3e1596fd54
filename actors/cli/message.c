#include "message.h"

#include <assert.h>
#include <string.h>

#include <jansson.h>

enum { DIGITS = 4 }; /* of a confidence; 0.787 is not to become 0.78700000000000003 */

static const struct {
    const char *name;
    es_message_type_t type;
} types[] = {{"welcome", ES_MESSAGE_WELCOME}, {"ack", ES_MESSAGE_ACK},         {"transcript", ES_MESSAGE_TRANSCRIPT},
             {"status", ES_MESSAGE_STATUS},   {"audio.done", ES_MESSAGE_DONE}, {"error", ES_MESSAGE_ERROR}};

static es_message_type_t type_of(const char *name)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(types[i].name, name) == 0) return types[i].type;
    return ES_MESSAGE_OTHER;
}

static uint64_t number(const json_t *payload, const char *key)
{
    const json_t *value = json_object_get(payload, key);
    json_int_t n = json_is_real(value) ? (json_int_t)json_real_value(value) : json_integer_value(value);
    return n > 0 ? (uint64_t)n : 0;
}

static const char *string(const json_t *payload, const char *key)
{
    const char *text = json_string_value(json_object_get(payload, key));
    return text ? text : "";
}

static char *flatten(const json_t *message, const char *type, json_t *payload)
{
    json_t *flat = json_object();
    json_object_set_new(flat, "type", json_string(type));
    json_object_update_missing(flat, payload);
    json_t *timestamp = json_object_get(message, "timestamp");
    if (timestamp && !json_object_get(flat, "timestamp")) json_object_set(flat, "timestamp", timestamp);
    char *line = json_dumps(flat, JSON_COMPACT | JSON_REAL_PRECISION(DIGITS));
    json_decref(flat);
    assert(line);
    return line;
}

static void invalid(es_message_t *out, const char *why)
{
    out->type = ES_MESSAGE_INVALID;
    out->text = why;
}

void es_message_parse(es_message_t *out, const char *text, size_t len)
{
    *out = (es_message_t){.text = "", .code = ""};
    json_t *message = json_loadb(text, len, 0, NULL);
    out->json = message;
    const char *type = json_string_value(json_object_get(message, "type"));
    json_t *payload = json_object_get(message, "payload");
    if (!message)
        invalid(out, "it is not JSON");
    else if (!type)
        invalid(out, "it has no \"type\"");
    else if (!json_is_object(payload))
        invalid(out, "it has no \"payload\"");
    if (out->type == ES_MESSAGE_INVALID) return;
    out->type = type_of(type);
    out->seq = number(payload, "seq");
    out->from_seq = number(payload, "from_seq");
    out->to_seq = number(payload, "to_seq");
    out->start_ms = number(payload, "start_ms");
    out->end_ms = number(payload, "end_ms");
    out->queue = number(payload, "queue");
    out->final = json_is_true(json_object_get(payload, "final"));
    out->text = string(payload, out->type == ES_MESSAGE_ERROR ? "message" : "text");
    out->code = string(payload, out->type == ES_MESSAGE_ERROR ? "code" : "state");
    out->line = flatten(message, type, payload);
}

void es_message_fini(es_message_t *self)
{
    json_decref(self->json);
    free(self->line);
    *self = (es_message_t){.text = "", .code = ""};
}

static char *say(const char *type, json_t *payload, uint64_t now_ms)
{
    json_t *message = json_pack("{s:s, s:o, s:I}", "type", type, "payload", payload, "timestamp", (json_int_t)now_ms);
    char *text = json_dumps(message, JSON_COMPACT);
    json_decref(message);
    assert(text); /* checked UTF-8 and numbers only */
    return text;
}

char *es_message_start(uint32_t rate, const char *language, bool partials, uint64_t now_ms)
{
    json_t *payload = json_pack("{s:i, s:s, s:b}", "sample_rate", (int)rate, "format", "pcm16", "partials", partials);
    if (language) json_object_set_new(payload, "language", json_string(language));
    return say("audio.start", payload, now_ms);
}

char *es_message_stop(uint64_t now_ms)
{
    return say("audio.stop", json_object(), now_ms);
}
