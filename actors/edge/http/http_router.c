#include "http_router.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { ALLOW_MAX = 64 };

void es_http_router_add(es_http_router_t *self, const es_http_route_t *routes, void *ctx)
{
    assert(self->count < ES_HTTP_TABLES);
    for (const es_http_route_t *route = routes; route->method; route++) assert(route->right);
    self->tables[self->count].routes = routes;
    self->tables[self->count++].ctx = ctx;
}

bool es_http_route_match(const char *pattern, es_span_t path, es_span_t *ids)
{
    const char *at = path.ptr, *end = at + path.len;
    size_t count = 0;
    for (size_t i = 0; i < ES_HTTP_IDS; i++) ids[i] = es_span_of(NULL, 0);
    while (*pattern) {
        if (*pattern == '{') {
            const char *from = at;
            while (at < end && *at != '/') at++;
            if (at == from) return false;
            assert(count < ES_HTTP_IDS);
            ids[count++] = es_span_of(from, (size_t)(at - from));
            pattern = strchr(pattern, '}') + 1;
        } else if (at < end && *at == *pattern) {
            at++;
            pattern++;
        } else {
            return false;
        }
    }
    return at == end;
}

static bool method_fits(const char *route, es_span_t method)
{
    return es_span_eq(method, es_span(route)) || (!strcmp(route, "GET") && es_span_eq(method, es_span("HEAD")));
}

static void append(char *allow, const char *method)
{
    size_t used = strlen(allow);
    if (!strstr(allow, method)) snprintf(allow + used, ALLOW_MAX - used, "%s%s", used ? ", " : "", method);
}

static void allow_method(char *allow, const char *method)
{
    append(allow, method);
    if (!strcmp(method, "GET")) append(allow, "HEAD");
}

static void refuse(es_http_exchange_t *x, const char *allow)
{
    static const char unknown[] = "There is nothing at this address.\n";
    char text[ALLOW_MAX + 32];
    const char *headers[] = {"allow", allow, NULL};
    if (!*allow) {
        es_http_reply(x, 404, "text/plain; charset=utf-8", NULL, unknown, sizeof unknown - 1);
        return;
    }
    int len = snprintf(text, sizeof text, "Only %s are answered here.\n", allow);
    es_http_reply(x, 405, "text/plain; charset=utf-8", headers, text, (size_t)len);
}

void es_http_router_serve(const es_http_router_t *self, es_http_exchange_t *x)
{
    es_span_t path = es_http_path(x), method = es_http_method(x), ids[ES_HTTP_IDS];
    char allow[ALLOW_MAX] = "";
    for (size_t i = 0; i < self->count; i++) {
        for (const es_http_route_t *route = self->tables[i].routes; route->method; route++) {
            if (!es_http_route_match(route->pattern, path, ids)) continue;
            if (method_fits(route->method, method)) {
                if (!self->allows || self->allows(self->allows_ctx, x, route))
                    route->handle(self->tables[i].ctx, x, ids);
                return;
            }
            allow_method(allow, route->method);
        }
    }
    refuse(x, allow);
}
