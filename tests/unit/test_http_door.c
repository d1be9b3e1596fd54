/* Requests that wait before they are looked at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http_world.h"

#define POST(length) "POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: " length "\r\n\r\n"
#define GET "GET /one HTTP/1.1\r\nHost: a\r\n\r\n"
#define GET_TWO "GET /two HTTP/1.1\r\nHost: a\r\n\r\n"

static void reply(es_http_exchange_t *x)
{
    es_span_t path = es_http_path(x);
    es_http_reply(x, 200, "text/plain", NULL, path.ptr, path.len);
}

static void who_waits_at_the_door_is_let_in_one_by_one(void **state)
{
    (void)state;
    world_t *world = world_new(reply);
    world->guarded = true;
    world_say(world, POST("5") "hello" GET_TWO);
    assert_int_equal(world->requests, 0);
    assert_true(es_http_conn_busy(world->x) && world->reading);
    assert_int_equal(es_http_conn_deadline(world->x), UINT64_MAX); /* it is us who let it wait */
    world_wait(world, 3600 * WORLD_SECOND);
    world->env.closing = true;
    world_run(world);
    world->env.closing = false;
    assert_int_equal(world->out_len, 0);
    world_admit(world);
    assert_int_equal(world->requests, 1);
    assert_true(world_got(world, "/up") && !world_got(world, "/two"));
    world_admit(world);
    assert_true(world_got(world, "/two"));
    world_admit(world); /* nobody is there */
    assert_int_equal(world->requests, 2);
    world->guarded = false;
    world_say(world, GET);
    assert_int_equal(world->requests, 3);
    world_destroy(world);
}

static void an_upgrade_waits_at_the_door_too(void **state)
{
    (void)state;
    world_t *world = world_new(reply);
    world->guarded = true;
    world_say(world, "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\nframes");
    assert_int_equal(world->state, ES_CONN_OPEN);
    world_admit(world);
    assert_int_equal(world->state, ES_CONN_UPGRADE);
    assert_true(es_span_eq(es_http_conn_ahead(world->x), es_span("frames")));
    world_destroy(world);
}

static void what_is_sent_ahead_at_the_door_is_bounded(void **state)
{
    static char ahead[4 * ES_HTTP_AHEAD_MAX];
    (void)state;
    world_t *world = world_new(reply);
    world->guarded = true;
    world_say(world, GET);
    memset(ahead, 'x', sizeof ahead);
    world_say_bytes(world, ahead, sizeof ahead);
    assert_int_equal(sizeof ahead - world->in_len, ES_HTTP_AHEAD_MAX);
    assert_false(world->reading);
    world_destroy(world);
}

static void who_goes_from_the_door_is_gone(void **state)
{
    (void)state;
    world_t *world = world_new(reply);
    world->guarded = true;
    world_say(world, GET);
    world->broken = true;
    world_run(world);
    assert_int_equal(world->state, ES_CONN_CLOSED);
    world_destroy(world);
    world = world_new(reply);
    world->guarded = world->eof = true; /* and who has said all has its answer */
    world_say(world, GET);
    assert_int_equal(world->state, ES_CONN_OPEN);
    world_admit(world);
    assert_int_equal(world_status(world), 200);
    assert_int_equal(world->state, ES_CONN_CLOSED);
    world_destroy(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(who_waits_at_the_door_is_let_in_one_by_one),
                                       cmocka_unit_test(an_upgrade_waits_at_the_door_too),
                                       cmocka_unit_test(what_is_sent_ahead_at_the_door_is_bounded),
                                       cmocka_unit_test(who_goes_from_the_door_is_gone)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
