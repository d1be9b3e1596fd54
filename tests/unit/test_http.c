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
#include "http.h"

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

static es_http_answer_t ask(es_http_t *http, const char *method, const char *path, const char *tag)
{
    es_http_answer_t answer;
    es_http_request_t request = {.method = method, .path = path, .if_none_match = tag};
    es_http_answer(http, &request, &answer);
    return answer;
}

static unsigned status(es_http_t *http, const char *path)
{
    es_http_answer_t answer = ask(http, "GET", path, "");
    free(answer.owned);
    return answer.status;
}

static void answers(void **state)
{
    (void)state;
    es_http_t http = {.unready = unready, .metrics = {es_edge_metrics()}};
    assert_non_null(mkdtemp(dir));
    put("index.html", "<!doctype html>");
    put("a.js", "export {}");
    put(".hidden.js", "no");
    put("notes.xyz", "no");
    char inner[128];
    snprintf(inner, sizeof inner, "%s/dir.js", dir);
    assert_int_equal(mkdir(inner, 0700), 0);
    assert_int_equal(es_pages_load(&http.pages, dir), 0);
    assert_int_equal(http.pages.count, 2);

    es_http_answer_t page = ask(&http, "GET", "/", "");
    assert_int_equal(page.status, 200);
    assert_string_equal(page.type, "text/html; charset=utf-8");
    assert_memory_equal(page.body, "<!doctype html>", page.len);
    assert_int_equal(ask(&http, "GET", "/", page.etag).status, 304);
    assert_int_equal(ask(&http, "GET", "/", "\"other\"").status, 200);
    assert_string_equal(ask(&http, "GET", "/web/a.js", "").type, "text/javascript; charset=utf-8");
    static const char *const none[] = {
        "/web/",       "/web",         "/nothing", "/web/../a.js", "/web/.hidden.js", "/web/notes.xyz",
        "/web/dir.js", "/favicon.ico", ""};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) assert_int_equal(status(&http, none[i]), 404);
    assert_int_equal(ask(&http, "POST", "/", "").status, 405);
    assert_int_equal(status(&http, "/ws"), 426);

    assert_int_equal(status(&http, "/readyz"), 200);
    why = "no \\\"broker\\\"";
    es_http_answer_t ready = ask(&http, "GET", "/readyz", "");
    assert_int_equal(ready.status, 503);
    assert_non_null(strstr(ready.body, "no \\\"broker"));
    free(ready.owned);
    es_http_answer_t health = ask(&http, "HEAD", "/healthz", "");
    assert_int_equal(health.status, 200);
    assert_memory_equal(health.body, "{\"status\":\"ok\",", 15);
    free(health.owned);
    es_http_answer_t metrics = ask(&http, "GET", "/metrics", "");
    assert_non_null(strstr(metrics.body, "# TYPE earshot_edge_clients gauge\nearshot_edge_clients 0"));
    free(metrics.owned);

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
    assert_string_equal(es_http_headers[0], "content-security-policy:");
    assert_non_null(strstr(es_http_headers[1], "default-src 'none'"));
    assert_null(strstr(es_http_headers[1], "unsafe"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(answers), cmocka_unit_test(the_policy_is_strict)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
