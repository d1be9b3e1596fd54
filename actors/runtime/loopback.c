#include "loopback.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

static bool loopback_four(const void *bytes)
{
    return *(const unsigned char *)bytes == IN_LOOPBACKNET;
}

bool es_loopback_address(const struct sockaddr *address)
{
    struct sockaddr_in four;
    struct sockaddr_in6 six;
    if (address->sa_family == AF_INET) {
        memcpy(&four, address, sizeof four);
        return loopback_four(&four.sin_addr);
    }
    if (address->sa_family != AF_INET6) return false;
    memcpy(&six, address, sizeof six);
    return IN6_IS_ADDR_LOOPBACK(&six.sin6_addr) ||
           (IN6_IS_ADDR_V4MAPPED(&six.sin6_addr) && loopback_four(six.sin6_addr.s6_addr + 12));
}

bool es_loopback_host(const char *host)
{
    struct addrinfo hint = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    if (getaddrinfo(host, NULL, &hint, &found)) return false;
    bool all = true;
    for (const struct addrinfo *a = found; a; a = a->ai_next) all = all && es_loopback_address(a->ai_addr);
    freeaddrinfo(found);
    return all;
}
