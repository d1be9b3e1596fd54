#include "json_fields.h"

#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where a string ends; len where it does not. */
static size_t end_of_string(const char *text, size_t len, size_t at)
{
    for (; at < len && text[at] != '"'; at++)
        if (text[at] == '\\') at++;
    return at;
}

bool es_json_deeper(const char *text, size_t len, uint64_t max_depth)
{
    uint64_t depth = 0;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (c == '"')
            i = end_of_string(text, len, i + 1);
        else if ((c == '{' || c == '[') && ++depth > max_depth)
            return true;
        else if ((c == '}' || c == ']') && depth)
            depth--;
    }
    return false;
}

int es_json_refuse(es_refusal_t *why, const char *code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    why->code = code;
    vsnprintf(why->message, sizeof why->message, format, args);
    va_end(args);
    return -1;
}

const char *es_json_shown(const char *text, char out[ES_JSON_SHOWN + 1])
{
    size_t n = strnlen(text, ES_JSON_SHOWN + 1);
    if (n > ES_JSON_SHOWN) {
        n = ES_JSON_SHOWN;
        while (n && ((unsigned char)text[n] & 0xc0) == 0x80) n--;
    }
    memcpy(out, text, n);
    out[n] = 0;
    return out;
}

int es_json_only(const json_t *object, const char *where, const char *const *names, es_refusal_t *why)
{
    const char *key;
    json_t *value;
    char part[ES_JSON_SHOWN + 1];
    json_object_foreach((json_t *)object, key, value)
    {
        const char *const *name = names;
        while (*name && strcmp(*name, key) != 0) name++;
        if (!*name)
            return es_json_refuse(why, "unknown_field", "%s has no field \"%s\"; leave it out.", where,
                                  es_json_shown(key, part));
    }
    return 0;
}

/* Whole numbers that every JSON reader can hold. */
#define NUMBER_MAX (UINT64_C(1) << 53)

/* ---- rooms */

int es_json_text(const json_t *payload, const char *type, const char *name, size_t max, bool lines, char *out,
                 es_refusal_t *why)
{
    const json_t *value = json_object_get(payload, name);
    if (!value) return es_json_refuse(why, "missing_field", "%s needs \"%s\".", type, name);
    size_t len = json_is_string(value) ? json_string_length(value) : 0;
    if (len == 0 || len > max)
        return es_json_refuse(why, "bad_field", "\"%s\" must be a string of 1 to %zu bytes; this one has %zu.", name,
                              max, len);
    if (!es_room_text_valid(es_span_of(json_string_value(value), len), lines))
        return es_json_refuse(why, "bad_field", "\"%s\" must not have control characters%s.", name,
                              lines ? " but tabs and line feeds" : "");
    memcpy(out, json_string_value(value), len + 1);
    return 0;
}

int es_json_credentials(const json_t *payload, const char *type, es_client_says_t *out, es_refusal_t *why)
{
    return es_json_text(payload, type, "token", ES_TOKEN_MAX, false, out->token, why);
}

/* A whole number from min to max; absent: *given is false. */
static int number_field(const json_t *payload, const char *name, uint64_t min, uint64_t max, uint64_t *out, bool *given,
                        es_refusal_t *why)
{
    const json_t *value = json_object_get(payload, name);
    *given = value != NULL;
    if (!value) return 0;
    json_int_t n = json_integer_value(value);
    if (!json_is_integer(value) || n < 0 || (uint64_t)n < min || (uint64_t)n > max)
        return es_json_refuse(why, "bad_field", "\"%s\" must be a whole number from %llu to %llu.", name,
                              (unsigned long long)min, (unsigned long long)max);
    *out = (uint64_t)n;
    return 0;
}

static int log_field(const json_t *payload, es_client_says_t *out, es_refusal_t *why)
{
    const json_t *value = json_object_get(payload, "log");
    out->has_log = value != NULL;
    if (!value) return 0;
    const char *text = json_is_string(value) ? json_string_value(value) : "";
    if (strlen(text) != 16 || strspn(text, "0123456789abcdef") != 16)
        return es_json_refuse(why, "bad_field", "\"log\" must be the 16 hex digits that room.joined gave.");
    out->log = strtoull(text, NULL, 16);
    return 0;
}

int es_json_room(const json_t *payload, const char *type, es_client_says_t *out, es_refusal_t *why)
{
    if (es_json_text(payload, type, "room", ES_ROOM_ID_MAX, false, out->room, why)) return -1;
    memcpy(why->room, out->room, sizeof why->room);
    return 0;
}

int es_json_join(const json_t *payload, es_client_says_t *out, es_refusal_t *why)
{
    static const char *const names[] = {"room", "name", "since", "log", NULL};
    if (es_json_only(payload, "The payload of room.join", names, why) || es_json_room(payload, "room.join", out, why) ||
        es_json_text(payload, "room.join", "name", ES_NAME_MAX, false, out->name, why) ||
        number_field(payload, "since", 0, NUMBER_MAX, &out->since, &out->has_since, why))
        return -1;
    return log_field(payload, out, why);
}

static int room_alone(const json_t *payload, const char *type, es_client_says_t *out, es_refusal_t *why)
{
    static const char *const names[] = {"room", NULL};
    if (es_json_only(payload, "The payload of this type", names, why)) return -1;
    return es_json_room(payload, type, out, why);
}

int es_json_leave(const json_t *payload, es_client_says_t *out, es_refusal_t *why)
{
    return room_alone(payload, "room.leave", out, why);
}

int es_json_who(const json_t *payload, es_client_says_t *out, es_refusal_t *why)
{
    return room_alone(payload, "room.who", out, why);
}

int es_json_say(const json_t *payload, es_client_says_t *out, es_refusal_t *why)
{
    static const char *const names[] = {"room", "text", "msg_id", NULL};
    if (es_json_only(payload, "The payload of room.say", names, why) || es_json_room(payload, "room.say", out, why))
        return -1;
    if (json_object_get(payload, "msg_id")) {
        if (es_json_text(payload, "room.say", "msg_id", ES_MSG_ID_MAX, false, out->msg_id, why)) return -1;
        memcpy(why->msg_id, out->msg_id, sizeof why->msg_id);
    }
    return es_json_text(payload, "room.say", "text", ES_ROOM_TEXT_MAX, true, out->text, why);
}

int es_json_history(const json_t *payload, es_client_says_t *out, es_refusal_t *why)
{
    static const char *const names[] = {"room", "before", "limit", NULL};
    bool given;
    if (es_json_only(payload, "The payload of room.history", names, why) ||
        es_json_room(payload, "room.history", out, why) ||
        number_field(payload, "before", 1, NUMBER_MAX, &out->before, &given, why))
        return -1;
    return number_field(payload, "limit", 1, ES_HISTORY_LIMIT, &out->limit, &given, why);
}

/* Base64 as transcripts give it. */
static int checkpoint_field(const json_t *payload, es_client_says_t *out, es_refusal_t *why)
{
    uint8_t bytes[ES_CHECKPOINT_MAX + 3];
    const json_t *value = json_object_get(payload, "checkpoint");
    if (!value) return 0;
    const char *text = json_is_string(value) ? json_string_value(value) : "!";
    size_t len = strlen(text), padding = 0;
    while (padding < 2 && padding < len && text[len - 1 - padding] == '=') padding++;
    bool right = len % 4 == 0 && strcspn(text, "=") == len - padding && len / 4 * 3 - padding <= ES_CHECKPOINT_MAX &&
                 EVP_DecodeBlock(bytes, (const uint8_t *)text, (int)len) == (int)(len / 4 * 3);
    if (!right)
        return es_json_refuse(why, "bad_field", "\"checkpoint\" must be the base64 that the last transcript brought.");
    out->checkpoint_len = len / 4 * 3 - padding;
    memcpy(out->checkpoint, bytes, out->checkpoint_len);
    return 0;
}

int es_json_resume(const json_t *payload, es_client_says_t *out, es_refusal_t *why)
{
    static const char *const names[] = {"token", "committed", "position", "checkpoint", "stream", NULL};
    bool given;
    if (es_json_only(payload, "The payload of session.resume", names, why) ||
        es_json_text(payload, "session.resume", "token", ES_SESSION_TOKEN_MAX, false, out->token, why) ||
        number_field(payload, "committed", 0, NUMBER_MAX, &out->committed, &out->has_committed, why))
        return -1;
    if (!out->has_committed) return 0;
    if (number_field(payload, "position", 0, NUMBER_MAX, &out->position, &given, why) ||
        es_json_text(payload, "session.resume", "stream", ES_SESSION_MAX, false, out->stream, why))
        return -1;
    return checkpoint_field(payload, out, why);
}
