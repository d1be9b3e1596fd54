#include "origin.h"

#include <string.h>
#include <strings.h>

static bool listed(const char *origin, const char *list)
{
    size_t n = strlen(origin);
    while (list && *list) {
        size_t len = strcspn(list, ",");
        if ((len == 1 && *list == '*') || (len == n && !strncasecmp(list, origin, n))) return true;
        list += len + (list[len] == ',');
    }
    return false;
}

/* Length of host[:port] without the scheme's own port, which browsers leave out. */
static size_t without_port(const char *host, const char *port)
{
    size_t n = strlen(host), p = strlen(port);
    return n > p && !strcmp(host + n - p, port) ? n - p : n;
}

bool es_origin_allowed(const char *origin, const char *host, const char *allowed)
{
    if (!*origin || listed(origin, allowed)) return true;
    const char *port = ":80", *rest = NULL;
    if (!strncasecmp(origin, "http://", 7)) rest = origin + 7;
    if (!strncasecmp(origin, "https://", 8)) {
        rest = origin + 8;
        port = ":443";
    }
    if (!rest || !*rest || !*host) return false;
    size_t a = without_port(rest, port), b = without_port(host, port);
    return a == b && !strncasecmp(rest, host, a);
}
