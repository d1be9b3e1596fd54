#include "ws_trouble.h"

#include <stdio.h>

#include "net.h"

enum { DIAL_MS = 300 };

bool es_ws_trouble_failed(const es_ws_url_t *url, const char *why, char *out, size_t out_len)
{
    char reason[160];
    bool listens = es_net_try(url->host, url->port, DIAL_MS, reason, sizeof reason) == 0;
    if (listens)
        snprintf(out, out_len, "it refuses a WebSocket (%s); %s", why,
                 url->tls ? "is its certificate to be trusted? --ca FILE tells who vouches for it"
                          : "the address should end in /ws, begin with wss:// where TLS is spoken, and have a name "
                            "that the edge answers to (--allow-origin)");
    else
        snprintf(out, out_len, "%s", reason);
    return listens;
}

void es_ws_trouble_closed(unsigned code, const char *reason, char *out, size_t out_len)
{
    if (code)
        snprintf(out, out_len, "closed with code %u%s%.120s", code, *reason ? ": " : "", reason);
    else
        snprintf(out, out_len, "%s", *reason ? reason : "closed without a word");
}
