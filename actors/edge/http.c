#include "http.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edge_metrics.h"

const char *const es_http_headers[] = {
    "content-security-policy:",
    ("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
     "img-src 'self' data:; media-src blob:; "
     "worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
    "x-content-type-options:",
    "nosniff",
    "referrer-policy:",
    "no-referrer",
    NULL};

static const char json_type[] = "application/json", text_type[] = "text/plain; charset=utf-8";

static void answer(es_http_answer_t *out, unsigned status, const char *type, const char *body)
{
    out->status = status;
    out->type = type;
    out->body = body;
    out->len = strlen(body);
}

__attribute__((format(printf, 4, 5))) static void answer_with(es_http_answer_t *out, unsigned status, const char *type,
                                                              const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (vasprintf(&out->owned, format, args) < 0) abort();
    va_end(args);
    answer(out, status, type, out->owned);
}

static void health(const es_http_t *self, es_http_answer_t *out)
{
    const char *unready = self->unready(self->ctx);
    answer_with(
        out, 200, json_type, "{\"status\":\"ok\",\"ready\":%s,\"clients\":%llu,\"streams\":%llu,\"lag_ms\":%llu}\n",
        unready ? "false" : "true", (unsigned long long)es_metric_get(&es_edge_clients),
        (unsigned long long)es_metric_get(&es_edge_streams), (unsigned long long)es_metric_get(&es_edge_lag_us) / 1000);
}

static void ready(const es_http_t *self, es_http_answer_t *out)
{
    const char *unready = self->unready(self->ctx);
    if (unready)
        answer_with(out, 503, json_type, "{\"status\":\"unready\",\"reason\":\"%s\"}\n", unready);
    else
        answer(out, 200, json_type, "{\"status\":\"ready\"}\n");
}

static void metrics(const es_http_t *self, es_http_answer_t *out)
{
    FILE *file = open_memstream(&out->owned, &out->len);
    if (!file) abort();
    for (es_metric_t *const *const *list = self->metrics; *list; list++) es_metrics_print(file, *list);
    fclose(file);
    out->status = 200;
    out->type = "text/plain; version=0.0.4; charset=utf-8";
    out->body = out->owned;
}

static void page(const es_http_t *self, const es_http_request_t *request, const char *name, es_http_answer_t *out)
{
    const es_page_t *found = es_pages_find(&self->pages, name);
    if (!found) {
        answer(out, 404, text_type, "There is nothing at this address.\n");
        return;
    }
    out->type = found->type;
    out->etag = found->etag;
    out->status = strstr(request->if_none_match, found->etag) ? 304 : 200;
    out->body = found->body;
    out->len = out->status == 304 ? 0 : found->len;
}

static void audio_path(es_http_answer_t *out)
{
    answer(out, 426, text_type, "This address speaks WebSocket: connect with ws:// or wss://.\n");
}

void es_http_answer(const es_http_t *self, const es_http_request_t *request, es_http_answer_t *out)
{
    *out = (es_http_answer_t){0};
    const char *path = request->path;
    es_metric_add(&es_edge_requests, 1);
    if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0) {
        answer(out, 405, text_type, "Only GET and HEAD are answered here.\n");
        out->allow = "GET, HEAD";
    } else if (!strcmp(path, "/healthz") || !strcmp(path, "/api/audio/health")) {
        health(self, out);
    } else if (!strcmp(path, "/readyz")) {
        ready(self, out);
    } else if (!strcmp(path, "/metrics")) {
        metrics(self, out);
    } else if (!strcmp(path, "/ws") || !strcmp(path, "/api/audio/ws")) {
        audio_path(out);
    } else if (!strcmp(path, "/")) {
        page(self, request, "index.html", out);
    } else if (!strcmp(path, "/dashboard")) {
        page(self, request, "dashboard.html", out);
    } else if (!strcmp(path, "/favicon.ico")) {
        page(self, request, "favicon.ico", out);
    } else if (!strncmp(path, "/web/", 5)) {
        page(self, request, path + 5, out);
    } else {
        answer(out, 404, text_type, "There is nothing at this address.\n");
    }
}
