#include "http.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/identity.h"
#include "edge_metrics.h"

enum { SHORT_MAX = 512 };

static const char json_type[] = "application/json", text_type[] = "text/plain; charset=utf-8";

__attribute__((format(printf, 4, 5))) static void answer(es_http_exchange_t *x, unsigned status, const char *type,
                                                         const char *format, ...)
{
    char text[SHORT_MAX];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    es_http_reply(x, status, type, NULL, text, len < SHORT_MAX ? (size_t)len : SHORT_MAX - 1);
}

static void health(void *ctx, es_http_exchange_t *x, const es_span_t *ids)
{
    es_http_t *self = ctx;
    (void)ids;
    answer(x, 200, json_type, "{\"status\":\"ok\",\"ready\":%s,\"clients\":%llu,\"streams\":%llu,\"lag_ms\":%llu}\n",
           self->unready(self->ctx) ? "false" : "true", (unsigned long long)es_metric_get(&es_edge_clients),
           (unsigned long long)es_metric_get(&es_edge_streams),
           (unsigned long long)es_metric_get(&es_edge_lag_us) / 1000);
}

static void ready(void *ctx, es_http_exchange_t *x, const es_span_t *ids)
{
    es_http_t *self = ctx;
    const char *unready = self->unready(self->ctx);
    (void)ids;
    if (unready)
        answer(x, 503, json_type, "{\"status\":\"unready\",\"reason\":\"%s\"}\n", unready);
    else
        answer(x, 200, json_type, "{\"status\":\"ready\"}\n");
}

static void metrics(void *ctx, es_http_exchange_t *x, const es_span_t *ids)
{
    es_http_t *self = ctx;
    char *text = NULL;
    size_t len = 0;
    FILE *file = open_memstream(&text, &len);
    (void)ids;
    if (!file) abort();
    for (es_metric_t *const *const *list = self->metrics; *list; list++) es_metrics_print(file, *list);
    fclose(file);
    es_http_reply(x, 200, "text/plain; version=0.0.4; charset=utf-8", NULL, text, len);
    free(text);
}

static void serve_page(const es_http_t *self, es_http_exchange_t *x, const char *name)
{
    const es_page_t *page = es_pages_find(&self->pages, name);
    if (!page) {
        answer(x, 404, text_type, "There is nothing at this address.\n");
        return;
    }
    const char *headers[] = {"cache-control", "no-cache", "etag", page->etag, NULL};
    es_span_t known = es_http_header(x, "if-none-match");
    bool fresh = known.len && memmem(known.ptr, known.len, page->etag, strlen(page->etag));
    es_http_reply(x, fresh ? 304 : 200, page->type, headers, page->body, fresh ? 0 : page->len);
}

static void file(void *ctx, es_http_exchange_t *x, const es_span_t *ids)
{
    char name[SHORT_MAX] = "";
    if (ids[0].len < sizeof name) memcpy(name, ids[0].ptr, ids[0].len);
    serve_page(ctx, x, name);
}

static void index_page(void *ctx, es_http_exchange_t *x, const es_span_t *ids)
{
    (void)ids;
    serve_page(ctx, x, "index.html");
}

static void dashboard(void *ctx, es_http_exchange_t *x, const es_span_t *ids)
{
    (void)ids;
    serve_page(ctx, x, "dashboard.html");
}

static void description(void *ctx, es_http_exchange_t *x, const es_span_t *ids)
{
    (void)ids;
    serve_page(ctx, x, "openapi.json");
}

static void icon(void *ctx, es_http_exchange_t *x, const es_span_t *ids)
{
    (void)ids;
    serve_page(ctx, x, "favicon.ico");
}

static void websocket_only(void *ctx, es_http_exchange_t *x, const es_span_t *ids)
{
    static const char text[] = "This address speaks WebSocket: connect with ws:// or wss://.\n";
    static const char *const headers[] = {"upgrade", "websocket", "connection", "upgrade", NULL};
    (void)ctx;
    (void)ids;
    es_http_reply(x, 426, text_type, headers, text, sizeof text - 1);
}

const es_http_route_t es_http_routes[] = {{"GET", "/healthz", health, ES_HTTP_PUBLIC},
                                          {"GET", "/api/audio/health", health, ES_HTTP_PUBLIC},
                                          {"GET", "/readyz", ready, ES_HTTP_PUBLIC},
                                          {"GET", "/metrics", metrics, ES_RIGHT_DASHBOARD},
                                          {"GET", "/ws", websocket_only, ES_HTTP_PUBLIC},
                                          {"GET", "/api/audio/ws", websocket_only, ES_HTTP_PUBLIC},
                                          {"GET", "/", index_page, ES_HTTP_PUBLIC},
                                          {"GET", "/favicon.ico", icon, ES_HTTP_PUBLIC},
                                          {"GET", "/web/{file}", file, ES_HTTP_PUBLIC},
                                          {"GET", "/dashboard", dashboard, ES_HTTP_PUBLIC},
                                          {"GET", "/openapi.json", description, ES_HTTP_PUBLIC},
                                          {0}};
