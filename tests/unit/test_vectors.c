/* The golden messages of proto/vectors, which other languages test against too (tests/interop does from Python). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "room_wire.h"

#define ITEMS_MAX 16u

static const char *const decode_names[ES_DECODE_REASONS] = {"OK",    "TOO_LONG", "TRUNCATED", "TRAILING", "MALFORMED",
                                                            "SHAPE", "TYPE",     "RANGE",     "VERSION"};
static const char *const check_names[ES_CHECK_REASONS] = {"OK", "UNKNOWN_KIND", "MISSING", "BODY"};

/* By the names that the vectors use. */
static const struct {
    const char *name;
    es_meta_key_t key;
    enum { UINT, STR, BIN } type;
    size_t offset;
} fields[] = {
#define FIELD(name, key, type, field)              \
    {                                              \
        name, key, type, offsetof(es_msg_t, field) \
    }
    FIELD("flags", ES_M_FLAGS, UINT, flags),
    FIELD("pos", ES_M_POS, UINT, pos),
    FIELD("base", ES_M_BASE, UINT, base),
    FIELD("committed", ES_M_COMMITTED, UINT, committed),
    FIELD("checkpoint", ES_M_CHECKPOINT, BIN, checkpoint),
    FIELD("inc", ES_M_INC, UINT, inc),
    FIELD("expected", ES_M_EXPECTED, UINT, expected),
    FIELD("from", ES_M_FROM, UINT, from_seq),
    FIELD("to", ES_M_TO, UINT, to_seq),
    FIELD("text", ES_M_TEXT, STR, text),
    FIELD("start", ES_M_START, UINT, start),
    FIELD("end", ES_M_END, UINT, end),
    FIELD("service", ES_M_SERVICE, STR, service),
    FIELD("place", ES_M_PLACE, UINT, place),
    FIELD("reason", ES_M_REASON, STR, reason),
    FIELD("capacity", ES_M_CAPACITY, UINT, capacity),
    FIELD("load", ES_M_LOAD, UINT, load),
    FIELD("size", ES_M_SIZE, UINT, size),
    FIELD("name", ES_M_NAME, STR, name),
    FIELD("language", ES_M_LANGUAGE, STR, language),
    FIELD("priority", ES_M_PRIORITY, UINT, priority),
    FIELD("lag_us", ES_M_LAG_US, UINT, lag_us),
    FIELD("count", ES_M_COUNT, UINT, count),
    FIELD("confidence", ES_M_CONFIDENCE, UINT, confidence),
    FIELD("client", ES_M_CLIENT, STR, client),
    FIELD("session", ES_M_SESSION, STR, session),
    FIELD("msg_id", ES_M_MSG_ID, STR, msg_id),
    FIELD("room", ES_M_ROOM, STR, room),
    FIELD("log", ES_M_LOG, UINT, log),
    FIELD("rseq", ES_M_RSEQ, UINT, rseq),
    FIELD("floor", ES_M_FLOOR, UINT, floor),
    FIELD("stream", ES_M_STREAM, STR, stream),
    FIELD("deaths", ES_M_DEATHS, UINT, deaths),
    FIELD("shared", ES_M_SHARED, UINT, shared),
#undef FIELD
};

static json_t *load(const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", ES_VECTORS, name);
    json_error_t error;
    json_t *list = json_load_file(path, 0, &error);
    if (!list) fail_msg("%s:%d: %s", path, error.line, error.text);
    assert_true(json_is_array(list) && json_array_size(list) > 10);
    return list;
}

/* In an allocation of exactly its size. */
static uint8_t *unhex(const json_t *hex, size_t *len)
{
    const char *digits = json_string_value(hex);
    assert_non_null(digits);
    *len = strlen(digits) / 2;
    uint8_t *bytes = malloc(*len ? *len : 1);
    for (size_t i = 0; i < *len; i++) {
        char pair[3] = {digits[2 * i], digits[2 * i + 1], 0};
        bytes[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return bytes;
}

/* Numbers beyond 2^53 stand as decimal strings. */
static uint64_t number(const json_t *value)
{
    if (json_is_integer(value)) return (uint64_t)json_integer_value(value);
    assert_true(json_is_string(value));
    return strtoull(json_string_value(value), NULL, 10);
}

static const char *text(const json_t *vector, const char *key)
{
    const char *value = json_string_value(json_object_get(vector, key));
    assert_non_null(value);
    return value;
}

#define SAY(vector, what) fail_msg("%s: %s", text(vector, "name"), what)

static bool field_is(const es_msg_t *msg, size_t i, const json_t *value)
{
    const void *at = (const char *)msg + fields[i].offset;
    if (fields[i].type == UINT) return *(const uint64_t *)at == number(value);
    const es_span_t *got = at;
    if (fields[i].type == STR) return es_span_eq(*got, es_span_of(json_string_value(value), json_string_length(value)));
    size_t len;
    uint8_t *bytes = unhex(value, &len);
    bool same = es_span_eq(*got, es_span_of(bytes, len));
    free(bytes);
    return same;
}

static void compare_meta(const json_t *vector, const es_msg_t *msg)
{
    json_t *meta = json_object_get(vector, "meta");
    size_t known = 0;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        json_t *value = json_object_get(meta, fields[i].name);
        if ((value != NULL) != ES_HAS(msg, fields[i].key)) SAY(vector, fields[i].name);
        if (!value) continue;
        known++;
        if (!field_is(msg, i, value)) SAY(vector, fields[i].name);
    }
    assert_int_equal(known, json_object_size(meta));
}

static void compare_head(const json_t *vector, const es_msg_t *msg)
{
    json_t *kind = json_object_get(vector, "kind"), *trace = json_object_get(vector, "trace");
    if (json_is_string(kind)) {
        const es_catalogue_entry_t *entry = es_catalogue_find(msg->kind);
        if (!entry || strcmp(entry->name, json_string_value(kind)) != 0) SAY(vector, "kind");
    } else if (number(kind) != msg->kind) {
        SAY(vector, "kind");
    }
    if (number(json_object_get(vector, "epoch")) != msg->epoch) SAY(vector, "epoch");
    if (number(json_object_get(vector, "seq")) != msg->seq) SAY(vector, "seq");
    if (number(json_object_get(vector, "time_us")) != msg->time_us) SAY(vector, "time_us");
    size_t len = 0;
    uint8_t *bytes = json_is_null(trace) ? NULL : unhex(trace, &len);
    if (!es_span_eq(msg->trace, es_span_of(bytes, len))) SAY(vector, "trace");
    free(bytes);
}

static void envelopes(void **state)
{
    (void)state;
    es_decoder_t *decoder = es_decoder_new();
    json_t *list = load("envelopes.json"), *vector;
    size_t i;
    json_array_foreach(list, i, vector)
    {
        size_t len;
        uint8_t *bytes = unhex(json_object_get(vector, "hex"), &len);
        es_msg_t msg;
        es_decode_t reason = es_decode(decoder, bytes, len, &msg);
        if (reason != ES_DECODE_OK) SAY(vector, es_decode_reason(reason));
        compare_head(vector, &msg);
        compare_meta(vector, &msg);
        es_check_t check = es_catalogue_check(&msg, number(json_object_get(vector, "body_bytes")));
        if (strcmp(check_names[check], text(vector, "check")) != 0) SAY(vector, es_check_reason(check));
        uint8_t again[ES_ENVELOPE_MAX];
        size_t n = es_encode(&msg, again, sizeof again);
        bool same = n == len && memcmp(again, bytes, len) == 0;
        if (same != json_is_true(json_object_get(vector, "canonical"))) SAY(vector, "canonical");
        free(bytes);
    }
    json_decref(list);
    es_decoder_destroy(&decoder);
}

static void every_kind_has_a_vector(void **state)
{
    (void)state;
    json_t *list = load("envelopes.json"), *vector;
    for (uint32_t kind = 0; kind < 256; kind++) {
        const es_catalogue_entry_t *entry = es_catalogue_find(kind);
        size_t i, found = 0;
        if (!entry) continue;
        json_array_foreach(list, i, vector)
        {
            const char *name = json_string_value(json_object_get(vector, "kind"));
            if (name && strcmp(name, entry->name) == 0 && strcmp(text(vector, "check"), "OK") == 0) found++;
        }
        if (!found) fail_msg("no vector of %s", entry->name);
    }
    json_decref(list);
}

static void refusals(void **state)
{
    (void)state;
    es_decoder_t *decoder = es_decoder_new();
    json_t *list = load("refusals.json"), *vector;
    size_t i, seen[ES_DECODE_REASONS] = {0};
    json_array_foreach(list, i, vector)
    {
        size_t len;
        uint8_t *bytes = unhex(json_object_get(vector, "hex"), &len);
        es_msg_t msg;
        es_decode_t reason = es_decode(decoder, bytes, len, &msg);
        if (strcmp(decode_names[reason], text(vector, "error")) != 0) SAY(vector, es_decode_reason(reason));
        if (reason == ES_DECODE_VERSION && msg.version != number(json_object_get(vector, "version")))
            SAY(vector, "version");
        seen[reason]++;
        free(bytes);
    }
    for (int reason = ES_DECODE_OK + 1; reason < ES_DECODE_REASONS; reason++)
        if (!seen[reason]) fail_msg("no vector of %s", decode_names[reason]);
    json_decref(list);
    es_decoder_destroy(&decoder);
}

static size_t try_words(es_decoder_t *decoder, const json_t *vector, const uint8_t *bytes, size_t len, uint8_t *again)
{
    es_word_t words[ITEMS_MAX];
    int n = es_words_decode(decoder, bytes, len, words, ITEMS_MAX);
    json_t *items = json_object_get(vector, "items"), *row;
    if (n != (json_is_null(items) ? -1 : (int)json_array_size(items))) SAY(vector, "count");
    size_t i;
    json_array_foreach(items, i, row)
    {
        if (!es_span_eq(words[i].text, es_span(json_string_value(json_array_get(row, 0))))) SAY(vector, "text");
        if (words[i].start != number(json_array_get(row, 1))) SAY(vector, "start");
        if (words[i].end != number(json_array_get(row, 2))) SAY(vector, "end");
        if (words[i].confidence != number(json_array_get(row, 3))) SAY(vector, "confidence");
    }
    return n < 0 ? 0 : es_words_encode(words, (size_t)n, again, ES_ENVELOPE_MAX);
}

static size_t try_streams(es_decoder_t *decoder, const json_t *vector, const uint8_t *bytes, size_t len, uint8_t *again)
{
    es_stream_ref_t streams[ITEMS_MAX];
    int n = es_streams_decode(decoder, bytes, len, streams, ITEMS_MAX);
    json_t *items = json_object_get(vector, "items"), *row;
    if (n != (json_is_null(items) ? -1 : (int)json_array_size(items))) SAY(vector, "count");
    size_t i;
    json_array_foreach(items, i, row)
    {
        if (!es_span_eq(streams[i].key, es_span(json_string_value(json_array_get(row, 0))))) SAY(vector, "key");
        if (streams[i].epoch != number(json_array_get(row, 1))) SAY(vector, "epoch");
        const json_t *priority = json_array_get(row, 2); /* absent: 0 */
        if (streams[i].priority != (priority ? number(priority) : 0)) SAY(vector, "priority");
    }
    return n < 0 ? 0 : es_streams_encode(streams, (size_t)n, again, ES_ENVELOPE_MAX);
}

static void compare_number(const json_t *vector, const json_t *row, size_t i, uint64_t got)
{
    if (got != number(json_array_get(row, i))) fail_msg("%s: number %zu", text(vector, "name"), i);
}

static void compare_text(const json_t *vector, const json_t *row, size_t i, es_span_t got)
{
    if (!es_span_eq(got, es_span(json_string_value(json_array_get(row, i)))))
        fail_msg("%s: text %zu", text(vector, "name"), i);
}

static size_t try_events(es_decoder_t *decoder, const json_t *vector, const uint8_t *bytes, size_t len, uint8_t *again)
{
    es_room_event_t events[ITEMS_MAX];
    int n = es_room_events_decode(decoder, bytes, len, events, ITEMS_MAX);
    json_t *items = json_object_get(vector, "items"), *row;
    if (n != (json_is_null(items) ? -1 : (int)json_array_size(items))) SAY(vector, "count");
    size_t i;
    json_array_foreach(items, i, row)
    {
        const es_room_event_t *e = &events[i];
        const uint64_t numbers[] = {e->rseq, e->type, e->at_ms, [8] = e->start, [9] = e->end};
        const es_span_t texts[] = {[3] = e->member, e->name, e->text, e->msg_id, e->stream};
        for (size_t cell = 0; cell < 10; cell++)
            if (cell < 3 || cell > 7)
                compare_number(vector, row, cell, numbers[cell]);
            else
                compare_text(vector, row, cell, texts[cell]);
    }
    return n < 0 ? 0 : es_room_events_encode(events, (size_t)n, again, ES_ENVELOPE_MAX);
}

static size_t try_members(es_decoder_t *decoder, const json_t *vector, const uint8_t *bytes, size_t len, uint8_t *again)
{
    es_room_member_t members[ITEMS_MAX];
    int n = es_room_members_decode(decoder, bytes, len, members, ITEMS_MAX);
    json_t *items = json_object_get(vector, "items"), *row;
    if (n != (json_is_null(items) ? -1 : (int)json_array_size(items))) SAY(vector, "count");
    size_t i;
    json_array_foreach(items, i, row)
    {
        compare_text(vector, row, 0, members[i].client);
        compare_text(vector, row, 1, members[i].session);
        compare_text(vector, row, 2, members[i].name);
    }
    return n < 0 ? 0 : es_room_members_encode(members, (size_t)n, again, ES_ENVELOPE_MAX);
}

static const struct {
    const char *name;
    size_t (*try)(es_decoder_t *decoder, const json_t *vector, const uint8_t *bytes, size_t len, uint8_t *again);
} lists[] = {{"words", try_words}, {"streams", try_streams}, {"events", try_events}, {"members", try_members}};

static size_t try_list(es_decoder_t *decoder, const json_t *vector, const uint8_t *bytes, size_t len, uint8_t *again)
{
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (strcmp(lists[i].name, text(vector, "list")) == 0) return lists[i].try(decoder, vector, bytes, len, again);
    SAY(vector, "no such list");
    return 0;
}

static void bodies(void **state)
{
    (void)state;
    es_decoder_t *decoder = es_decoder_new();
    json_t *list = load("bodies.json"), *vector;
    size_t i;
    json_array_foreach(list, i, vector)
    {
        size_t len;
        uint8_t *bytes = unhex(json_object_get(vector, "hex"), &len), again[ES_ENVELOPE_MAX];
        size_t n = try_list(decoder, vector, bytes, len, again);
        bool same = n == len && memcmp(again, bytes, len) == 0;
        if (same != json_is_true(json_object_get(vector, "canonical"))) SAY(vector, "canonical");
        free(bytes);
    }
    json_decref(list);
    es_decoder_destroy(&decoder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(envelopes),
        cmocka_unit_test(every_kind_has_a_vector),
        cmocka_unit_test(refusals),
        cmocka_unit_test(bodies),
    };
    return cmocka_run_group_tests_name("vectors", tests, NULL, NULL);
}
