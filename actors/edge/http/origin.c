#include "origin.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { ORIGIN_MAX = 256 };

/* The next of a list, len bytes long, or NULL. */
static const char *next(const char **list, size_t *len)
{
    const char *one = *list;
    if (!one || !*one) return NULL;
    *len = strcspn(one, ",");
    *list += *len + (one[*len] == ',');
    return one;
}

static bool for_all(const char *one, size_t len)
{
    return len == 1 && *one == '*';
}

static bool listed(const char *origin, const char *list)
{
    size_t n = strlen(origin), len;
    for (const char *one; (one = next(&list, &len));)
        if (for_all(one, len) || (len == n && !strncasecmp(one, origin, n))) return true;
    return false;
}

/* Length of host[:port] without the scheme's own port, which browsers leave out. */
static size_t without_port(const char *host, const char *port)
{
    size_t n = strlen(host), p = strlen(port);
    return n > p && !strcmp(host + n - p, port) ? n - p : n;
}

/* What follows the scheme; NULL where it is neither http nor https. */
static const char *rest_of(const char *origin, const char **port)
{
    *port = ":80";
    if (!strncasecmp(origin, "http://", 7)) return origin + 7;
    *port = ":443";
    return strncasecmp(origin, "https://", 8) ? NULL : origin + 8;
}

bool es_origin_allowed(const char *origin, const char *host, bool tls, const char *allowed)
{
    const char *port, *rest = rest_of(origin, &port);
    if (!*origin || listed(origin, allowed)) return true;
    if (!rest || !*rest || !*host || (tls && strcmp(port, ":443") != 0)) return false;
    size_t a = without_port(rest, port), b = without_port(host, port);
    return a == b && !strncasecmp(rest, host, a);
}

/* In the DNS no last label is a number. */
static bool in_dns(const char *host, size_t len)
{
    static const char local[] = ".localhost";
    const size_t n = sizeof local - 1;
    if (!len || *host == '[' || !memchr(host, '.', len) || strspn(host, "0123456789.") >= len) return false;
    return len < n || strncasecmp(host + len - n, local, n) != 0;
}

/* Is this the host of the origin, whatever scheme and port that has? */
static bool host_of(const char *origin, size_t len, const char *host, size_t host_len)
{
    const char *scheme_end = memmem(origin, len, "://", 3);
    if (!scheme_end) return false;
    const char *at = scheme_end + 3;
    size_t left = len - (size_t)(at - origin);
    return left >= host_len && !strncasecmp(at, host, host_len) && (left == host_len || at[host_len] == ':');
}

bool es_origin_rebound(const char *host, const char *allowed)
{
    size_t host_len = strcspn(host, ":"), len;
    if (!in_dns(host, host_len)) return false;
    for (const char *one; (one = next(&allowed, &len));)
        if (for_all(one, len) || host_of(one, len, host, host_len)) return false;
    return true;
}

/* ---- the list */

/* Why this is nobody's origin, or NULL. */
static const char *wrong(const char *origin)
{
    const char *port, *rest = rest_of(origin, &port), *colon = strstr(origin, "://");
    if (!strcmp(origin, "*")) return NULL;
    if (!strcmp(origin, "null")) return "any page can make it its own";
    if (!colon || colon == origin) return "it begins with no scheme, such as https://";
    if (!colon[3]) return "it has no host";
    if (strchr(origin, '*')) return "a star stands for all or not at all; name each host";
    if (strchr(origin, ' ') || strpbrk(colon + 3, "/?#@"))
        return "it ends with the host or its port: no slash, no path, no user, no blanks";
    if (rest && without_port(rest, port) != strlen(rest)) return "browsers leave the scheme's own port out";
    return NULL;
}

int es_origin_check(const char *allowed, char *err, size_t err_len)
{
    char one[ORIGIN_MAX];
    size_t len;
    for (const char *at; (at = next(&allowed, &len));) {
        snprintf(one, sizeof one, "%.*s", (int)len, at);
        const char *why = len < sizeof one ? wrong(one) : "it is too long";
        if (why) {
            snprintf(err, err_len,
                     "\"%s\" is no origin of a page: %s. Example: https://www.example.com,http://localhost:3000", one,
                     why);
            return -1;
        }
    }
    return 0;
}
