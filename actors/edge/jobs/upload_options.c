#include "upload_options.h"

#include <stdlib.h>
#include <string.h>

#include "header_value.h"
#include "json_fields.h"
#include "json_out.h"

enum { QUERY_MAX = 8192 };

static const char *shown(es_span_t text, char out[ES_JSON_SHOWN + 1])
{
    out[es_utf8_repair(text, out, ES_JSON_SHOWN)] = 0;
    return out;
}

static void copy(char *to, es_span_t text)
{
    if (text.len) memcpy(to, text.ptr, text.len);
    to[text.len] = 0;
}

/* ---- one function an option: 0, or -1 with *why */

static int name_of(es_span_t value, char out[ES_UPLOAD_FILE_NAME_MAX + 1], es_refusal_t *why)
{
    if (value.len > ES_UPLOAD_FILE_NAME_MAX)
        return es_json_refuse(why, "bad_option",
                              "The file's name has %zu bytes; at most %u are taken: give a shorter one.", value.len,
                              ES_UPLOAD_FILE_NAME_MAX);
    if (!es_room_text_valid(value, false))
        return es_json_refuse(why, "bad_option", "The file's name is not UTF-8 without control characters.");
    copy(out, value);
    return 0;
}

static int file_name(es_upload_options_t *self, es_span_t value, es_refusal_t *why)
{
    return name_of(value, self->option_file_name, why);
}

static int language(es_upload_options_t *self, es_span_t value, es_refusal_t *why)
{
    char text[ES_JSON_SHOWN + 1];
    if (!es_language_valid(value.ptr, value.len))
        return es_json_refuse(why, "bad_option", "The language \"%s\" is no tag such as en or en-GB.",
                              shown(value, text));
    copy(self->language, value);
    return 0;
}

static bool visible(es_span_t text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] <= ' ' || text.ptr[i] >= 0x7f) return false;
    return true;
}

static bool is_url(es_span_t value)
{
    size_t scheme = value.len > 7 && es_header_is(es_span_of(value.ptr, 7), "http://")    ? 7
                    : value.len > 8 && es_header_is(es_span_of(value.ptr, 8), "https://") ? 8
                                                                                          : 0;
    return scheme && visible(value) && !strchr("/?#:@", value.ptr[scheme]);
}

static int webhook(es_upload_options_t *self, es_span_t value, es_refusal_t *why)
{
    char text[ES_JSON_SHOWN + 1];
    if (value.len > ES_UPLOAD_WEBHOOK_MAX)
        return es_json_refuse(why, "bad_option", "The webhook has %zu bytes; at most %u are taken.", value.len,
                              ES_UPLOAD_WEBHOOK_MAX);
    if (!is_url(value))
        return es_json_refuse(
            why, "bad_option",
            "The webhook \"%s\" is no address such as https://example.org/hook; percent-encode blanks and "
            "what is not ASCII.",
            shown(value, text));
    copy(self->webhook, value);
    return 0;
}

static int whole_number(es_span_t value, const char *name, int min, int max, int *out, es_refusal_t *why)
{
    char text[ES_JSON_SHOWN + 1], *end;
    shown(value, text);
    size_t sign = *text == '-';
    long number = strtol(text, &end, 10);
    if (text[sign] < '0' || text[sign] > '9' || *end || (size_t)(end - text) != value.len || value.len > 8 ||
        number < min || number > max)
        return es_json_refuse(why, "bad_option", "%s is \"%s\"; it must be a whole number from %d to %d.", name, text,
                              min, max);
    *out = (int)number;
    return 0;
}

static int priority(es_upload_options_t *self, es_span_t value, es_refusal_t *why)
{
    return whole_number(value, "priority", -ES_UPLOAD_PRIORITY_MAX, ES_UPLOAD_PRIORITY_MAX, &self->priority, why);
}

static int attempts(es_upload_options_t *self, es_span_t value, es_refusal_t *why)
{
    return whole_number(value, "attempts", 1, ES_UPLOAD_ATTEMPTS_MAX, &self->attempts, why);
}

static int delete_after(es_upload_options_t *self, es_span_t value, es_refusal_t *why)
{
    static const char *const words[] = {"false", "true", "0", "1", "off", "on"};
    char text[ES_JSON_SHOWN + 1];
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!es_span_eq(value, es_span(words[i]))) continue;
        self->delete_after = i % 2;
        return 0;
    }
    return es_json_refuse(why, "bad_option", "delete_after_analysis is \"%s\"; it must be true or false.",
                          shown(value, text));
}

/* ---- and one for its JSON */

static void tell_file_name(const es_upload_options_t *self, es_frame_buf_t *out)
{
    es_json_string(out, es_span(self->option_file_name));
}

static void tell_language(const es_upload_options_t *self, es_frame_buf_t *out)
{
    es_json_string(out, es_span(self->language));
}

static void tell_webhook(const es_upload_options_t *self, es_frame_buf_t *out)
{
    es_json_string(out, es_span(self->webhook));
}

static void tell_priority(const es_upload_options_t *self, es_frame_buf_t *out)
{
    if (self->priority < 0) es_json_raw(out, "-");
    es_json_uint(out, (uint64_t)abs(self->priority));
}

static void tell_attempts(const es_upload_options_t *self, es_frame_buf_t *out)
{
    es_json_uint(out, (uint64_t)self->attempts);
}

static void tell_delete_after(const es_upload_options_t *self, es_frame_buf_t *out)
{
    const char *word = self->delete_after ? "true" : "false";
    es_frame_buf_append(out, word, strlen(word));
}

static const struct {
    const char *name;
    int (*take)(es_upload_options_t *self, es_span_t value, es_refusal_t *why);
    void (*tell)(const es_upload_options_t *self, es_frame_buf_t *out);
} options[] = {
    {"file_name", file_name, tell_file_name}, {"language", language, tell_language},
    {"webhook", webhook, tell_webhook},       {"priority", priority, tell_priority},
    {"attempts", attempts, tell_attempts},    {"delete_after_analysis", delete_after, tell_delete_after},
};
enum { OPTIONS = sizeof options / sizeof *options };

int es_upload_options_field(es_upload_options_t *self, es_span_t name, es_span_t value, es_refusal_t *why)
{
    char text[ES_JSON_SHOWN + 1];
    for (unsigned i = 0; i < OPTIONS; i++) {
        if (!es_span_eq(name, es_span(options[i].name))) continue;
        if (!value.len) return 0;
        if (self->given & 1u << i)
            return es_json_refuse(why, "bad_option", "%s is given twice; give it once.", options[i].name);
        self->given |= 1u << i;
        return options[i].take(self, value, why);
    }
    return es_json_refuse(why, "unknown_option",
                          "There is no option \"%s\"; there are file_name, language, webhook, priority, attempts and "
                          "delete_after_analysis, and in a form the file is \"audio\".",
                          shown(name, text));
}

/* ---- the rest of what is asked */

int es_upload_options_session(es_upload_options_t *self, es_span_t id, es_refusal_t *why)
{
    bool fine = id.len && id.len <= ES_SESSION_MAX;
    for (size_t i = 0; fine && i < id.len; i++) {
        char c = id.ptr[i];
        fine = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c && strchr("._-", c));
    }
    if (!fine)
        return es_json_refuse(why, "bad_session",
                              "The session must be 1 to %u letters, digits, dots, dashes or underscores.",
                              ES_SESSION_MAX);
    copy(self->session, id);
    return 0;
}

int es_upload_options_key(es_upload_options_t *self, es_span_t key, es_refusal_t *why)
{
    if (key.len > ES_UPLOAD_KEY_MAX || !visible(key))
        return es_json_refuse(why, "bad_option", "The Idempotency-Key must be 1 to %u visible ASCII characters.",
                              ES_UPLOAD_KEY_MAX);
    copy(self->key, key);
    return 0;
}

/* A name or a value of the query, in place. */
static int decode(char *from, char *to, es_span_t *out)
{
    for (char *c = from; c < to; c++)
        if (*c == '+') *c = ' ';
    *out = es_span_of(from, (size_t)(to - from));
    return es_percent_decode(out, from);
}

int es_upload_options_query(es_upload_options_t *self, es_span_t query, es_refusal_t *why)
{
    char text[QUERY_MAX];
    if (query.len > sizeof text)
        return es_json_refuse(why, "bad_option", "What follows the '?' has %zu bytes; at most %u are taken.", query.len,
                              (unsigned)sizeof text);
    if (query.len) memcpy(text, query.ptr, query.len);
    for (char *at = text, *end = text + query.len, *next; at < end; at = next + 1) {
        next = memchr(at, '&', (size_t)(end - at));
        if (!next) next = end;
        char *equals = memchr(at, '=', (size_t)(next - at));
        es_span_t name, value;
        if (at == next) continue;
        if (!equals || decode(at, equals, &name) || decode(equals + 1, next, &value))
            return es_json_refuse(why, "bad_option",
                                  "What follows the '?' is not like name=value&name=value, %% with two digits.");
        if (es_upload_options_field(self, name, value, why)) return -1;
    }
    return 0;
}

int es_upload_options_type(es_upload_options_t *self, es_span_t content_type, es_refusal_t *why)
{
    static const char *const taken[] = {"application/ogg", "application/octet-stream", "video/ogg"};
    char text[ES_JSON_SHOWN + 1], memory[256];
    es_span_t item;
    size_t len = content_type.len < sizeof memory ? content_type.len : sizeof memory;
    if (len) memcpy(memory, content_type.ptr, len);
    es_header_split(memory, len, &item);
    bool fine = item.len > 6 && es_header_is(es_span_of(item.ptr, 6), "audio/") &&
                es_header_token(es_span_of(item.ptr + 6, item.len - 6));
    if (!content_type.len) item = es_span(taken[1]);
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) fine = fine || es_header_is(item, taken[i]);
    if (!fine || item.len > ES_UPLOAD_TYPE_MAX)
        return es_json_refuse(why, "unsupported_type",
                              "\"%s\" is not taken; send audio/* (such as audio/wav), application/ogg or "
                              "application/octet-stream.",
                              shown(item, text));
    copy(self->type, item);
    return 0;
}

int es_upload_options_part_name(es_upload_options_t *self, es_span_t name, es_refusal_t *why)
{
    return name.len ? name_of(name, self->file_name, why) : 0;
}

/* ---- JSON */

static void text_field(es_frame_buf_t *out, const char *name, const char *value)
{
    if (!*value) return;
    es_frame_buf_append(out, ",\"", 2);
    es_frame_buf_append(out, name, strlen(name));
    es_frame_buf_append(out, "\":", 2);
    es_json_string(out, es_span(value));
}

/* Those that are in `which`, each after a comma but for the first, where `first`. */
static void tell(const es_upload_options_t *self, unsigned which, bool first, es_frame_buf_t *out)
{
    for (unsigned i = 0; i < OPTIONS; i++) {
        if (!(which & 1u << i)) continue;
        if (!first) es_json_raw(out, ",");
        first = false;
        es_json_string(out, es_span(options[i].name));
        es_json_raw(out, ":");
        options[i].tell(self, out);
    }
}

void es_upload_options_head(es_upload_options_t *self, const char *job, const char *principal, int64_t size,
                            es_frame_buf_t *out)
{
    es_json_raw(out, "{\"job\":");
    es_json_string(out, es_span(job));
    text_field(out, "session", self->session);
    text_field(out, "principal", principal);
    text_field(out, "content_type", self->type);
    text_field(out, "key", self->key);
    if (!*self->option_file_name) text_field(out, "file_name", self->file_name);
    if (size >= 0) {
        es_json_raw(out, ",\"size\":");
        es_json_uint(out, (uint64_t)size);
    }
    tell(self, self->given, false, out);
    es_json_raw(out, "}");
    self->told = self->given;
}

void es_upload_options_late(const es_upload_options_t *self, es_frame_buf_t *out)
{
    unsigned late = self->given & ~self->told;
    if (!late) return;
    es_json_raw(out, "{");
    tell(self, late, true, out);
    es_json_raw(out, "}");
}
