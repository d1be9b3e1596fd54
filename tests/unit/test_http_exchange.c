#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http_world.h"

#define GET "GET /one HTTP/1.1\r\nHost: a\r\n\r\n"

static void parameters_are_decoded(void **state)
{
    static const struct {
        const char *name;
        int want;
        const char *value;
    } cases[] = {{"a", 1, "1 2"}, {"b", 1, "x=y"}, {"c d", 1, "\xc3\xa9"}, {"e", 1, ""},    {"f", 1, ""},
                 {"g", -1, ""},   {"h", -1, ""},   {"i", -1, ""},          {"none", 0, ""}, {"j", 1, "12345"}};
    (void)state;
    world_t *world = world_new(world_take);
    world_say(world,
              "GET /?a=1+2&&a=3&b=x=y&c%20d=%C3%a9&e=&f&g=%4&h=123456&i=%00&j=12345 HTTP/1.1\r\nHost: a\r\n\r\n");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char out[6];
        assert_int_equal(es_http_parameter(world_heard.x, cases[i].name, out, sizeof out), cases[i].want);
        assert_string_equal(out, cases[i].value);
    }
    world_destroy(world);
}

static void answers_in_pieces(void **state)
{
    static const struct {
        const char *request;
        int64_t length;
        unsigned status;
        const char *framing, *body;
    } cases[] = {{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", -1, 200, "transfer-encoding: chunked",
                  "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"},
                 {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 5, 206, "content-length: 5", "abcde"},
                 {"GET / HTTP/1.0\r\n\r\n", -1, 200, "connection: close", "abcde"},
                 {"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", 5, 200, "content-length: 5", ""},
                 {"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", -1, 200, "HTTP/1.1 200 OK", ""},
                 {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", -1, 204, "HTTP/1.1 204 No Content", ""}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        world_t *world = world_new(world_take);
        world_say(world, cases[i].request);
        es_http_begin(world_heard.x, cases[i].status, "text/plain", NULL, cases[i].length);
        es_http_write(world_heard.x, "abc", 3);
        world_run(world);
        es_http_write(world_heard.x, "", 0);
        es_http_write(world_heard.x, "de", 2);
        es_http_finish(world_heard.x);
        world_run(world);
        assert_true(world_got(world, cases[i].framing));
        assert_string_equal(strstr(world->out, "\r\n\r\n") + 4, cases[i].body);
        assert_true(world_heard.answered);
        world_destroy(world);
    }
}

static void an_answer_that_is_not_whole_is_cut(void **state)
{
    (void)state;
    for (int how = 0; how < 3; how++) {
        world_t *world = world_new(world_take);
        world_say(world, GET);
        es_http_begin(world_heard.x, 200, NULL, NULL, how == 2 ? -1 : 5);
        es_http_write(world_heard.x, "toolong", how == 0 ? 3 : 7 * (how == 1));
        if (how < 2) es_http_finish(world_heard.x);
        if (how == 2) es_http_abort(world_heard.x);
        world_run(world);
        assert_int_equal(world->state, ES_CONN_CUT);
        assert_true(world_heard.overs == 1 && !world_heard.answered);
        world_destroy(world);
    }
}

static void a_full_queue_says_so_and_room_is_told(void **state)
{
    static char piece[65536];
    (void)state;
    world_t *world = world_new(world_take);
    world_say(world, GET);
    world->out_room = 0;
    es_http_begin(world_heard.x, 200, NULL, NULL, -1);
    unsigned taken = 1;
    while (es_http_write(world_heard.x, piece, sizeof piece)) taken++;
    assert_int_equal(taken, 4);
    world_run(world);
    assert_true(world->writing);
    world->out_room = sizeof piece;
    world_run(world);
    assert_int_equal(world_heard.rooms, 0);
    world->out_room = SIZE_MAX;
    world_run(world);
    assert_int_equal(world_heard.rooms, 1);
    assert_true(es_http_write(world_heard.x, piece, sizeof piece));
    es_http_finish(world_heard.x);
    world_run(world);
    assert_true(world_heard.answered && world_heard.rooms == 1);
    world_destroy(world);
}

static void headers_of_a_handler_end_no_line(void **state)
{
    static const char *const headers[] = {"location", "/a\r\nX: y", "Cache-Control", "max-age=1", NULL};
    (void)state;
    world_t *world = world_new(world_take);
    world_say(world, GET);
    es_http_reply(world_heard.x, 202, "text/plain", headers, NULL, 0);
    world_run(world);
    assert_true(world_got(world, "location: /a??X: y\r\n") && world_got(world, "Cache-Control: max-age=1\r\n"));
    assert_false(world_got(world, "no-store"));
    assert_true(world_got(world, "x-content-type-options: nosniff\r\n"));
    world_destroy(world);
}

static void a_refusal_is_json(void **state)
{
    (void)state;
    world_t *world = world_new(world_take);
    world_say(world, GET);
    es_http_refuse(world_heard.x, 507, "spool_full", "%s has \"%d\" bytes.", "It", 7);
    world_run(world);
    assert_int_equal(world_status(world), 507);
    assert_string_equal(world_body(world), "{\"error\":\"spool_full\",\"message\":\"It has \\\"7\\\" bytes.\"}\n");
    world_destroy(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(parameters_are_decoded),
                                       cmocka_unit_test(answers_in_pieces),
                                       cmocka_unit_test(an_answer_that_is_not_whole_is_cut),
                                       cmocka_unit_test(a_full_queue_says_so_and_room_is_told),
                                       cmocka_unit_test(headers_of_a_handler_end_no_line),
                                       cmocka_unit_test(a_refusal_is_json)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
