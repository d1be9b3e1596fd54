#include "message.h"

#include <assert.h>
#include <string.h>

#include <jansson.h>

static const es_message_t empty = {.text = "",
                                   .code = "",
                                   .ref = "",
                                   .checkpoint = "",
                                   .session = "",
                                   .token = "",
                                   .room = "",
                                   .log = "",
                                   .member = "",
                                   .name = "",
                                   .msg_id = "",
                                   .stream = ""};

enum { SAMPLES_PER_MS = 16 };
enum { DIGITS = 4 }; /* of a confidence; 0.787 is not to become 0.78700000000000003 */

static const struct {
    const char *name;
    es_message_type_t type;
} types[] = {{"welcome", ES_MESSAGE_WELCOME},
             {"ack", ES_MESSAGE_ACK},
             {"transcript", ES_MESSAGE_TRANSCRIPT},
             {"status", ES_MESSAGE_STATUS},
             {"audio.done", ES_MESSAGE_DONE},
             {"audio.started", ES_MESSAGE_STARTED},
             {"audio.committed", ES_MESSAGE_COMMITTED},
             {"error", ES_MESSAGE_ERROR},
             {"pong", ES_MESSAGE_PONG},
             {"session.resumed", ES_MESSAGE_RESUMED},
             {"room.joined", ES_MESSAGE_JOINED},
             {"room.left", ES_MESSAGE_LEFT},
             {"room.message", ES_MESSAGE_SPOKEN},
             {"room.caption", ES_MESSAGE_CAPTION},
             {"room.said", ES_MESSAGE_SAID},
             {"room.history", ES_MESSAGE_HISTORY},
             {"room.members", ES_MESSAGE_MEMBERS}};

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

static const char *words(const json_t *payload, es_message_type_t type)
{
    return string(payload, type == ES_MESSAGE_ERROR ? "message" : type == ES_MESSAGE_RESUMED ? "reason" : "text");
}

static void read_numbers(es_message_t *out, const json_t *payload)
{
    out->seq = number(payload, "seq");
    out->from_seq = number(payload, "from_seq");
    out->to_seq = number(payload, "to_seq");
    out->start_ms = number(payload, "start_ms");
    out->end_ms = number(payload, "end_ms");
    out->position = number(payload, "position");
}

static void read_stream(es_message_t *out, const json_t *payload)
{
    read_numbers(out, payload);
    out->queue = number(payload, "queue");
    out->final = json_is_true(json_object_get(payload, "final"));
    out->text = words(payload, out->type);
    out->code = string(payload, out->type == ES_MESSAGE_ERROR ? "code" : "state");
    out->ref = string(payload, "ref");
    out->checkpoint = string(payload, "checkpoint");
}

/* The server's 0 is no limit; ours is no answer. */
static uint64_t limit(const json_t *limits, const char *key)
{
    uint64_t value = number(limits, key);
    return value == 0 && json_object_get(limits, key) ? UINT64_MAX : value;
}

static void read_session(es_message_t *out, const json_t *payload)
{
    const json_t *limits = json_object_get(payload, "limits");
    out->session = string(payload, "session");
    out->token = string(payload, "token");
    out->ok = json_is_true(json_object_get(payload, "ok"));
    out->say_rate = limit(limits, "say_rate");
    out->say_burst = number(limits, "say_burst");
    out->max_pending = number(limits, "max_pending");
}

static void read_room(es_message_t *out, const json_t *payload)
{
    json_t *members = json_object_get(payload, "members");
    const json_t *range = out->type == ES_MESSAGE_JOINED ? json_object_get(payload, "history") : payload;
    if (out->type == ES_MESSAGE_JOINED && json_is_array(members)) out->type = ES_MESSAGE_ENTERED;
    out->room = string(payload, "room");
    out->log = string(payload, "log");
    out->member = string(payload, "member");
    out->name = string(payload, "name");
    out->msg_id = string(payload, "msg_id");
    out->stream = string(payload, "stream");
    out->rseq = number(payload, "rseq");
    out->time_ms = number(payload, "time");
    out->total = number(payload, "total");
    out->from = number(range, "from");
    out->to = number(range, "to");
    out->complete = json_is_true(json_object_get(range, "complete"));
    out->list = out->type == ES_MESSAGE_HISTORY ? json_object_get(payload, "events") : members;
}

static void read_fields(es_message_t *out, const char *type, const json_t *payload)
{
    out->type = type_of(type);
    read_stream(out, payload);
    read_session(out, payload);
    read_room(out, payload);
}

void es_message_parse(es_message_t *out, const char *text, size_t len)
{
    *out = empty;
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
    read_fields(out, type, payload);
    out->line = flatten(message, type, payload);
}

bool es_message_refuses_token(const es_message_t *self)
{
    static const char end[] = "_token";
    const size_t n = sizeof end - 1, len = strlen(self->code);
    bool of_token = len > n && strcmp(self->code + len - n, end) == 0;
    return of_token || strcmp(self->code, "unauthorized") == 0 || strcmp(self->code, "too_many_connections") == 0;
}

void es_message_fini(es_message_t *self)
{
    json_decref(self->json);
    free(self->line);
    *self = empty;
}

static void add(json_t *object, const char *key, uint64_t amount)
{
    json_int_t sum = (json_int_t)number(object, key) + (json_int_t)amount;
    if (json_object_get(object, key)) json_object_set_new(object, key, json_integer(sum));
}

static void add_time(json_t *object, uint64_t ms)
{
    add(object, "start_ms", ms);
    add(object, "end_ms", ms);
}

void es_message_shift(es_message_t *self, uint64_t frames, uint64_t samples)
{
    static const char *const seqs[] = {"seq", "from_seq", "to_seq"};
    json_t *payload = json_object_get(self->json, "payload"), *word;
    size_t i;
    if (!json_is_object(payload)) return;
    for (i = 0; i < sizeof seqs / sizeof *seqs; i++) add(payload, seqs[i], frames);
    add(payload, "position", samples);
    add_time(payload, samples / SAMPLES_PER_MS);
    json_array_foreach(json_object_get(payload, "words"), i, word) add_time(word, samples / SAMPLES_PER_MS);
    read_numbers(self, payload);
    free(self->line);
    self->line = flatten(self->json, json_string_value(json_object_get(self->json, "type")), payload);
}

bool es_message_member(const es_message_t *self, size_t i, const char **member, const char **name)
{
    const json_t *row = json_array_get(self->list, i);
    *member = string(row, "member");
    *name = string(row, "name");
    return row != NULL;
}

bool es_message_event(const es_message_t *self, size_t i, es_message_t *out)
{
    const json_t *event = json_array_get(self->list, i);
    *out = empty;
    if (event) read_fields(out, string(event, "type"), event);
    out->list = NULL;
    return event != NULL;
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
    json_t *payload = json_pack("{s:i, s:s, s:b, s:b}", "sample_rate", (int)rate, "format", "pcm16", "partials",
                                partials, "resumable", 1);
    if (language) json_object_set_new(payload, "language", json_string(language));
    return say("audio.start", payload, now_ms);
}

char *es_message_stop(uint64_t now_ms)
{
    return say("audio.stop", json_object(), now_ms);
}

char *es_message_ping(uint64_t now_ms)
{
    return say("ping", json_object(), now_ms);
}

char *es_message_resume(const char *token, const es_message_resume_t *stream, uint64_t now_ms)
{
    json_t *payload = json_pack("{s:s}", "token", token);
    if (stream) {
        json_object_set_new(payload, "committed", json_integer((json_int_t)stream->committed));
        json_object_set_new(payload, "position", json_integer((json_int_t)stream->position));
        json_object_set_new(payload, "stream", json_string(stream->stream));
        if (stream->checkpoint) json_object_set_new(payload, "checkpoint", json_string(stream->checkpoint));
    }
    return say("session.resume", payload, now_ms);
}

char *es_message_join(const char *room, const char *name, const char *log, uint64_t since, uint64_t now_ms)
{
    json_t *payload = json_pack("{s:s, s:s}", "room", room, "name", name);
    if (log) {
        json_object_set_new(payload, "since", json_integer((json_int_t)since));
        json_object_set_new(payload, "log", json_string(log));
    }
    return say("room.join", payload, now_ms);
}

char *es_message_leave(const char *room, uint64_t now_ms)
{
    return say("room.leave", json_pack("{s:s}", "room", room), now_ms);
}

char *es_message_say(const char *room, const char *text, const char *msg_id, uint64_t now_ms)
{
    return say("room.say", json_pack("{s:s, s:s, s:s}", "room", room, "text", text, "msg_id", msg_id), now_ms);
}

char *es_message_who(const char *room, uint64_t now_ms)
{
    return say("room.who", json_pack("{s:s}", "room", room), now_ms);
}

char *es_message_history(const char *room, uint64_t before, unsigned limit, uint64_t now_ms)
{
    return say("room.history",
               json_pack("{s:s, s:I, s:i}", "room", room, "before", (json_int_t)before, "limit", (int)limit), now_ms);
}
