/* The right of a route is asked for before its handler sees the request. */
#include "access/access.h"
#include "edge_metrics.h"
#include "http_world.h"
#include "identity_world.h"

static es_client_env_t env;
static es_access_t access_to = {.ticket_us = 30000000, .operator= & world_operator, .env = &env};
static es_http_router_t router;
static es_guest_t *guest;
static unsigned admitted;

static void say_ok(void *ctx, es_http_exchange_t *x, const es_span_t *ids)
{
    (void)ctx;
    (void)ids;
    es_http_reply(x, 200, "text/plain", NULL, "ok", 2);
}

static void say_who(void *ctx, es_http_exchange_t *x, const es_span_t *ids)
{
    char text[300];
    (void)ctx;
    (void)ids;
    int len = snprintf(text, sizeof text, "\"%s\"%s", es_http_principal(x), es_http_whoever(x) ? " sees all" : ".");
    es_http_reply(x, 200, "text/plain", NULL, text, (size_t)len);
}

static const es_http_route_t routes[] = {{"GET", "/who", say_who, ES_RIGHT_JOBS},
                                         {"GET", "/public", say_ok, ES_HTTP_PUBLIC},
                                         {"GET", "/jobs/{id}", say_ok, ES_RIGHT_JOBS},
                                         {"POST", "/jobs", say_ok, ES_RIGHT_JOBS},
                                         {"GET", "/metrics", say_ok, ES_RIGHT_DASHBOARD},
                                         {"GET", "/house", say_ok, ES_RIGHT_DASHBOARD | ES_HTTP_GUARDED},
                                         {0}};

static void serve(es_http_exchange_t *x)
{
    if (es_span_eq(es_http_path(x), es_span("/ws")))
        admitted = es_access_admit(&access_to, x, "", "a", &guest);
    else
        es_http_router_serve(&router, x);
}

static void begin(const char *keys)
{
    env = (es_client_env_t){.now_us = 1000000, .wall_ms = 1234567890123};
    env.identity = world_identity((es_identity_config_t){.api_keys = keys ? world_file("keys", keys) : NULL});
    router = (es_http_router_t){.allows = es_access_allows, .allows_ctx = &access_to};
    es_http_router_add(&router, routes, NULL);
    es_http_router_add(&router, es_access_routes, &access_to);
}

/* A request with these header lines, on a connection of its own. */
static world_t *ask_by(const char *host, const char *method, const char *target, const char *lines)
{
    static char request[2048];
    world_t *world = world_new(serve);
    snprintf(request, sizeof request, "%s %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", method, target, host, lines);
    world_say(world, request);
    return world;
}

static world_t *ask(const char *method, const char *target, const char *lines)
{
    return ask_by("a", method, target, lines);
}

#define CI "Authorization: Bearer " CI_KEY "\r\n"
#define BOSS "Authorization: Bearer " OPERATOR "\r\n"
#define WRONG "Authorization: Bearer earshot_wrong-wrong-wrong-wrong\r\n"

typedef struct {
    const char *method, *target, *lines;
    unsigned status;
    const char *says; /* NULL: anything */
} case_t;

static void check(const case_t *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        world_t *world = ask(cases[i].method, cases[i].target, cases[i].lines);
        if (world_status(world) != cases[i].status || (cases[i].says && !world_got(world, cases[i].says)))
            fail_msg("case %zu: %s %s: %s", i, cases[i].method, cases[i].target, world->out);
        assert_null(strstr(world->out, CI_KEY));
        assert_null(strstr(world->out, OPERATOR));
        world_destroy(world);
    }
}

static void where_nobody_is_asked_only_the_house_is_guarded(void **state)
{
    (void)state;
    static const case_t cases[] = {{"GET", "/public", "", 200, NULL},
                                   {"GET", "/jobs/1", "", 200, NULL},
                                   {"GET", "/jobs/1", WRONG, 200, NULL},
                                   {"GET", "/metrics", "", 200, NULL},
                                   {"GET", "/house", "", 401, "operator's token"},
                                   {"GET", "/house", WRONG, 401, "\"error\":\"unauthorized\""},
                                   {"GET", "/house", BOSS, 200, NULL},
                                   {"POST", "/api/ticket", "", 200, "\"expires_in\":30"},
                                   {"POST", "/api/ticket", WRONG, 200, "cache-control: no-store"}};
    begin(NULL);
    check(cases, sizeof cases / sizeof *cases);
    es_identity_destroy(&env.identity);
}

static void where_somebody_is_asked_rights_count(void **state)
{
    (void)state;
    static const case_t cases[] = {{"GET", "/public", "", 200, NULL},
                                   {"GET", "/jobs/1", "", 401, "www-authenticate: Bearer realm=\"earshot\"\r\n"},
                                   {"HEAD", "/jobs/1", "", 401, NULL},
                                   {"GET", "/jobs/1", WRONG, 401, "error=\"invalid_token\""},
                                   {"GET", "/jobs/1", WRONG, 401, "\"error\":\"unknown_token\""},
                                   {"GET", "/jobs/1", "Authorization: Basic YTpi\r\n", 401, NULL},
                                   {"GET", "/jobs/1", CI, 200, NULL},
                                   {"GET", "/jobs/1", BOSS, 200, NULL},
                                   {"GET", "/metrics", "", 401, NULL},
                                   {"GET", "/metrics", CI, 403, "needs the right dashboard"},
                                   {"GET", "/metrics", CI, 403, "error=\"insufficient_scope\", scope=\"dashboard\""},
                                   {"GET", "/house", CI, 403, "\"error\":\"forbidden\""},
                                   {"GET", "/house", BOSS, 200, NULL},
                                   {"GET", "/nowhere", "", 404, NULL},
                                   {"DELETE", "/jobs/1", "", 405, NULL},
                                   {"POST", "/api/ticket", "", 401, "unauthorized"},
                                   {"POST", "/api/ticket", WRONG, 401, "unknown_token"},
                                   {"POST", "/api/ticket", CI, 200, "\"ticket\":\""}};
    begin("ci " CI_DIGEST " jobs\n");
    check(cases, sizeof cases / sizeof *cases);
    es_identity_destroy(&env.identity);
}

static void a_request_is_in_somebodys_name(void **state)
{
    (void)state;
    static const case_t open[] = {{"GET", "/who", "", 200, "\"\"."},
                                  {"GET", "/who", WRONG, 200, "\"\"."},
                                  {"GET", "/who", BOSS, 200, "\"\" sees all"}};
    static const case_t asking[] = {{"GET", "/who", CI, 200, "\"key:ci\"."},
                                    {"GET", "/who", BOSS, 200, "\"operator\" sees all"}};
    begin(NULL);
    check(open, sizeof open / sizeof *open);
    es_identity_destroy(&env.identity);
    begin("ci " CI_DIGEST " jobs\n");
    check(asking, sizeof asking / sizeof *asking);
    world_t *world = ask("GET", "/who", BOSS);
    world_say(world, "GET /who HTTP/1.1\r\nHost: a\r\n" CI "\r\n");
    assert_non_null(strstr(strstr(world->out, "sees all"), "\"key:ci\".")); /* the next request is another one */
    world_destroy(world);
    es_identity_destroy(&env.identity);
}

static void pages_of_others_change_nothing(void **state)
{
    (void)state;
    static const case_t cases[] = {{"POST", "/jobs", "Origin: http://evil\r\n", 403, "foreign_origin"},
                                   {"POST", "/jobs", "Origin: null\r\n", 403, "foreign_origin"},
                                   {"POST", "/api/ticket", "Origin: http://evil\r\n", 403, "foreign_origin"},
                                   {"POST", "/jobs", "Origin: http://a\r\n", 200, NULL},
                                   {"POST", "/jobs", "Origin: http://friend\r\n", 200, NULL},
                                   {"GET", "/jobs/1", "Origin: http://evil\r\n", 200, NULL}};
    begin(NULL);
    access_to.allow_origin = "http://friend";
    check(cases, sizeof cases / sizeof *cases);
    access_to.allow_origin = NULL;
    es_identity_destroy(&env.identity);
}

static unsigned status_by(const char *host, const char *method, const char *target, const char *lines)
{
    world_t *world = ask_by(host, method, target, lines);
    unsigned status = world_status(world);
    world_destroy(world);
    return status;
}

static void a_name_of_others_opens_nothing(void **state)
{
    (void)state;
    static const char *const methods[][2] = {
        {"GET", "/public"}, {"GET", "/jobs/1"}, {"HEAD", "/jobs/1"}, {"POST", "/jobs"}, {"GET", "/metrics"}};
    begin(NULL);
    access_to.nameless = true;
    uint64_t before = es_metric_get(&es_edge_host_refused);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        const char *method = methods[i][0], *target = methods[i][1];
        assert_int_equal(status_by("evil.example:8000", method, target, ""), 421);
        assert_int_equal(status_by("evil.example", method, target, "X-Forwarded-Proto: https\r\n"), 421);
        assert_int_equal(status_by("evil.example", method, target, "Origin: https://evil.example\r\n"), 421);
        assert_int_equal(status_by("127.0.0.1:8000", method, target, ""), 200);
        assert_int_equal(status_by("[::1]:8000", method, target, ""), 200);
        assert_int_equal(status_by("localhost:8000", method, target, ""), 200);
        assert_int_equal(status_by("edge", method, target, ""), 200);
    }
    assert_int_equal(es_metric_get(&es_edge_host_refused) - before, 3 * sizeof methods / sizeof *methods);
    assert_int_equal(es_access_admit(&access_to, NULL, "http://a.example:80", "a.example:80", &guest), 421);
    assert_int_equal(es_access_admit(&access_to, NULL, "", "a.example", &guest), 421);
    access_to.nameless = false;
    assert_int_equal(status_by("evil.example:8000", "GET", "/jobs/1", ""), 200);
    es_identity_destroy(&env.identity);
}

static void a_refused_name_hears_what_to_do(void **state)
{
    (void)state;
    begin(NULL);
    access_to.nameless = true;
    world_t *world = ask_by("ears.example:8000", "GET", "/jobs/1", "");
    assert_true(world_got(world, "HTTP/1.1 421 Misdirected Request\r\n"));
    assert_true(world_got(world, "\"error\":\"foreign_host\""));
    assert_true(world_got(world, "--allow-origin http://ears.example ("));
    world_destroy(world);
    access_to.allow_origin = "https://ears.example";
    assert_int_equal(status_by("ears.example:8000", "GET", "/jobs/1", ""), 200);
    assert_int_equal(status_by("evil.example:8000", "GET", "/jobs/1", ""), 421);
    access_to.allow_origin = NULL;
    access_to.nameless = false;
    es_identity_destroy(&env.identity);
}

static void who_may_be_called_by_any_name(void **state)
{
    (void)state;
    char err[600];
    const char *keys = world_file("keys", "ci " CI_DIGEST " jobs\n");
    const struct {
        es_edge_config_t config;
        bool nameless;
    } cases[] = {{{.host = (char[]){"127.0.0.1"}}, true},
                 {{.host = (char[]){"0.0.0.0"}}, true}, /* with --insecure */
                 {{.host = (char[]){"127.0.0.1"}, .tls_cert = (char[]){"cert"}}, false},
                 {{.host = (char[]){"0.0.0.0"}, .tls_cert = (char[]){"cert"}}, false},
                 {{.host = (char[]){"127.0.0.1"}, .api_keys = (char *)(uintptr_t)keys}, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        es_client_env_t here = {.wall_ms = 1};
        es_access_t self;
        assert_int_equal(es_access_init(&self, &cases[i].config, &world_operator, &here, err, sizeof err), 0);
        if (self.nameless != cases[i].nameless) fail_msg("case %zu", i);
        es_access_fini(&self);
    }
}

/* ---- WebSockets */

static es_guest_t *arrives(const char *target, const char *lines)
{
    guest = NULL;
    admitted = 999;
    world_destroy(ask("GET", target, lines));
    return guest;
}

static void whoever_comes_brings_what_it_has(void **state)
{
    (void)state;
    static const struct {
        const char *target, *lines;
        es_who_t who;
    } cases[] = {{"/ws", CI, ES_WHO_OK},
                 {"/ws?ticket=x", CI, ES_WHO_OK},
                 {"/ws", WRONG, ES_WHO_UNKNOWN},
                 {"/ws", "Authorization: Bearer \r\n", ES_WHO_MALFORMED},
                 {"/ws", "Authorization: Basic YTpi\r\n", ES_WHO_MISSING},
                 {"/ws?rate=8000", "", ES_WHO_MISSING}};
    begin("ci " CI_DIGEST " jobs\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        es_guest_t *who = arrives(cases[i].target, cases[i].lines);
        assert_int_equal(admitted, 0);
        assert_int_equal(who ? who->who : ES_WHO_MISSING, cases[i].who);
        es_guest_destroy(&who);
    }
    assert_non_null(arrives("/ws?ticket=nothing-that-was-ever-drawn", ""));
    assert_true(guest->who != ES_WHO_OK && !guest->principal);
    es_guest_destroy(&guest);
    es_identity_destroy(&env.identity);
}

static void a_ticket_is_good_once(void **state)
{
    (void)state;
    char target[128], drawn[64];
    begin("ci " CI_DIGEST " jobs\n");
    world_t *world = ask("POST", "/api/ticket", CI);
    assert_int_equal(sscanf(strstr(world->out, "\"ticket\":\""), "\"ticket\":\"%63[^\"]", drawn), 1);
    world_destroy(world);
    snprintf(target, sizeof target, "/ws?rate=8000&%%74icket=%s", drawn);
    es_guest_t *who = arrives(target, "");
    assert_int_equal(who->who, ES_WHO_OK);
    assert_string_equal(es_principal_name(who->principal), "key:ci");
    es_guest_destroy(&who);
    who = arrives(target, "");
    assert_int_equal(who->who, ES_WHO_UNKNOWN);
    es_guest_destroy(&who);
    es_identity_destroy(&env.identity);
}

static void the_query_goes_on_without_the_ticket(void **state)
{
    (void)state;
    static const char *const cases[][2] = {{"ticket=a", ""},
                                           {"rate=8000&ticket=a&partials=1", "rate=8000&partials=1"},
                                           {"%74icket=a&rate=8000", "rate=8000"},
                                           {"ticket=a&ticket=b", ""},
                                           {"tickets=a", "tickets=a"},
                                           {"a&b=&ticket", "a&b="}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char target[128], out[64];
        snprintf(target, sizeof target, "/ws?%s", cases[i][0]);
        world_t *world = world_new(world_take);
        char request[256];
        snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", target);
        world_say(world, request);
        assert_int_equal(es_http_query_without(world->x, "ticket", out, sizeof out), 0);
        assert_string_equal(out, cases[i][1]);
        assert_int_equal(es_http_query_without(world->x, "ticket", out, strlen(cases[i][1])), *cases[i][1] ? -1 : 0);
        world_destroy(world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(where_nobody_is_asked_only_the_house_is_guarded),
                                       cmocka_unit_test(where_somebody_is_asked_rights_count),
                                       cmocka_unit_test(a_request_is_in_somebodys_name),
                                       cmocka_unit_test(pages_of_others_change_nothing),
                                       cmocka_unit_test(a_name_of_others_opens_nothing),
                                       cmocka_unit_test(a_refused_name_hears_what_to_do),
                                       cmocka_unit_test(who_may_be_called_by_any_name),
                                       cmocka_unit_test(whoever_comes_brings_what_it_has),
                                       cmocka_unit_test(a_ticket_is_good_once),
                                       cmocka_unit_test(the_query_goes_on_without_the_ticket)};
    return cmocka_run_group_tests(tests, world_make, world_remove);
}
