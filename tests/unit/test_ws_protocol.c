#include <stdio.h>

#include "edge_world.h"
#include "envelope_ws.h"

#define START "{\"type\":\"audio.start\",\"payload\":{\"sample_rate\":16000,\"format\":\"pcm16\"},\"timestamp\":1}"
#define STOP "{\"type\":\"audio.stop\",\"payload\":{},\"timestamp\":1}"
#define MARK(id) "{\"type\":\"audio.mark\",\"payload\":{\"id\":\"" id "\"},\"timestamp\":1}"
#define TAIL "},\"timestamp\":1234567890123}"

static world_t *greeted(void)
{
    world_t *w = world_new(&es_envelope_ws, "");
    const char *welcome = world_said(w);
    assert_non_null(
        strstr(welcome, "{\"type\":\"welcome\",\"payload\":{\"client_id\":\"" WORLD_ID "\",\"session\":\"7777"));
    assert_non_null(strstr(welcome, "\"max_chunk\":1048576"));
    return w;
}

static void refused(world_t *w, const char *code)
{
    char part[64];
    snprintf(part, sizeof part, "{\"type\":\"error\",\"payload\":{\"code\":\"%s\",", code);
    const char *said = world_said(w);
    if (strncmp(said, part, strlen(part)) != 0) fail_msg("expected %s, got %s", code, said);
}

static void a_stream_from_start_to_done(void **state)
{
    (void)state;
    world_t *w = greeted();
    world_text(w, START);
    assert_string_equal(world_said(w), "");
    world_chunk(w, 3200);
    assert_string_equal(world_said(w), "{\"type\":\"ack\",\"payload\":{\"client_id\":\"" WORLD_ID
                                       "\",\"seq\":1,\"chunk_size\":3200" TAIL);
    world_final(w, 1, 1, "one", 0);
    assert_string_equal(world_said(w),
                        "{\"type\":\"transcript\",\"payload\":{\"client_id\":\"" WORLD_ID
                        "\",\"seq\":1,\"text\":\"one\",\"final\":true,\"from_seq\":1,\"to_seq\":1,\"start_ms\":1000,"
                        "\"end_ms\":2000,\"confidence\":0.875,\"checkpoint\":\"Y2tw\"" TAIL);
    world_text(w, STOP);
    assert_true(world_sent(w, ES_F_EOS));
    world_final(w, 2, 2, "", ES_F_SILENCE);
    assert_string_equal(world_said(w), "{\"type\":\"audio.done\",\"payload\":{\"client_id\":\"" WORLD_ID "\"" TAIL);
    uint64_t epoch = w->sent[w->sent_count - 1].epoch;
    world_text(w, START);
    world_chunk(w, 2);
    assert_non_null(strstr(world_said(w), "\"seq\":1,"));
    assert_int_equal(w->sent[w->sent_count - 1].epoch, epoch + 1);
    world_destroy(w);
}

/* A token as this world's edge issues it, for a session of sevens. */
static char *resume(world_t *w, const char *more)
{
    static char text[1024];
    char token[ES_SESSION_TOKEN_MAX + 1];
    es_session_issue(&w->env.session_key, "", "77777777777777777777777777777777", w->env.wall_ms, token);
    snprintf(text, sizeof text, "{\"type\":\"session.resume\",\"payload\":{\"token\":\"%s\"%s},\"timestamp\":1}", token,
             more);
    return text;
}

static void a_resumable_stream_tells_of_every_commit(void **state)
{
    (void)state;
    world_t *w = greeted();
    world_text(w, "{\"type\":\"audio.start\",\"payload\":{\"sample_rate\":16000,\"format\":\"pcm16\","
                  "\"resumable\":true},\"timestamp\":1}");
    assert_string_equal(world_said(w),
                        "{\"type\":\"audio.started\",\"payload\":{\"stream\":\"" WORLD_ID "-1\",\"next_seq\":1" TAIL);
    world_chunk(w, 3200);
    world_chunk(w, 3200);
    world_said(w);
    world_said(w);
    world_final(w, 1, 1, "", ES_F_SILENCE);
    assert_string_equal(world_said(w), "{\"type\":\"audio.committed\",\"payload\":{\"client_id\":\"" WORLD_ID
                                       "\",\"to_seq\":1,\"position\":1600,\"checkpoint\":\"Y2tw\"" TAIL);
    world_final(w, 2, 2, "two", 0);
    assert_non_null(strstr(world_said(w), "\"position\":3200,\"checkpoint\":\"Y2tw\""));
    world_destroy(w);
}

static void a_stream_goes_on_where_it_was(void **state)
{
    (void)state;
    world_t *w = greeted();
    world_text(w, resume(w, ",\"committed\":41,\"position\":65600,\"checkpoint\":\"Y2tw\",\"stream\":\"s-1\""));
    const char *said = world_said(w);
    assert_non_null(strstr(said, "\"type\":\"session.resumed\",\"payload\":{\"ok\":true,\"session\":\"7777"));
    assert_non_null(strstr(said, "\"next_seq\":42"));
    world_text(w, START);
    world_chunk(w, 320);
    assert_non_null(strstr(world_said(w), "\"seq\":42,"));
    const es_msg_t *start = &w->sent[w->sent_count - 1];
    assert_int_equal(start->seq, 42);
    assert_int_equal(start->pos, 65600);
    assert_int_equal(start->base, 41);
    assert_int_equal(start->checkpoint.len, 3);
    assert_string_equal(w->client->envelope.stream, "s-1");
    /* The one after it is a new one. */
    world_text(w, STOP);
    world_final(w, 42, 43, "", 0);
    world_said(w);
    world_text(w, START);
    world_chunk(w, 320);
    assert_non_null(strstr(world_said(w), "\"seq\":1,"));
    world_destroy(w);
}

static void who_can_go_on_elsewhere_is_asked_to(void **state)
{
    (void)state;
    world_t *w = greeted();
    world_text(w, "{\"type\":\"audio.start\",\"payload\":{\"sample_rate\":16000,\"format\":\"pcm16\","
                  "\"resumable\":true},\"timestamp\":1}");
    world_said(w);
    world_chunk(w, 3200);
    world_said(w);
    es_client_drain(w->client);
    assert_string_equal(world_said(w), "{\"type\":\"status\",\"payload\":{\"state\":\"draining\"" TAIL);
    assert_false(world_sent(w, ES_F_EOS));
    assert_int_equal(w->closes, 0);
    world_final(w, 1, 1, "one", 0); /* goes on while it is here */
    assert_non_null(strstr(world_said(w), "one"));
    es_client_part(w->client);
    assert_int_equal(w->close_code, 1001);
    world_destroy(w);
    /* Others are flushed, or closed. */
    w = greeted();
    world_text(w, START);
    world_chunk(w, 3200);
    es_client_drain(w->client);
    assert_true(world_sent(w, ES_F_EOS));
    es_client_part(w->client);
    assert_int_equal(w->closes, 0);
    world_destroy(w);
    w = greeted();
    es_client_drain(w->client);
    assert_int_equal(w->close_code, 1001);
    world_destroy(w);
}

static void a_stream_in_quarantine_ends_with_the_reason(void **state)
{
    (void)state;
    world_t *w = greeted();
    world_text(w, START);
    world_chunk(w, 3200);
    world_said(w);
    es_msg_t msg = {.version = ES_VERSION, .kind = ES_REFUSED, .epoch = w->sent[w->sent_count - 1].epoch};
    ES_SET(&msg, ES_M_REASON, reason, es_span("10 workers died"));
    es_client_receive(w->client, 0, &msg, NULL, 0);
    refused(w, "stream_quarantined");
    assert_non_null(strstr(world_said(w), "audio.done"));
    world_text(w, START);
    world_chunk(w, 320);
    assert_non_null(strstr(world_said(w), "\"seq\":1,"));
    world_destroy(w);
}

static void a_resume_that_is_none(void **state)
{
    (void)state;
    static const char *const bad[] = {
        ",\"committed\":-1",
        ",\"committed\":9007199254740993,\"stream\":\"s\"",
        ",\"committed\":1",
        ",\"committed\":1,\"stream\":\"s\",\"checkpoint\":\"abc\"",
        ",\"committed\":1,\"stream\":\"s\",\"checkpoint\":\"a=bc\"",
        ",\"committed\":1,\"stream\":\"s\",\"checkpoint\":7",
        ",\"committed\":1,\"stream\":\"s\",\"position\":1.5",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        world_t *w = greeted();
        world_text(w, resume(w, bad[i]));
        const char *said = world_said(w);
        if (!strstr(said, "bad_field") && !strstr(said, "missing_field")) fail_msg("%s: %s", bad[i], said);
        world_text(w, START);
        world_chunk(w, 320);
        said = world_said(w);
        if (!strstr(said, "\"seq\":1,")) fail_msg("%s: then %s", bad[i], said);
        world_destroy(w);
    }
}

static void words_are_said(void **state)
{
    (void)state;
    world_t *w = greeted();
    world_text(w, START);
    world_chunk(w, 3200);
    world_said(w);
    const es_word_t words[] = {{es_span("go"), 1600, 3200, 990}, {es_span("on"), 3200, 4800, 5}};
    uint8_t body[256];
    size_t len = es_words_encode(words, 2, body, sizeof body);
    es_msg_t msg = {.version = ES_VERSION, .kind = ES_FINAL, .epoch = w->sent[0].epoch, .seq = 1};
    ES_SET(&msg, ES_M_INC, inc, 42);
    ES_SET(&msg, ES_M_EXPECTED, expected, 2);
    ES_SET(&msg, ES_M_COMMITTED, committed, 1);
    ES_SET(&msg, ES_M_FROM, from_seq, 1);
    ES_SET(&msg, ES_M_TO, to_seq, 1);
    ES_SET(&msg, ES_M_FLAGS, flags, 0);
    ES_SET(&msg, ES_M_TEXT, text, es_span("go on"));
    ES_SET(&msg, ES_M_START, start, 1600);
    ES_SET(&msg, ES_M_END, end, 4800);
    es_client_receive(w->client, 0, &msg, body, len);
    const char *said = world_said(w);
    assert_non_null(strstr(said, "\"words\":[{\"text\":\"go\",\"start_ms\":100,\"end_ms\":200,\"confidence\":0.990},"
                                 "{\"text\":\"on\",\"start_ms\":200,\"end_ms\":300,\"confidence\":0.005}]"));
    world_destroy(w);
}

static void marks_come_back_in_order(void **state)
{
    (void)state;
    world_t *w = greeted();
    world_text(w, START);
    world_chunk(w, 3200);
    world_text(w, MARK("a"));
    assert_true(world_sent(w, ES_F_MARK));
    world_chunk(w, 3200);
    world_text(w, MARK("b"));
    world_said(w);
    world_said(w);
    world_final(w, 1, 2, "one", 0);
    assert_non_null(strstr(world_said(w), "\"one\""));
    assert_string_equal(world_said(w), "{\"type\":\"audio.marked\",\"payload\":{\"id\":\"a\"" TAIL);
    assert_string_equal(world_said(w), "");
    world_final(w, 3, 3, "", ES_F_SILENCE); /* all before b */
    assert_string_equal(world_said(w), "{\"type\":\"audio.marked\",\"payload\":{\"id\":\"b\"" TAIL);
    world_chunk(w, 2);
    world_said(w);
    for (unsigned i = 0; i < ES_MARKS_MAX; i++) world_text(w, MARK("m"));
    assert_string_equal(world_said(w), "");
    world_text(w, MARK("m"));
    refused(w, "too_many_marks");
    world_destroy(w); /* the marks that wait go too */
}

static void order_is_kept(void **state)
{
    (void)state;
    world_t *w = greeted();
    world_chunk(w, 2);
    refused(w, "not_streaming");
    world_text(w, STOP);
    refused(w, "not_streaming");
    world_text(w, MARK("x"));
    refused(w, "not_streaming");
    world_text(w, START);
    world_text(w, START);
    refused(w, "already_streaming");
    world_chunk(w, 3);
    refused(w, "odd_chunk");
    world_chunk(w, 0);
    refused(w, "empty_chunk");
    world_chunk(w, 2);
    world_said(w);
    world_text(w, STOP);
    world_chunk(w, 2);
    refused(w, "not_streaming");
    world_text(w, MARK("x"));
    refused(w, "not_streaming");
    world_text(w, STOP);
    refused(w, "not_streaming");
    world_text(w, START);
    refused(w, "already_streaming");
    world_text(w, "{\"type\":\"ping\",\"payload\":{},\"timestamp\":1}");
    assert_string_equal(world_said(w), "{\"type\":\"pong\",\"payload\":{" TAIL);
    world_text(w, "{\"type\":\"job.watch\",\"payload\":{},\"timestamp\":1}");
    refused(w, "missing_field");
    world_destroy(w);
}

static void waiting_is_told(void **state)
{
    (void)state;
    world_t *w = greeted();
    world_text(w, START);
    world_chunk(w, 2);
    world_said(w);
    es_msg_t msg = {.version = ES_VERSION, .kind = ES_WAIT, .epoch = w->sent[0].epoch};
    ES_SET(&msg, ES_M_PLACE, place, 3);
    es_client_receive(w->client, 0, &msg, NULL, 0);
    assert_string_equal(world_said(w), "{\"type\":\"status\",\"payload\":{\"state\":\"waiting\",\"queue\":3" TAIL);
    world_final(w, 1, 1, "", ES_F_SILENCE);
    assert_string_equal(world_said(w), "{\"type\":\"status\",\"payload\":{\"state\":\"streaming\"" TAIL);
    world_destroy(w);
}

static void a_failed_segment_is_told(void **state)
{
    (void)state;
    world_t *w = greeted();
    world_text(w, START);
    world_chunk(w, 2);
    world_said(w);
    world_final(w, 1, 1, "", ES_F_FAILED);
    refused(w, "segment_failed");
    assert_string_equal(world_said(w), "");
    world_destroy(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_stream_from_start_to_done),
                                       cmocka_unit_test(a_resumable_stream_tells_of_every_commit),
                                       cmocka_unit_test(a_stream_goes_on_where_it_was),
                                       cmocka_unit_test(who_can_go_on_elsewhere_is_asked_to),
                                       cmocka_unit_test(a_stream_in_quarantine_ends_with_the_reason),
                                       cmocka_unit_test(a_resume_that_is_none),
                                       cmocka_unit_test(words_are_said),
                                       cmocka_unit_test(marks_come_back_in_order),
                                       cmocka_unit_test(order_is_kept),
                                       cmocka_unit_test(waiting_is_told),
                                       cmocka_unit_test(a_failed_segment_is_told)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
