#include "url_shown.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

static void stars(char *from, const char *to)
{
    while (from < to) *from++ = '*';
}

/* A password in a URI may hold anything but a slash, and `@` where somebody forgot to escape it: the last one counts. */
static void hide_userinfo(char *url)
{
    char *host = strstr(url, "://");
    if (!host) return;
    host += 3;
    char *end = host + strcspn(host, "/?"), *at = end;
    while (at > host && *at != '@') at--;
    char *colon = memchr(host, ':', (size_t)(at - host));
    if (*at == '@' && colon) stars(colon + 1, at);
}

static void hide_parameter(char *url)
{
    static const char name[] = "password=";
    for (char *at = url; (at = strcasestr(at, name));) {
        at += sizeof name - 1;
        stars(at, at + strcspn(at, "& "));
    }
}

static char *shown(const char *url)
{
    char *copy = es_alloc_copy(url, strlen(url));
    hide_userinfo(copy);
    hide_parameter(copy);
    return copy;
}

bool es_url_has_password(const char *url)
{
    char *copy = shown(url);
    bool has = strcmp(copy, url) != 0;
    free(copy);
    return has;
}

void es_url_shown(const char *url, char *out, size_t cap)
{
    char *copy = shown(url);
    snprintf(out, cap, "%s", copy);
    free(copy);
}
