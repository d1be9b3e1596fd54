#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "edge_metrics.h"
#include "http/http.h"
#include "http/http_answer.h"
#include "http_world.h"

static const char *why; /* we are not ready */
static char dir[] = "/tmp/es-http-XXXXXX";

static const char *unready(void *ctx)
{
    (void)ctx;
    return why;
}

static void put(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void drop(const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    remove(path);
}

static es_http_t http = {.unready = unready};
static es_http_router_t router;

static void serve(es_http_exchange_t *x)
{
    es_http_router_serve(&router, x);
}

/* The answer to one request, on a connection of its own. */
static world_t *ask(const char *method, const char *path, const char *tag)
{
    char request[512];
    world_t *world = world_new(serve);
    snprintf(request, sizeof request, "%s %s HTTP/1.1\r\nHost: a\r\nIf-None-Match: %s\r\n\r\n", method, path, tag);
    world_say(world, request);
    return world;
}

static unsigned status(const char *method, const char *path, const char *tag)
{
    world_t *world = ask(method, path, tag);
    unsigned got = world_status(world);
    world_destroy(world);
    return got;
}

static bool answers_with(const char *method, const char *path, const char *text)
{
    world_t *world = ask(method, path, "");
    bool got = world_got(world, text);
    world_destroy(world);
    return got;
}

static void make_pages(char *inner, size_t cap)
{
    assert_non_null(mkdtemp(dir));
    put("index.html", "<!doctype html>");
    put("a.js", "export {}");
    put(".hidden.js", "no");
    put("notes.xyz", "no");
    snprintf(inner, cap, "%s/dir.js", dir);
    assert_int_equal(mkdir(inner, 0700), 0);
    assert_int_equal(es_pages_load(&http.pages, dir), 0);
    assert_int_equal(http.pages.count, 2);
    es_http_router_add(&router, es_http_routes, &http);
}

static void pages_are_served(void)
{
    static const char *const none[] = {"/web/",           "/web",           "/nothing",    "/web/a.js/",
                                       "/web/.hidden.js", "/web/notes.xyz", "/web/dir.js", "/favicon.ico"};
    const char *etag = es_pages_find(&http.pages, "index.html")->etag;
    assert_true(answers_with("GET", "/", "content-type: text/html; charset=utf-8\r\n"));
    assert_true(answers_with("GET", "/", "\r\n\r\n<!doctype html>"));
    assert_true(answers_with("GET", "/", "cache-control: no-cache\r\n"));
    assert_true(answers_with("GET", "/web/a.js", "content-type: text/javascript; charset=utf-8\r\n"));
    assert_int_equal(status("GET", "/", etag), 304);
    assert_int_equal(status("GET", "/", "\"other\""), 200);
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) assert_int_equal(status("GET", none[i], ""), 404);
    assert_int_equal(status("GET", "/web/../a.js", ""), 400);
    assert_int_equal(status("GET", "/web/%2e%2E/a.js", ""), 400);
}

static void answers(void **state)
{
    (void)state;
    char inner[128];
    http.metrics[0] = es_edge_metrics();
    make_pages(inner, sizeof inner);
    pages_are_served();
    assert_int_equal(status("POST", "/", ""), 405);
    assert_true(answers_with("POST", "/", "allow: GET, HEAD\r\n"));
    assert_int_equal(status("GET", "/ws", ""), 426);
    assert_int_equal(status("GET", "/readyz", ""), 200);
    why = "no \\\"broker\\\"";
    assert_int_equal(status("GET", "/readyz", ""), 503);
    assert_true(answers_with("GET", "/readyz", "no \\\"broker"));
    assert_true(answers_with("GET", "/healthz", "\r\n\r\n{\"status\":\"ok\","));
    assert_int_equal(status("HEAD", "/healthz", ""), 200);
    assert_false(answers_with("HEAD", "/healthz", "status\":"));
    assert_true(answers_with("GET", "/metrics", "# TYPE earshot_edge_clients gauge\nearshot_edge_clients 0"));

    es_pages_fini(&http.pages);
    rmdir(inner);
    static const char *const files[] = {"index.html", "a.js", ".hidden.js", "notes.xyz"};
    for (size_t i = 0; i < 4; i++) drop(files[i]);
    assert_int_equal(rmdir(dir), 0);
    assert_int_equal(es_pages_load(&http.pages, dir), -1);
}

static void the_policy_is_strict(void **state)
{
    (void)state;
    assert_string_equal(es_http_headers[0], "content-security-policy");
    assert_non_null(strstr(es_http_headers[1], "default-src 'none'"));
    assert_null(strstr(es_http_headers[1], "unsafe"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(answers), cmocka_unit_test(the_policy_is_strict)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
