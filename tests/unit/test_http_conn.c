#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "edge_metrics.h"
#include "http_world.h"

#define POST(length) "POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: " length "\r\n\r\n"
#define CHUNKED "POST /up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
#define GET "GET /one HTTP/1.1\r\nHost: a\r\n\r\n"
#define GET_TWO "GET /two HTTP/1.1\r\nHost: a\r\n\r\n"

static void reply(es_http_exchange_t *x)
{
    es_span_t path = es_http_path(x);
    es_http_reply(x, 200, "text/plain", NULL, path.ptr, path.len);
}

static void nothing(es_http_exchange_t *x)
{
    (void)x;
}

/* ---- requests */

static void requests_sent_ahead_are_answered_in_turn(void **state)
{
    (void)state;
    world_t *world = world_new(reply);
    world_say(world, GET GET_TWO);
    assert_int_equal(world->requests, 2);
    const char *one = strstr(world->out, "\r\n\r\n/one"), *two = strstr(world->out, "\r\n\r\n/two");
    assert_true(one && two && one < two);
    assert_int_equal(world->state, ES_CONN_OPEN);
    assert_true(world->reading && !world->writing);
    world->serve = world_take;
    world_say(world, GET GET_TWO);
    assert_int_equal(world->requests, 3);
    world->serve = reply;
    world_finish(world);
    assert_int_equal(world->requests, 4);
    assert_true(world_heard.answered && world_heard.overs == 1 && world_heard.ends == 1);
    world_destroy(world);
}

static void who_sends_too_far_ahead_is_read_no_more(void **state)
{
    (void)state;
    static char many[2 * ES_HTTP_AHEAD_MAX];
    world_t *world = world_new(world_take);
    memset(many, 'x', sizeof many);
    world_say(world, GET);
    world_say_bytes(world, many, sizeof many);
    assert_false(world->reading);
    assert_int_equal(sizeof many - world->in_len, ES_HTTP_AHEAD_MAX);
    world_destroy(world);
    assert_true(world_heard.overs == 1 && !world_heard.answered);
}

static void a_request_nobody_takes_is_404(void **state)
{
    (void)state;
    world_t *world = world_new(nothing);
    world_say(world, GET);
    assert_int_equal(world_status(world), 404);
    world_destroy(world);
}

static void a_bad_head_is_answered_and_the_connection_closed(void **state)
{
    (void)state;
    world_t *world = world_new(reply);
    world_say(world, "GET / HTTP/1.1\r\nHost : a\r\n\r\n" GET);
    assert_int_equal(world_status(world), 400);
    assert_true(world_got(world, "connection: close\r\n") && world_got(world, "\"error\":\"bad_field\""));
    assert_int_equal(world->requests, 0);
    assert_true(world->half_closed);
    world->eof = true;
    world_run(world);
    assert_int_equal(world->state, ES_CONN_CLOSED);
    world_destroy(world);
}

static void close_is_kept_to(void **state)
{
    static const char *const closing[] = {"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" GET,
                                          "GET / HTTP/1.0\r\n\r\n" GET, GET GET};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        world_t *world = world_new(reply);
        world->env.idle_us = i < 2 ? WORLD_SECOND : 0;
        world_say(world, closing[i]);
        assert_true(world_got(world, "connection: close\r\n") && world->half_closed);
        assert_int_equal(world->requests, 1);
        world_wait(world, 5 * WORLD_SECOND);
        assert_int_equal(world->state, ES_CONN_CLOSED);
        world_destroy(world);
    }
}

static void going_down_closes_what_is_idle_and_keeps_no_connection(void **state)
{
    (void)state;
    world_t *idle = world_new(reply), *busy = world_new(world_take);
    world_say(busy, GET);
    idle->env.closing = busy->env.closing = true;
    world_run(idle);
    world_run(busy);
    assert_int_equal(idle->state, ES_CONN_CLOSED);
    assert_true(es_http_conn_busy(busy->x));
    world_finish(busy);
    assert_true(world_got(busy, "connection: close\r\n"));
    world_destroy(idle);
    world_destroy(busy);
}

static void an_upgrade_is_handed_on_with_what_follows(void **state)
{
    (void)state;
    world_t *world = world_new(reply);
    world_say(world, "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\nframes");
    assert_int_equal(world->state, ES_CONN_UPGRADE);
    assert_int_equal(world->requests, 0);
    assert_true(es_span_eq(es_http_conn_ahead(world->x), es_span("frames")));
    es_http_reply(world->x, 403, NULL, NULL, "no", 2);
    world_run(world);
    assert_int_equal(world->state, ES_CONN_OPEN);
    assert_int_equal(world_status(world), 403);
    world_destroy(world);
    world = world_new(reply);
    world_say(world, "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 8\r\n\r\n");
    assert_int_equal(world_status(world), 426);
    assert_true(world_got(world, "sec-websocket-version: 13\r\n"));
    world_destroy(world);
}

/* ---- bodies */

static void bodies_come_in_pieces_however_they_are_framed(void **state)
{
    static const char *const framed[] = {POST("11") "hello world" GET_TWO,
                                         CHUNKED "6\r\nhello \r\n5;x=y\r\nworld\r\n0\r\n\r\n" GET_TWO};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        world_t *world = world_new(world_take);
        for (const char *at = framed[i]; *at; at++) world_say_bytes(world, at, 1);
        assert_string_equal(world_heard.body, "hello world");
        assert_int_equal(world_heard.ends, 1);
        assert_int_equal(es_http_body_length(world_heard.x), i ? -1 : 11);
        world->serve = reply;
        world_finish(world);
        assert_true(world_got(world, "/two") && world_heard.answered);
        world_destroy(world);
    }
}

static void who_waits_for_100_gets_it(void **state)
{
    static const char head[] = "POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";
    (void)state;
    world_t *world = world_new(world_take);
    world_say(world, head);
    assert_string_equal(world->out, "HTTP/1.1 100 Continue\r\n\r\n");
    world_say(world, "hello");
    world_finish(world);
    assert_int_equal(world_status(world), 200);
    assert_false(world_got(world, "connection: close"));
    world_destroy(world);

    world = world_new(reply); /* who is refused instead may send it or not: nothing after it can be understood */
    world_say(world, head);
    assert_false(world_got(world, "100 Continue"));
    assert_true(world_got(world, "connection: close"));
    world_destroy(world);
}

static void a_paused_body_is_not_read_and_has_no_deadline(void **state)
{
    (void)state;
    world_t *world = world_new(world_take);
    world_say(world, POST("50000") "first");
    es_http_pause(world_heard.x, true);
    world_run(world);
    assert_false(world->reading);
    assert_int_equal(es_http_conn_deadline(world->x), UINT64_MAX);
    world_say(world, "second");
    world_wait(world, 3600 * WORLD_SECOND);
    assert_string_equal(world_heard.body, "first");
    es_http_pause(world_heard.x, false);
    world_wait(world, WORLD_SECOND);
    assert_string_equal(world_heard.body, "firstsecond");
    assert_int_equal(world_status(world), 0);
    world_wait(world, 30 * WORLD_SECOND);
    assert_int_equal(world_status(world), 408);
    world_destroy(world);
}

static void an_early_answer_to_a_long_body_ends_the_connection_gently(void **state)
{
    (void)state;
    world_t *world = world_new(reply);
    world_say(world, POST("99999999") "some of it");
    assert_true(world_got(world, "connection: close") && world->half_closed && world->reading);
    assert_int_equal(world->state, ES_CONN_OPEN);
    world_say(world, "more of it");
    assert_int_equal(world->in_len, 0); /* read away, so that nothing resets the connection */
    world_wait(world, 5 * WORLD_SECOND - 1);
    assert_int_equal(world->state, ES_CONN_OPEN);
    world_wait(world, 1);
    assert_int_equal(world->state, ES_CONN_CLOSED);
    world_destroy(world);
}

static void the_rest_of_a_short_body_is_read_away(void **state)
{
    (void)state;
    world_t *world = world_new(reply);
    world_say(world, POST("20") "only half ");
    assert_int_equal(world_status(world), 200);
    assert_false(world_got(world, "connection: close"));
    world_say(world, "the other"
                     "!" GET_TWO);
    assert_int_equal(world->requests, 2);
    world_say(world, POST("20") "only half ");
    world_wait(world, 30 * WORLD_SECOND); /* who does not send it has its answer all the same */
    assert_true(world->half_closed);
    assert_false(world_got(world, "408"));
    world_destroy(world);
}

static void too_much_is_413(void **state)
{
    (void)state;
    world_t *world = world_new(world_take);
    world_say(world, "POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 100001\r\nExpect: 100-continue\r\n\r\n");
    assert_int_equal(world_status(world), 413);
    assert_false(world_got(world, "100 Continue"));
    assert_true(world_heard.overs == 1 && world_heard.answered && !world_heard.body_len && !world_heard.ends);
    world_destroy(world);

    static char big[100001];
    memset(big, 'x', sizeof big);
    world = world_new(world_take);
    world_say(world, CHUNKED "186a1\r\n");
    world_say_bytes(world, big, sizeof big);
    assert_int_equal(world_status(world), 413);
    assert_true(world_heard.overs == 1 && !world_heard.ends);
    world_destroy(world);
}

static void no_chunks_are_400_and_cut_an_answer_that_has_begun(void **state)
{
    (void)state;
    world_t *world = world_new(world_take);
    world_say(world, CHUNKED "5\r\nhelloX");
    assert_int_equal(world_status(world), 400);
    assert_true(world_heard.overs == 1 && !world_heard.ends && world_got(world, "bad_chunk"));
    world_destroy(world);
    world = world_new(world_take);
    world_say(world, CHUNKED "5\r\nhel");
    es_http_begin(world_heard.x, 200, NULL, NULL, -1);
    world_say(world, "loX");
    assert_int_equal(world->state, ES_CONN_CUT);
    assert_true(world_heard.overs == 1 && !world_heard.answered);
    world_destroy(world);
}

static void a_client_that_goes_in_the_middle_is_gone(void **state)
{
    (void)state;
    world_t *world = world_new(world_take);
    world->eof = true;
    world_say(world, POST("20") "half");
    assert_int_equal(world->state, ES_CONN_CLOSED);
    assert_true(world_heard.overs == 1 && !world_heard.answered && !world_heard.ends);
    world_destroy(world);
    world = world_new(world_take);
    world_say(world, POST("20") "half");
    world->broken = true;
    world_run(world);
    assert_int_equal(world->state, ES_CONN_CLOSED);
    assert_int_equal(world_heard.overs, 1);
    world_destroy(world);
    assert_int_equal(world_heard.overs, 1);
}

static void who_only_says_no_more_gets_its_answer(void **state)
{
    (void)state;
    world_t *world = world_new(world_take);
    world->eof = true;
    world_say(world, POST("4") "half");
    assert_int_equal(world->state, ES_CONN_OPEN);
    assert_false(world->reading);
    world_finish(world);
    assert_int_equal(world_status(world), 200);
    assert_int_equal(world->state, ES_CONN_CLOSED);
    world_destroy(world);
}

/* ---- time */

static void slow_heads_are_408_and_idle_connections_go_quietly(void **state)
{
    (void)state;
    uint64_t idled = es_metric_get(&es_edge_http_idled);
    world_t *world = world_new(reply);
    world_wait(world, 9 * WORLD_SECOND);
    world_say(world, "GET / HT");
    world_wait(world, 9 * WORLD_SECOND);
    world_say(world, "TP/1.1\r\n");
    assert_int_equal(es_http_conn_deadline(world->x), world->now_us + WORLD_SECOND);
    world_wait(world, WORLD_SECOND);
    assert_int_equal(world_status(world), 408);
    world_destroy(world);

    world = world_new(reply);
    world_wait(world, 10 * WORLD_SECOND);
    assert_true(world->state == ES_CONN_CLOSED && !world->out_len);
    world_destroy(world);

    world = world_new(reply);
    world_say(world, GET);
    world_forget(world);
    world_wait(world, 14 * WORLD_SECOND);
    assert_int_equal(world->state, ES_CONN_OPEN);
    assert_int_equal(es_metric_get(&es_edge_http_idled), idled);
    world_wait(world, WORLD_SECOND);
    assert_true(world->state == ES_CONN_CLOSED && !world->out_len);
    assert_int_equal(es_metric_get(&es_edge_http_idled), idled + 1);
    world_destroy(world);
}

/* The status after pieces of 400 bytes at these distances. */
static unsigned trickle(const char *head, size_t pieces, uint64_t apart_us)
{
    char piece[400];
    memset(piece, 'a', sizeof piece);
    world_t *world = world_new(world_take);
    world->env.body_least = 1000;
    world_say(world, head);
    for (size_t i = 0; i < pieces && !world_status(world); i++) {
        world_wait(world, apart_us);
        if (!world_status(world)) world_say_bytes(world, piece, sizeof piece);
    }
    if (world_heard.ends) world_finish(world);
    unsigned status = world_status(world);
    world_destroy(world);
    return status;
}

static void a_body_comes_at_a_least_rate_or_to_its_end(void **state)
{
    (void)state;
    assert_int_equal(trickle(POST("4000"), 10, 9 * WORLD_SECOND), 200);
    assert_int_equal(trickle(POST("4000"), 10, 11 * WORLD_SECOND), 408);
    assert_int_equal(trickle(POST("800"), 2, 14 * WORLD_SECOND), 200); /* that is all */
    assert_int_equal(trickle(POST("1600"), 4, 9 * WORLD_SECOND), 200); /* 1200, and the rest */
    assert_int_equal(trickle(CHUNKED "1000\r\n", 5, 9 * WORLD_SECOND), 0);
    assert_int_equal(trickle(CHUNKED "1000\r\n", 5, 11 * WORLD_SECOND), 408);
}

static void the_clock_of_a_body_stands_while_it_is_not_read(void **state)
{
    (void)state;
    world_t *world = world_new(world_take);
    world->env.body_least = 1000;
    world_say(world, POST("4000"));
    world_say(world, "a");
    world_wait(world, 29 * WORLD_SECOND);
    es_http_pause(world_heard.x, true);
    world_wait(world, 3600 * WORLD_SECOND);
    es_http_pause(world_heard.x, false);
    world_run(world);
    world_wait(world, 29 * WORLD_SECOND);
    world_say(world, "a");
    assert_int_equal(world_status(world), 0);
    world_wait(world, WORLD_SECOND);
    assert_int_equal(world_status(world), 408);
    world_destroy(world);
}

static void who_does_not_take_its_answer_is_cut_off(void **state)
{
    (void)state;
    world_t *world = world_new(world_take);
    world_say(world, GET);
    world->out_room = 10;
    world_wait(world, 3600 * WORLD_SECOND); /* the handler may think as long as it likes */
    world_finish(world);
    assert_int_equal(es_http_conn_deadline(world->x), world->now_us + 20 * WORLD_SECOND);
    world->out_room = 10;
    world_wait(world, 19 * WORLD_SECOND);
    assert_int_equal(world->state, ES_CONN_OPEN);
    world_wait(world, 20 * WORLD_SECOND);
    assert_int_equal(world->state, ES_CONN_CUT);
    assert_true(world_heard.overs == 1 && !world_heard.answered);
    world_destroy(world);
}

static void what_is_said_after_a_dismissal_is_not_heard(void **state)
{
    (void)state;
    world_t *world = world_new(world_take);
    world_say(world, POST("20") "half");
    es_http_exchange_t *x = world_heard.x;
    world->out_room = 0;
    world_wait(world, 30 * WORLD_SECOND);
    assert_int_equal(world_heard.overs, 1); /* at once, although the 408 still waits */
    es_http_reply(x, 200, "text/plain", NULL, "late", 4);
    world->out_room = SIZE_MAX;
    world_run(world);
    assert_int_equal(world_status(world), 408);
    assert_false(world_got(world, "late"));
    world_destroy(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(requests_sent_ahead_are_answered_in_turn),
                                       cmocka_unit_test(who_sends_too_far_ahead_is_read_no_more),
                                       cmocka_unit_test(a_request_nobody_takes_is_404),
                                       cmocka_unit_test(a_bad_head_is_answered_and_the_connection_closed),
                                       cmocka_unit_test(close_is_kept_to),
                                       cmocka_unit_test(going_down_closes_what_is_idle_and_keeps_no_connection),
                                       cmocka_unit_test(an_upgrade_is_handed_on_with_what_follows),
                                       cmocka_unit_test(bodies_come_in_pieces_however_they_are_framed),
                                       cmocka_unit_test(who_waits_for_100_gets_it),
                                       cmocka_unit_test(a_paused_body_is_not_read_and_has_no_deadline),
                                       cmocka_unit_test(an_early_answer_to_a_long_body_ends_the_connection_gently),
                                       cmocka_unit_test(the_rest_of_a_short_body_is_read_away),
                                       cmocka_unit_test(too_much_is_413),
                                       cmocka_unit_test(no_chunks_are_400_and_cut_an_answer_that_has_begun),
                                       cmocka_unit_test(a_client_that_goes_in_the_middle_is_gone),
                                       cmocka_unit_test(who_only_says_no_more_gets_its_answer),
                                       cmocka_unit_test(slow_heads_are_408_and_idle_connections_go_quietly),
                                       cmocka_unit_test(a_body_comes_at_a_least_rate_or_to_its_end),
                                       cmocka_unit_test(the_clock_of_a_body_stands_while_it_is_not_read),
                                       cmocka_unit_test(who_does_not_take_its_answer_is_cut_off),
                                       cmocka_unit_test(what_is_said_after_a_dismissal_is_not_heard)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
