#include "edge_metrics.h"
#include "edge_world.h"
#include "flat.h"

static void chunks_are_acknowledged_and_transcribed(void **state)
{
    (void)state;
    world_t *w = world_new(&es_flat, "");
    assert_string_equal(world_said(w), "");
    assert_int_equal(world_chunk(w, 640), 0);
    assert_string_equal(world_said(w), "{\"client_id\":\"" WORLD_ID "\",\"seq\":1,\"chunk_size\":640}");
    assert_true(world_sent(w, ES_F_START));
    world_chunk(w, 2);
    assert_string_equal(world_said(w), "{\"client_id\":\"" WORLD_ID "\",\"seq\":2,\"chunk_size\":2}");
    world_final(w, 1, 1, "say \"it\"", 0);
    assert_string_equal(world_said(w), "{\"seq\":1,\"transcription\":\"say \\\"it\\\"\"}");
    world_final(w, 2, 2, "", ES_F_SILENCE);
    assert_string_equal(world_said(w), "");
    world_destroy(w);
}

static void a_stop_flushes_and_numbers_go_on(void **state)
{
    (void)state;
    world_t *w = world_new(&es_flat, "");
    world_text(w, "stop");
    assert_string_equal(world_said(w), "{\"done\":true,\"seq\":0}");
    world_chunk(w, 640);
    world_chunk(w, 640);
    world_said(w);
    world_said(w);
    world_text(w, "{\"type\":\"stop\"}");
    assert_true(world_sent(w, ES_F_EOS));
    world_text(w, "stop"); /* a second one changes nothing */
    assert_string_equal(world_said(w), "");
    uint64_t epoch = w->sent[0].epoch;
    world_final(w, 1, 3, "all of it", 0); /* EOS is frame 3, but no chunk */
    assert_string_equal(world_said(w), "{\"seq\":2,\"transcription\":\"all of it\"}");
    assert_string_equal(world_said(w), "{\"done\":true,\"seq\":2}");
    assert_null(w->client->sender);
    assert_int_equal(w->sent[w->sent_count - 1].kind, ES_CLOSE);
    world_chunk(w, 4);
    assert_string_equal(world_said(w), "{\"client_id\":\"" WORLD_ID "\",\"seq\":3,\"chunk_size\":4}");
    assert_true(w->sent[w->sent_count - 1].epoch > epoch);
    assert_int_equal(w->sent[w->sent_count - 1].seq, 1);
    world_final(w, 1, 1, "more", 0);
    assert_string_equal(world_said(w), "{\"seq\":3,\"transcription\":\"more\"}");
    world_destroy(w);
}

static void a_chunk_after_stop_waits_for_the_end(void **state)
{
    (void)state;
    world_t *w = world_new(&es_flat, "");
    world_chunk(w, 640);
    world_said(w);
    world_text(w, "stop");
    world_chunk(w, 10);
    assert_int_equal(w->throttles, 1);
    assert_string_equal(world_said(w), "");
    world_final(w, 1, 2, "first", 0);
    assert_string_equal(world_said(w), "{\"seq\":1,\"transcription\":\"first\"}");
    assert_string_equal(world_said(w), "{\"done\":true,\"seq\":1}");
    assert_string_equal(world_said(w), "{\"client_id\":\"" WORLD_ID "\",\"seq\":2,\"chunk_size\":10}");
    assert_int_equal(w->unthrottles, 1);
    world_destroy(w);
}

static es_metric_t *counter(const char *name)
{
    for (es_metric_t *const *list = es_edge_metrics(); *list; list++)
        if (!strcmp((*list)->name, name)) return *list;
    fail_msg("there is no counter %s", name);
    return NULL;
}

static void mistakes_are_answered(void **state)
{
    (void)state;
    world_t *w = world_new(&es_flat, "");
    static const char *const texts[] = {
        "{", "[1]", "hello", "{\"type\":5}", "{\"type\":\"nonsense\"}", "\"stop\"", "{\"type\":\"stop\",\"x\":1}",
        "{}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_int_equal(world_text(w, texts[i]), 0);
        assert_memory_equal(world_said(w), "{\"error\":\"", 10);
    }
    static const size_t sizes[] = {0, 1, 641, (1 << 20) + 2};
    static const char *const hints[] = {"empty", "odd", "odd", "at most"};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(world_chunk(w, sizes[i]), 0);
        assert_non_null(strstr(world_said(w), hints[i]));
    }
    assert_int_equal(es_metric_get(counter("earshot_edge_errors_total{code=\"chunk_too_large\"}")), 1);
    assert_int_equal(es_metric_get(counter("earshot_edge_errors_total{code=\"other\"}")), 7);
    assert_int_equal(es_metric_get(counter("earshot_edge_errors_total{code=\"invalid_json\"}")), 4);
    assert_null(w->client->sender);
    world_chunk(w, 2);
    assert_non_null(strstr(world_said(w), "\"seq\":1"));
    world_text(w, "{\"type\":\"ping\"}");
    assert_string_equal(world_said(w), "{\"type\":\"pong\"}");
    world_destroy(w);
}

static void violations_close(void **state)
{
    (void)state;
    world_t *w = world_new(&es_flat, "");
    assert_int_equal(world_text(w, "\xff\xfe"), ES_WS_NOT_UTF8);
    assert_int_equal(es_client_piece(w->client, "ab", 2, 2 << 20, true, true), ES_WS_MESSAGE_TOO_LARGE);
    world_destroy(w);
}

static void pieces_become_one_message(void **state)
{
    (void)state;
    world_t *w = world_new(&es_flat, "");
    assert_int_equal(es_client_piece(w->client, "ab", 2, 3, true, true), 0);
    assert_int_equal(es_client_piece(w->client, "cde", 3, 0, false, true), 0); /* a frame ends, the message does not */
    assert_string_equal(world_said(w), "");
    assert_int_equal(es_client_piece(w->client, "f", 1, 0, true, true), 0);
    assert_non_null(strstr(world_said(w), "\"chunk_size\":6}"));
    assert_int_equal(es_client_piece(w->client, "st", 2, 0, false, false), 0);
    assert_int_equal(es_client_piece(w->client, "op", 2, 0, true, false), 0);
    assert_true(world_sent(w, ES_F_EOS));
    /* The cap counts the whole message. */
    uint8_t *half = calloc(1, 600000);
    assert_int_equal(es_client_piece(w->client, half, 600000, 0, false, true), 0);
    assert_int_equal(es_client_piece(w->client, half, 600000, 0, false, true), ES_WS_MESSAGE_TOO_LARGE);
    free(half);
    world_destroy(w);
}

static void room_grows_with_what_comes(void **state)
{
    (void)state;
    world_t *w = world_new(&es_flat, "");
    unsigned moves = 0;
    const uint8_t *last = NULL;
    w->env.limits.max_text = w->env.limits.max_message;
    w->env.limits.max_fragments = UINT64_MAX;
    for (int i = 0; i < 100000; i++) {
        assert_int_equal(es_client_piece(w->client, "x", 1, i ? 0 : 900000, false, false), 0);
        moves += w->client->in != last;
        last = w->client->in;
    }
    assert_true(moves < 10);
    assert_true(w->client->in_cap < 300000);
    assert_int_equal(es_client_piece(w->client, "x", 1, 0, true, false), 0);
    assert_int_equal(w->client->in_cap, 0);
    world_destroy(w);
}

static void the_query_is_checked(void **state)
{
    (void)state;
    static const char *const bad[] = {"rate=11025",   "rate=",        "rate=16000x", "rate=-1",
                                      "partials=yes", "language=d e", "rate=+8000"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        world_t *w = world_new(&es_flat, bad[i]);
        assert_non_null(strstr(world_said(w), "44100"));
        world_chunk(w, 640);
        assert_non_null(strstr(world_said(w), "error"));
        assert_null(w->client->sender);
        world_destroy(w);
    }
    world_t *w = world_new(&es_flat, "x=1&language=de-AT&rate=8000&partials=1");
    world_chunk(w, 640);
    assert_non_null(strstr(world_said(w), "\"chunk_size\":640}"));
    assert_true(world_sent(w, ES_F_START | ES_F_PARTIALS));
    assert_int_equal(w->sent[0].size, 640);
    assert_true(w->sent_len[0] > 1000 && w->sent_len[0] <= 1280);
    world_destroy(w);
}

static void resampled_positions_are_without_gaps(void **state)
{
    (void)state;
    world_t *w = world_new(&es_flat, "rate=44100");
    uint64_t pos = 0;
    for (int i = 0; i < 50; i++) world_chunk(w, 1764);
    world_text(w, "stop");
    for (unsigned i = 0; i < w->sent_count; i++) {
        assert_int_equal(w->sent[i].seq, i + 1);
        assert_int_equal(w->sent[i].pos, pos);
        pos += w->sent_len[i] / 2;
    }
    assert_in_range(pos, 16000 - 8, 16000 + 8); /* one second went in */
    world_destroy(w);
}

static void partials_only_where_asked_for(void **state)
{
    (void)state;
    for (int wanted = 0; wanted < 2; wanted++) {
        world_t *w = world_new(&es_flat, wanted ? "partials=1" : "partials=0");
        world_chunk(w, 640);
        world_said(w);
        es_msg_t msg = {.version = ES_VERSION, .kind = ES_PARTIAL, .epoch = w->sent[0].epoch, .seq = 1};
        ES_SET(&msg, ES_M_INC, inc, 42);
        ES_SET(&msg, ES_M_FROM, from_seq, 1);
        ES_SET(&msg, ES_M_TO, to_seq, 1);
        ES_SET(&msg, ES_M_TEXT, text, es_span("go for"));
        ES_SET(&msg, ES_M_START, start, 0);
        ES_SET(&msg, ES_M_END, end, 320);
        es_client_receive(w->client, 0, &msg, NULL, 0);
        assert_string_equal(world_said(w), wanted ? "{\"seq\":1,\"partial\":\"go for\"}" : "");
        world_destroy(w);
    }
}

static void words_come_through_the_broker_of_the_stream_alone(void **state)
{
    (void)state;
    world_t *w = world_new(&es_flat, "");
    world_chunk(w, 640);
    world_said(w);
    world_final_through(w, 1, 1, 1, "lies", 0);
    assert_string_equal(world_said(w), "");
    world_final_through(w, 0, 1, 1, "words", 0);
    assert_string_equal(world_said(w), "{\"seq\":1,\"transcription\":\"words\"}");
    world_destroy(w);
}

static void a_full_sender_stops_the_reading(void **state)
{
    (void)state;
    world_t *w = world_new(&es_flat, "");
    unsigned chunks = 0;
    while (!w->throttles && chunks < 100) {
        world_chunk(w, 1 << 20);
        chunks++;
    }
    assert_in_range(chunks, 2, 50);
    while (*world_said(w)) {
    }
    /* One more was on its way: it is kept, and acknowledged when there is room. */
    world_chunk(w, 6);
    assert_string_equal(world_said(w), "");
    world_chunk(w, 8); /* and that would be one too many */
    assert_non_null(strstr(world_said(w), "error"));
    for (unsigned i = 1; i <= chunks && !w->unthrottles; i++) world_final(w, i, i, "", ES_F_SILENCE);
    assert_int_equal(w->unthrottles, 1);
    assert_non_null(strstr(world_said(w), "\"chunk_size\":6}"));
    world_destroy(w);
}

static void whoever_does_not_read_is_not_read(void **state)
{
    (void)state;
    world_t *w = world_new(&es_flat, "");
    int said = 0, read = 0;
    for (; said < 100000 && !w->throttles; said++) world_text(w, "{\"type\":\"ping\"}");
    assert_in_range(es_frame_buf_size(&w->client->out), 1 << 18, (1 << 18) + 64);
    while (*world_said(w)) read++;
    assert_int_equal(read, said);
    assert_int_equal(w->unthrottles, 1);
    assert_int_equal(w->closes, 0);
    world_destroy(w);
}

static void whoever_never_reads_is_closed(void **state)
{
    (void)state;
    world_t *w = world_new(&es_flat, "");
    world_chunk(w, 640);
    for (int i = 0; i < 100000 && !w->closes; i++) world_text(w, "{\"type\":\"ping\"}");
    assert_int_equal(w->close_code, 1013);
    assert_int_equal(es_frame_buf_size(&w->client->out), 0);
    world_final(w, 1, 1, "late", 0);
    assert_string_equal(world_said(w), ""); /* nothing more, since something is missing */
    assert_int_equal(world_text(w, "stop"), 0);
    assert_int_equal(w->closes, 1);
    world_destroy(w);
}

static void a_drain_flushes_then_closes(void **state)
{
    (void)state;
    world_t *idle = world_new(&es_flat, "");
    es_client_drain(idle->client);
    assert_int_equal(idle->close_code, 1001);
    world_destroy(idle);
    world_t *w = world_new(&es_flat, "");
    world_chunk(w, 640);
    world_said(w);
    es_client_drain(w->client);
    assert_true(world_sent(w, ES_F_EOS));
    assert_int_equal(w->closes, 0);
    world_final(w, 1, 2, "last words", 0);
    assert_non_null(strstr(world_said(w), "last words"));
    assert_int_equal(w->close_code, 1001);
    world_destroy(w);
}

static void a_drain_takes_nothing_new(void **state)
{
    (void)state;
    world_t *w = world_new(&es_flat, "");
    world_chunk(w, 640);
    world_said(w);
    es_client_drain(w->client);
    world_chunk(w, 640); /* whoever speaks goes on speaking */
    unsigned sent = w->sent_count;
    world_final(w, 1, 2, "last words", 0);
    assert_int_equal(w->close_code, 1001);
    assert_int_equal(w->sent_count, sent + 1); /* CLOSE */
    assert_non_null(strstr(world_said(w), "last words"));
    assert_non_null(strstr(world_said(w), "\"done\":true,\"seq\":1"));
    assert_string_equal(world_said(w), "");
    world_destroy(w);
}

static void an_idle_client_costs_nothing(void **state)
{
    (void)state;
    world_t *w = world_new(&es_flat, "");
    assert_null(w->client->sender);
    assert_null(w->client->out.data);
    assert_int_equal(w->env.timers.count, 0);
    assert_true(sizeof *w->client < 448);
    world_chunk(w, 640);
    assert_int_equal(w->env.timers.count, 1);
    w->env.now_us = es_timers_next(&w->env.timers);
    assert_ptr_equal(es_timers_due(&w->env.timers, w->env.now_us), &w->client->timer);
    unsigned before = w->sent_count;
    es_client_tick(w->client);
    assert_true(w->sent_count > before); /* sent again */
    world_destroy(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(chunks_are_acknowledged_and_transcribed),
                                       cmocka_unit_test(a_stop_flushes_and_numbers_go_on),
                                       cmocka_unit_test(a_chunk_after_stop_waits_for_the_end),
                                       cmocka_unit_test(mistakes_are_answered),
                                       cmocka_unit_test(violations_close),
                                       cmocka_unit_test(pieces_become_one_message),
                                       cmocka_unit_test(room_grows_with_what_comes),
                                       cmocka_unit_test(the_query_is_checked),
                                       cmocka_unit_test(resampled_positions_are_without_gaps),
                                       cmocka_unit_test(partials_only_where_asked_for),
                                       cmocka_unit_test(words_come_through_the_broker_of_the_stream_alone),
                                       cmocka_unit_test(a_full_sender_stops_the_reading),
                                       cmocka_unit_test(whoever_does_not_read_is_not_read),
                                       cmocka_unit_test(whoever_never_reads_is_closed),
                                       cmocka_unit_test(a_drain_flushes_then_closes),
                                       cmocka_unit_test(a_drain_takes_nothing_new),
                                       cmocka_unit_test(an_idle_client_costs_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
