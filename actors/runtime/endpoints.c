#include "endpoints.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "loopback.h"

enum { PORT_MAX = 65535 - 3 };

#define FORMS "allowed: ipc:///path, tcp://host:port or inproc://name"

static int refuse(char *err, size_t err_len, const char *base, size_t len, const char *why)
{
    snprintf(err, err_len, "broker \"%.*s\" %s; " FORMS, (int)(len > 120 ? 120 : len), base, why);
    return -1;
}

/* ipc and inproc: the socket's name is appended. */
static void derive_named(es_endpoints_t *out)
{
    const int keep = ES_ENDPOINT_MAX - 16;
    snprintf(out->frontend, sizeof out->frontend, "%.*s-frontend", keep, out->base);
    snprintf(out->backend, sizeof out->backend, "%.*s-backend", keep, out->base);
    snprintf(out->results, sizeof out->results, "%.*s-results", keep, out->base);
    snprintf(out->publish, sizeof out->publish, "%.*s-publish", keep, out->base);
}

static int parse_named(es_endpoints_t *out, size_t scheme, size_t path_max, char *err, size_t err_len)
{
    size_t len = strlen(out->base) - scheme;
    if (len == 0) return refuse(err, err_len, out->base, strlen(out->base), "has no name after ://");
    if (len + sizeof "-frontend" > path_max)
        return refuse(err, err_len, out->base, strlen(out->base),
                      "is too long for a socket's path (at most 98 bytes; choose a shorter --data directory)");
    derive_named(out);
    return 0;
}

static bool host_valid(const char *host, size_t len)
{
    if (len == 1 && host[0] == '*') return true;
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)host[i]) && host[i] != '.' && host[i] != '-' && host[i] != '_') return false;
    return len > 0;
}

static int parse_tcp(es_endpoints_t *out, char *err, size_t err_len)
{
    const char *host = out->base + strlen("tcp://");
    const char *colon = strrchr(host, ':');
    size_t host_len = colon ? (size_t)(colon - host) : strlen(host);
    unsigned long port = ES_BROKER_PORT;
    if (host[0] == '[') return refuse(err, err_len, out->base, strlen(out->base), "is IPv6, which is not supported");
    if (!host_valid(host, host_len))
        return refuse(err, err_len, out->base, strlen(out->base), "has no valid host name");
    if (colon) {
        char *end = NULL;
        port = isdigit((unsigned char)colon[1]) ? strtoul(colon + 1, &end, 10) : 0;
        if (!end || *end || port < 1 || port > PORT_MAX)
            return refuse(err, err_len, out->base, strlen(out->base),
                          "has no valid port (1 to 65532: the next three are used too)");
    }
    const int keep = ES_ENDPOINT_MAX - 16;
    int n = host_len > (size_t)keep ? keep : (int)host_len;
    snprintf(out->frontend, sizeof out->frontend, "tcp://%.*s:%lu", n, host, port);
    snprintf(out->backend, sizeof out->backend, "tcp://%.*s:%lu", n, host, port + 1);
    snprintf(out->results, sizeof out->results, "tcp://%.*s:%lu", n, host, port + 2);
    snprintf(out->publish, sizeof out->publish, "tcp://%.*s:%lu", n, host, port + 3);
    return 0;
}

static int parse_span(es_endpoints_t *out, const char *base, size_t len, char *err, size_t err_len)
{
    memset(out, 0, sizeof *out);
    if (len == 0) return refuse(err, err_len, base, len, "is empty");
    if (len > ES_ENDPOINT_MAX - 17) return refuse(err, err_len, base, len, "is too long (at most 143 bytes)");
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)base[i] <= ' ' || base[i] == 127)
            return refuse(err, err_len, base, len, "has a blank or control character in it");
    memcpy(out->base, base, len);
    if (strncmp(out->base, "ipc://", 6) == 0)
        return parse_named(out, 6, sizeof((struct sockaddr_un *)0)->sun_path, err, err_len);
    if (strncmp(out->base, "inproc://", 9) == 0) return parse_named(out, 9, ES_ENDPOINT_MAX, err, err_len);
    if (strncmp(out->base, "tcp://", 6) == 0) return parse_tcp(out, err, err_len);
    return refuse(err, err_len, base, len, "has no transport that is known");
}

int es_endpoints_parse(es_endpoints_t *out, const char *base, char *err, size_t err_len)
{
    return parse_span(out, base, strlen(base), err, err_len);
}

static bool listed(const es_endpoints_t *list, int n, const es_endpoints_t *one)
{
    for (int i = 0; i < n; i++)
        if (strcmp(list[i].frontend, one->frontend) == 0) return true;
    return false;
}

int es_endpoints_parse_list(es_endpoints_t *out, const char *list, char *err, size_t err_len)
{
    int n = 0;
    for (const char *at = list;;) {
        size_t len = strcspn(at, ",");
        const char *item = at;
        size_t item_len = len;
        for (; item_len && item[0] == ' '; item++) item_len--;
        while (item_len && item[item_len - 1] == ' ') item_len--;
        if (n == ES_BROKERS_MAX) {
            snprintf(err, err_len, "\"%.120s\" lists more than %d brokers", list, ES_BROKERS_MAX);
            return -1;
        }
        if (parse_span(&out[n], item, item_len, err, err_len) != 0) return -1;
        if (listed(out, n, &out[n])) return refuse(err, err_len, item, item_len, "is listed twice");
        n++;
        if (at[len] == 0) return n;
        at += len + 1;
    }
}

bool es_endpoints_local(const char *endpoint)
{
    char host[ES_ENDPOINT_MAX];
    if (strncmp(endpoint, "tcp://", 6) != 0) return true;
    const char *colon = strrchr(endpoint + 6, ':');
    size_t len = colon ? (size_t)(colon - endpoint - 6) : strlen(endpoint + 6);
    if (len == 0 || len >= sizeof host) return false;
    memcpy(host, endpoint + 6, len);
    host[len] = 0;
    return es_loopback_host(host);
}
