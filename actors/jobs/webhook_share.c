#include "webhook_share.h"

#include <string.h>
#include <strings.h>

#include "alloc.h"

/* Where the part with the host begins; the end of the address where there is none. */
static const char *authority(const char *url)
{
    const char *scheme = strstr(url, "://");
    return scheme ? scheme + 3 : url + strlen(url);
}

es_span_t es_webhook_host(const char *url)
{
    const char *begin = authority(url), *end = begin + strcspn(begin, "/?#");
    for (const char *at = begin; at < end; at++)
        if (*at == '@') begin = at + 1;
    const char *port = memchr(begin, *begin == '[' ? ']' : ':', (size_t)(end - begin));
    if (port) end = *port == ']' ? port + 1 : port;
    while (end > begin && end[-1] == '.') end--;
    return es_span_of(begin, (size_t)(end - begin));
}

static size_t calls_to(const es_webhook_calls_t calls, const char *url)
{
    es_span_t host = es_webhook_host(url);
    size_t n = 0;
    for (size_t i = 0; i < ES_WEBHOOK_CALLS; i++) {
        es_span_t other = calls[i] ? es_webhook_host(calls[i]) : es_span(NULL);
        n += calls[i] && other.len == host.len && strncasecmp(other.ptr, host.ptr, host.len) == 0;
    }
    return n;
}

bool es_webhook_full(const es_webhook_calls_t calls, const char *url)
{
    return calls_to(calls, url) >= ES_WEBHOOK_CALLS_EACH;
}

/* Is there one among the calls before this one? */
static bool seen(const es_webhook_calls_t calls, size_t i)
{
    es_webhook_calls_t before = {0};
    memcpy(before, calls, i * sizeof *before);
    return calls_to(before, calls[i]) > 0;
}

static char *beginning(const char *url)
{
    const char *host = authority(url), *end = host + strcspn(host, "/?#");
    size_t len = (size_t)(end - url);
    char *begins = es_alloc(len + 2);
    memcpy(begins, url, len);
    begins[len] = *end ? *end : '/';
    begins[len + 1] = '\0';
    return begins;
}

void es_webhook_full_hosts(const es_webhook_calls_t calls, char *out[ES_WEBHOOK_FULL_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < ES_WEBHOOK_CALLS; i++)
        if (calls[i] && !seen(calls, i) && es_webhook_full(calls, calls[i])) out[n++] = beginning(calls[i]);
    while (n < ES_WEBHOOK_FULL_MAX) out[n++] = NULL;
}
