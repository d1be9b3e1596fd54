/* What a client may send, and how fast. */
#include "edge_world.h"
#include "envelope_ws.h"
#include "flat.h"

#define SECOND UINT64_C(1000000)

static void text_has_a_limit_of_its_own(void **state)
{
    (void)state;
    world_t *w = world_new(&es_flat, "");
    w->env.limits.max_text = 8;
    assert_int_equal(world_text(w, "12345678"), ES_WS_FINE);
    assert_int_equal(world_text(w, "123456789"), ES_WS_TEXT_TOO_LARGE);
    assert_int_equal(world_chunk(w, 100), ES_WS_FINE);
    /* Announced, and in fragments. */
    assert_int_equal(es_client_piece(w->client, "1", 1, 8, true, false), ES_WS_TEXT_TOO_LARGE);
    assert_int_equal(es_client_piece(w->client, "1234", 4, 0, false, false), ES_WS_FINE);
    assert_int_equal(es_client_piece(w->client, "12345", 5, 0, true, false), ES_WS_TEXT_TOO_LARGE);
    world_destroy(w);
}

static void fragments_are_counted(void **state)
{
    (void)state;
    world_t *w = world_new(&es_flat, "");
    w->env.limits.max_fragments = 3;
    for (int round = 0; round < 2; round++) {
        assert_int_equal(es_client_piece(w->client, "s", 1, 0, false, false), ES_WS_FINE);
        assert_int_equal(es_client_piece(w->client, "t", 1, 1, false, false), ES_WS_FINE); /* pieces are no fragments */
        assert_int_equal(es_client_piece(w->client, "o", 1, 0, false, false), ES_WS_FINE);
        assert_int_equal(es_client_piece(w->client, "p", 1, 0, true, false), ES_WS_FINE);
        assert_non_null(strstr(world_said(w), "done"));
    }
    for (int i = 0; i < 3; i++) assert_int_equal(es_client_piece(w->client, "", 0, 0, false, true), ES_WS_FINE);
    assert_int_equal(es_client_piece(w->client, "", 0, 0, false, true), ES_WS_TOO_MANY_FRAGMENTS);
    world_destroy(w);
}

static void depth_is_limited(void **state)
{
    (void)state;
    world_t *w = world_new(&es_flat, "");
    w->env.limits.max_depth = 2;
    assert_int_equal(world_text(w, "{\"type\":[[[1]]]}"), ES_WS_FINE);
    assert_non_null(strstr(world_said(w), "nested deeper than 2 levels"));
    world_destroy(w);
}

static void who_sends_too_fast_is_held(void **state)
{
    (void)state;
    world_t *w = world_new(&es_flat, "");
    w->env.limits.pace = (es_pace_limits_t){.messages = 10, .patience_us = 10 * SECOND};
    w->env.now_us = 1000 * SECOND;
    for (int i = 0; i < 10; i++) world_chunk(w, 2);
    assert_int_equal(w->throttles, 0);
    assert_int_equal(world_chunk(w, 2), ES_WS_FINE);
    assert_int_equal(w->throttles, 1);
    w->env.now_us += SECOND / 20;
    es_client_tick(w->client);
    assert_int_equal(w->unthrottles, 0);
    w->env.now_us += SECOND / 20;
    assert_ptr_equal(es_timers_due(&w->env.timers, w->env.now_us), &w->client->timer);
    es_client_tick(w->client);
    assert_int_equal(w->unthrottles, 1);
    world_destroy(w);
}

/* Goes on as soon as it is read. */
static es_ws_why_t goes_on(world_t *w, unsigned (*say)(world_t *w))
{
    for (int i = 0; i < 100000; i++) {
        es_ws_why_t why = say(w);
        if (why) return why;
        if (!w->client->throttled) continue;
        w->env.now_us = w->client->pace.until_us;
        es_client_tick(w->client);
    }
    return ES_WS_FINE;
}

static unsigned say_ping(world_t *w)
{
    unsigned why = world_text(w, "{\"type\":\"ping\"}");
    while (*world_said(w)) continue;
    return why;
}

static unsigned say_fragment(world_t *w)
{
    return es_client_piece(w->client, "", 0, 0, false, true);
}

static unsigned say_control(world_t *w)
{
    es_client_control(w->client, 1, 100);
    return w->close_code == es_ws_close(ES_WS_FLOOD)->code ? ES_WS_FLOOD : ES_WS_FINE;
}

static void who_goes_on_is_closed(void **state)
{
    (void)state;
    unsigned (*const ways[])(world_t *) = {say_ping, say_fragment, say_control};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        world_t *w = world_new(&es_flat, "");
        w->env.limits.max_fragments = UINT64_MAX;
        w->env.limits.pace = (es_pace_limits_t){.messages = 100, .bytes = 100000, .patience_us = 10 * SECOND};
        w->env.now_us = 1000 * SECOND;
        assert_int_equal(goes_on(w, ways[i]), ES_WS_FLOOD);
        assert_in_range(w->env.now_us, 1010 * SECOND, 1012 * SECOND);
        world_destroy(w);
    }
}

static void a_ping_is_a_frame_of_its_own(void **state)
{
    (void)state;
    world_t *w = world_new(&es_flat, "");
    const uint8_t *out;
    es_client_ping(w->client);
    assert_int_equal(es_client_next(w->client, 65536, &out), 6);
    assert_memory_equal(out, "\x89\x04", 2);
    es_client_written(w->client, 6);
    world_text(w, "{\"type\":\"ping\"}");
    es_client_ping(w->client);
    assert_string_equal(world_said(w), "{\"type\":\"pong\"}");
    assert_int_equal(es_client_next(w->client, 65536, &out), 6);
    world_destroy(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(text_has_a_limit_of_its_own),
                                       cmocka_unit_test(fragments_are_counted),
                                       cmocka_unit_test(depth_is_limited),
                                       cmocka_unit_test(who_sends_too_fast_is_held),
                                       cmocka_unit_test(who_goes_on_is_closed),
                                       cmocka_unit_test(a_ping_is_a_frame_of_its_own)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
