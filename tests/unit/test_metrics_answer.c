#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "health.h"
#include "metrics_answer.h"
#include "metrics_page.h"

#define S UINT64_C(1000000)

/* The whole answer as a text that the caller frees. */
static char *ask(const char *request, const char *token, uint64_t now_us)
{
    es_http_head_t head;
    static char bytes[4096];
    snprintf(bytes, sizeof bytes, "%s", request);
    es_http_head_init(&head);
    assert_int_equal(es_http_head_feed(&head, bytes, strlen(bytes)), ES_HTTP_DONE);
    es_metrics_answer_t answer = es_metrics_answer(&head, token, now_us);
    char *text = realloc(answer.bytes, answer.len + 1);
    text[answer.len] = 0;
    return text;
}

static void expect(const char *request, const char *token, uint64_t now_us, const char *status, const char *body)
{
    char *text = ask(request, token, now_us);
    if (strncmp(text + 9, status, 3) != 0 || !strstr(text, body)) fail_msg("%s\n--> %s", request, text);
    const char *length = strstr(text, "Content-Length: ");
    assert_int_equal(strtoul(length + 16, NULL, 10), strlen(strstr(text, "\r\n\r\n") + 4));
    free(text);
}

static void health_in_words(void **state)
{
    (void)state;
    expect("GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n", NULL, S, "503",
           "{\"status\":\"unready\",\"reason\":\"no actor has");
    es_health_open("edge");
    es_health_beat(S);
    expect("GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n", NULL, S, "200", "{\"status\":\"ready\"}");
    expect("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", NULL, S, "200", "{\"status\":\"ok\",\"lag_ms\":0}");
    es_health_lag(ES_HEALTH_WORK, 7300000, "the \"oldest\" audio\nwaits");
    expect("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", NULL, S, "503",
           "{\"status\":\"late\",\"lag_ms\":7300,\"reason\":\"the 'oldest' audio'waits\"}");
    expect("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", NULL, 8 * S, "503", "{\"status\":\"stuck\",\"lag_ms\":7000,");
    expect("GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n", NULL, 8 * S, "503", "has not turned for 7.0 s");
    es_health_close();
}

static void figures_are_guarded_by_the_token(void **state)
{
    static const char token[] = "0123456789abcdef";
    (void)state;
    expect("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", NULL, S, "200", "earshot_build_info{version=");
    expect("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", token, S, "401", "WWW-Authenticate: Bearer");
    expect("GET /metrics HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer 0123456789abcdeF\r\n\r\n", token, S, "401", "");
    expect("GET /metrics HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer 0123456789abcde\r\n\r\n", token, S, "401", "");
    expect("GET /metrics HTTP/1.1\r\nHost: a\r\nAuthorization: Basic 0123456789abcdef\r\n\r\n", token, S, "401", "");
    expect("GET /metrics HTTP/1.1\r\nHost: a\r\nAuthorization: bearer 0123456789abcdef\r\n\r\n", token, S, "200", "");
    expect("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", token, S, "200", "ok");
}

static void all_else_is_refused(void **state)
{
    (void)state;
    expect("GET /metrics/ HTTP/1.1\r\nHost: a\r\n\r\n", NULL, S, "404", "/metrics, /healthz and /readyz");
    expect("GET / HTTP/1.1\r\nHost: a\r\n\r\n", NULL, S, "404", "");
    expect("POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n", NULL, S, "405", "Allow: GET");
    es_metrics_answer_t answer = es_metrics_refuse(ES_HTTP_HEAD_TOO_LARGE);
    assert_int_equal(answer.status, 431);
    free(answer.bytes);
}

/* A family stands together, and its HELP is said once, whoever registers what and in which order. */
static void families_stand_together(void **state)
{
    static ES_METRIC_COUNTER(one, "t_family_total{kind=\"one\"}", "A family.");
    static ES_METRIC_COUNTER(other, "t_other_total", "Another.");
    static ES_METRIC_COUNTER(two, "t_family_total{kind=\"two\"}", "");
    es_metric_t *const first[] = {&one, &other, NULL}, *const second[] = {&two, &other, NULL};
    size_t len;
    (void)state;
    es_metrics_register(first);
    es_metrics_register(second);
    es_metrics_register(first);
    char *page = es_metrics_page(&len);
    assert_non_null(strstr(page, "# HELP t_family_total A family.\n# TYPE t_family_total counter\n"
                                 "t_family_total{kind=\"one\"} 0\nt_family_total{kind=\"two\"} 0\n"
                                 "# HELP t_other_total Another.\n# TYPE t_other_total counter\nt_other_total 0\n"));
    assert_null(strstr(strstr(page, "t_other_total 0") + 1, "t_other_total"));
    assert_non_null(strstr(page, "process_open_fds "));
    assert_non_null(strstr(page, "process_cpu_seconds_total "));
    free(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(health_in_words), cmocka_unit_test(figures_are_guarded_by_the_token),
        cmocka_unit_test(all_else_is_refused), cmocka_unit_test(families_stand_together)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
