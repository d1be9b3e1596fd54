#include "metrics_answer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "health.h"
#include "http_text.h"
#include "metrics_page.h"

enum { BODY_MAX = 1024 };

static const char json_type[] = "application/json", page_type[] = "text/plain; version=0.0.4; charset=utf-8";

static const char *phrase(unsigned status)
{
    static const struct {
        unsigned status;
        const char *phrase;
    } phrases[] = {{200, "OK"},
                   {400, "Bad Request"},
                   {401, "Unauthorized"},
                   {404, "Not Found"},
                   {405, "Method Not Allowed"},
                   {408, "Request Timeout"},
                   {503, "Service Unavailable"}};
    for (size_t i = 0; i < sizeof phrases / sizeof phrases[0]; i++)
        if (phrases[i].status == status) return phrases[i].phrase;
    return "Refused";
}

static es_metrics_answer_t answer(unsigned status, const char *type, const char *more, const char *body, size_t len)
{
    es_metrics_answer_t out = {.status = status};
    FILE *file = open_memstream(&out.bytes, &out.len);
    if (!file) abort();
    fprintf(file,
            "HTTP/1.1 %u %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nCache-Control: no-store\r\n"
            "X-Content-Type-Options: nosniff\r\nConnection: close\r\n%s\r\n",
            status, phrase(status), type, len, more);
    fwrite(body, 1, len, file);
    fclose(file);
    return out;
}

/* Texts that go in here hold no quotes, no backslashes and no control characters, or were passed through `plain`. */
__attribute__((format(printf, 3, 4))) static es_metrics_answer_t say(unsigned status, const char *more,
                                                                     const char *format, ...)
{
    char body[BODY_MAX];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(body, sizeof body, format, args);
    va_end(args);
    return answer(status, json_type, more, body, len < BODY_MAX ? (size_t)len : BODY_MAX - 1);
}

/* What would have to be escaped in JSON becomes an apostrophe: names of actors and errors of libraries may hold anything. */
static const char *plain(char *text)
{
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < ' ' || *c == '"' || *c == '\\' || *c == 127) *c = '\'';
    return text;
}

static es_metrics_answer_t health(uint64_t now_us)
{
    es_health_t health;
    es_health_look(&health, now_us);
    unsigned long long lag_ms = health.lag_us / 1000;
    if (health.state == ES_HEALTH_OK) return say(200, "", "{\"status\":\"ok\",\"lag_ms\":%llu}\n", lag_ms);
    return say(503, "", "{\"status\":\"%s\",\"lag_ms\":%llu,\"reason\":\"%s\"}\n", es_health_word(health.state), lag_ms,
               plain(health.reason));
}

static es_metrics_answer_t ready(uint64_t now_us)
{
    es_health_t health;
    es_health_look(&health, now_us);
    if (health.unready[0]) return say(503, "", "{\"status\":\"unready\",\"reason\":\"%s\"}\n", plain(health.unready));
    if (health.state == ES_HEALTH_STUCK)
        return say(503, "", "{\"status\":\"unready\",\"reason\":\"%s\"}\n", plain(health.reason));
    return say(200, "", "{\"status\":\"ready\"}\n");
}

static es_metrics_answer_t page(uint64_t now_us)
{
    size_t len = 0;
    (void)now_us;
    char *text = es_metrics_page(&len);
    es_metrics_answer_t out = answer(200, page_type, "", text, len);
    free(text);
    return out;
}

/* Takes as long for a wrong token as for the right one. */
static bool bears(const es_http_head_t *head, const char *token)
{
    es_span_t given = es_http_head_field(head, "authorization");
    size_t len = strlen(token);
    unsigned differ = 0;
    if (given.len != len + 7 || strncasecmp(given.ptr, "bearer ", 7) != 0) return false;
    for (size_t i = 0; i < len; i++) differ |= (unsigned char)given.ptr[i + 7] ^ (unsigned char)token[i];
    return differ == 0;
}

static const struct {
    const char *path;
    bool guarded;
    es_metrics_answer_t (*give)(uint64_t now_us);
} pages[] = {{"/metrics", true, page}, {"/healthz", false, health}, {"/readyz", false, ready}};

es_metrics_answer_t es_metrics_answer(const es_http_head_t *head, const char *token, uint64_t now_us)
{
    es_span_t path = es_http_head_span(head, head->path), method = es_http_head_span(head, head->method);
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        if (!es_span_eq(path, es_span(pages[i].path))) continue;
        if (!es_span_eq(method, es_span("GET")))
            return say(405, "Allow: GET\r\n", "{\"error\":\"Only GET is answered here.\"}\n");
        if (pages[i].guarded && token && !bears(head, token))
            return say(401, "WWW-Authenticate: Bearer\r\n",
                       "{\"error\":\"Send the token of --metrics-token-file: Authorization: Bearer TOKEN.\"}\n");
        return pages[i].give(now_us);
    }
    return say(404, "", "{\"error\":\"There are /metrics, /healthz and /readyz here.\"}\n");
}

es_metrics_answer_t es_metrics_refuse(es_http_why_t why)
{
    const es_http_refusal_t *refusal = es_http_refusal(why);
    return say(refusal->status, "", "{\"error\":\"%s\"}\n", refusal->message);
}
