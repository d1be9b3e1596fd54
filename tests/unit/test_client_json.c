#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client_json.h"
#include "envelope.h"
#include "json_fields.h"

#define WITH(payload) "{\"type\":\"audio.start\",\"payload\":{" payload "},\"timestamp\":1}"
#define TYPED(type, payload) "{\"type\":\"" type "\",\"payload\":" payload ",\"timestamp\":0}"

static void good_messages(void **state)
{
    (void)state;
    es_client_says_t says;
    es_refusal_t why;
    const char *start = WITH("\"sample_rate\":48000,\"format\":\"pcm16\",\"language\":\"en-GB\",\"partials\":true");
    assert_int_equal(es_client_json_envelope(start, strlen(start), 16, &says, &why), 0);
    assert_int_equal(says.type, ES_SAYS_START);
    assert_int_equal(says.sample_rate, 48000);
    assert_true(says.partials);
    assert_string_equal(says.language, "en-GB");
    start = WITH("\"sample_rate\":8000,\"format\":\"pcm16\"");
    assert_int_equal(es_client_json_envelope(start, strlen(start), 16, &says, &why), 0);
    assert_false(says.partials);
    assert_string_equal(says.language, "");
    const char *mark = TYPED("audio.mark", "{\"id\":\"\\u00e9\"}");
    assert_int_equal(es_client_json_envelope(mark, strlen(mark), 16, &says, &why), 0);
    assert_string_equal(says.id, "\xc3\xa9");
    const char *ping = " {\"timestamp\":1.5e12,\"payload\":{},\"type\":\"ping\"} ";
    assert_int_equal(es_client_json_envelope(ping, strlen(ping), 16, &says, &why), 0);
    assert_int_equal(es_client_json_flat("stop", 4, 16, &says, &why), 0);
    assert_int_equal(says.type, ES_SAYS_STOP);
}

static void bad_messages(void **state)
{
    (void)state;
    static const struct {
        const char *text, *code, *ref;
    } cases[] = {
        {"", "invalid_json", ""},
        {"{", "invalid_json", ""},
        {"[]", "invalid_json", ""},
        {"null", "invalid_json", ""},
        {"{\"type\":\"ping\",\"payload\":{},\"timestamp\":0}x", "invalid_json", ""},
        {"{\"type\":\"ping\",\"type\":\"ping\",\"payload\":{},\"timestamp\":0}", "invalid_json", ""},
        {"{\"type\":\"a\\u0000b\",\"payload\":{},\"timestamp\":0}", "invalid_json", ""},
        {"{\"a\":[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]}", "json_too_deep", ""},
        {"{\"type\":\"ping\",\"payload\":{},\"timestamp\":1e999}", "invalid_json", ""},
        {"{\"type\":\"ping\",\"payload\":{},\"timestamp\":99999999999999999999}", "invalid_json", ""},
        {"{\"type\":\"\\ud800\",\"payload\":{},\"timestamp\":0}", "invalid_json", ""},
        {"{\"type\":\"\\udc00\\ud800\",\"payload\":{},\"timestamp\":0}", "invalid_json", ""},
        {"{}", "missing_field", ""},
        {"{\"type\":7}", "bad_field", ""},
        {"{\"type\":\"ping\"}", "missing_field", "ping"},
        {"{\"type\":\"ping\",\"payload\":[]}", "bad_field", "ping"},
        {"{\"type\":\"ping\",\"payload\":{}}", "missing_field", "ping"},
        {"{\"type\":\"ping\",\"payload\":{},\"timestamp\":\"now\"}", "bad_field", "ping"},
        {"{\"type\":\"ping\",\"payload\":{},\"timestamp\":-1}", "bad_field", "ping"},
        {"{\"type\":\"ping\",\"payload\":{},\"timestamp\":1,\"more\":1}", "unknown_field", "ping"},
        {TYPED("ping", "{\"x\":1}"), "unknown_field", "ping"},
        {TYPED("pong", "{}"), "unknown_type", "pong"},
        {TYPED("", "{}"), "unknown_type", ""},
        {TYPED("job.watch", "{}"), "missing_field", "job.watch"},
        {TYPED("job.watch", "{\"all\":false}"), "bad_field", "job.watch"},
        {TYPED("job.watch", "{\"all\":true,\"session_id\":\"s\"}"), "missing_field", "job.watch"},
        {TYPED("job.watch", "{\"all\":true,\"token\":7}"), "bad_field", "job.watch"},
        {TYPED("job.watch", "{\"all\":true,\"token\":\"\"}"), "bad_field", "job.watch"},
        {TYPED("job.watch", "{\"job_id\":\"x\"}"), "bad_field", "job.watch"},
        {TYPED("job.watch", "{\"job_id\":\"0000000G-0000-4000-8000-000000000000\"}"), "bad_field", "job.watch"},
        {TYPED("job.watch", "{\"session_id\":\"a b\"}"), "bad_field", "job.watch"},
        {TYPED("job.watch", "{\"session_id\":7}"), "bad_field", "job.watch"},
        {TYPED("job.watch", "{\"session\":\"a\"}"), "unknown_field", "job.watch"},
        {TYPED("job.unwatch", "{}"), "missing_field", "job.unwatch"},
        {TYPED("house.watch", "{\"token\":[]}"), "bad_field", "house.watch"},
        {TYPED("house.watch", "{\"all\":true}"), "unknown_field", "house.watch"},
        {TYPED("house.unwatch", "{\"token\":\"x\"}"), "unknown_field", "house.unwatch"},
        {TYPED("session.resume", "{}"), "missing_field", "session.resume"},
        {TYPED("session.resume", "{\"token\":7}"), "bad_field", "session.resume"},
        {TYPED("room.say", "{}"), "missing_field", "room.say"},
        {TYPED("room.say", "{\"room\":\"a\"}"), "missing_field", "room.say"},
        {TYPED("room.say", "{\"room\":\"a\",\"text\":\"\"}"), "bad_field", "room.say"},
        {TYPED("room.say", "{\"room\":\"a\",\"text\":\"a\\u0007\"}"), "bad_field", "room.say"},
        {TYPED("room.say", "{\"room\":\"a\",\"text\":\"a\",\"msg_id\":\"\"}"), "bad_field", "room.say"},
        {TYPED("room.say", "{\"room\":\"a\",\"text\":\"a\",\"to\":\"b\"}"), "unknown_field", "room.say"},
        {TYPED("room.join", "{\"room\":\"a\"}"), "missing_field", "room.join"},
        {TYPED("room.join", "{\"room\":\"a\\u007f\",\"name\":\"b\"}"), "bad_field", "room.join"},
        {TYPED("room.join", "{\"room\":\"a\",\"name\":\"b\\n\"}"), "bad_field", "room.join"},
        {TYPED("room.join", "{\"room\":\"a\",\"name\":\"b\",\"since\":-1}"), "bad_field", "room.join"},
        {TYPED("room.join", "{\"room\":\"a\",\"name\":\"b\",\"log\":\"xyz\"}"), "bad_field", "room.join"},
        {TYPED("room.history", "{\"room\":\"a\",\"limit\":101}"), "bad_field", "room.history"},
        {TYPED("room.history", "{\"room\":\"a\",\"before\":0}"), "bad_field", "room.history"},
        {TYPED("room.who", "{\"room\":5}"), "bad_field", "room.who"},
        {TYPED("room.leave", "{\"room\":\"a\",\"name\":\"b\"}"), "unknown_field", "room.leave"},
        {WITH(""), "missing_field", "audio.start"},
        {WITH("\"sample_rate\":16000"), "missing_field", "audio.start"},
        {WITH("\"sample_rate\":16001,\"format\":\"pcm16\""), "bad_field", "audio.start"},
        {WITH("\"sample_rate\":-16000,\"format\":\"pcm16\""), "bad_field", "audio.start"},
        {WITH("\"sample_rate\":16000.0,\"format\":\"pcm16\""), "bad_field", "audio.start"},
        {WITH("\"sample_rate\":\"16000\",\"format\":\"pcm16\""), "bad_field", "audio.start"},
        {WITH("\"sample_rate\":16000,\"format\":\"mp3\""), "bad_field", "audio.start"},
        {WITH("\"sample_rate\":16000,\"format\":1"), "bad_field", "audio.start"},
        {WITH("\"sample_rate\":16000,\"format\":\"pcm16\",\"language\":\"e\""), "bad_field", "audio.start"},
        {WITH("\"sample_rate\":16000,\"format\":\"pcm16\",\"language\":3"), "bad_field", "audio.start"},
        {WITH("\"sample_rate\":16000,\"format\":\"pcm16\",\"partials\":1"), "bad_field", "audio.start"},
        {WITH("\"sample_rate\":16000,\"format\":\"pcm16\",\"extra\":1"), "unknown_field", "audio.start"},
        {TYPED("audio.mark", "{}"), "missing_field", "audio.mark"},
        {TYPED("audio.mark", "{\"id\":\"\"}"), "bad_field", "audio.mark"},
        {TYPED("audio.mark", "{\"id\":1}"), "bad_field", "audio.mark"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        es_client_says_t says;
        es_refusal_t why;
        assert_int_equal(es_client_json_envelope(cases[i].text, strlen(cases[i].text), 16, &says, &why), -1);
        if (strcmp(why.code, cases[i].code) != 0) fail_msg("%s: %s, not %s", cases[i].text, why.code, cases[i].code);
        assert_string_equal(why.ref, cases[i].ref);
        assert_true(strlen(why.message) > 15);
    }
}

static void foreign_text_is_cut_between_characters(void **state)
{
    (void)state;
    char text[400];
    es_client_says_t says;
    es_refusal_t why;
    for (int shift = 0; shift < 2; shift++) {
        int n = snprintf(text, sizeof text, "{\"type\":\"%s", shift ? "a" : "");
        for (int i = 0; i < 60; i++) n += snprintf(text + n, sizeof text - (size_t)n, "\xc3\xa9");
        n += snprintf(text + n, sizeof text - (size_t)n, "\",\"payload\":{},\"timestamp\":1}");
        assert_int_equal(es_client_json_envelope(text, (size_t)n, 16, &says, &why), -1);
        assert_true(es_utf8_valid(why.ref, strlen(why.ref)));
        assert_true(es_utf8_valid(why.message, strlen(why.message)));
        assert_true(strlen(why.ref) >= 63);
    }
}

static void depth_is_counted_outside_of_strings(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t depth;
    } cases[] = {{"", 0},      {"7", 0},    {"[]", 1},    {"[[],[[]],{}]", 3}, {"\"[[[[\"", 0}, {"[\"\\\"[\"]", 1},
                 {"]]]][", 1}, {"[\"[", 1}, {"[\"\\", 1}, {"{\"a\":[{}]}", 3}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t len = strlen(cases[i].text);
        assert_false(es_json_deeper(cases[i].text, len, cases[i].depth));
        if (cases[i].depth && !es_json_deeper(cases[i].text, len, cases[i].depth - 1)) fail_msg("%s", cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(good_messages), cmocka_unit_test(bad_messages),
                                       cmocka_unit_test(foreign_text_is_cut_between_characters),
                                       cmocka_unit_test(depth_is_counted_outside_of_strings)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
