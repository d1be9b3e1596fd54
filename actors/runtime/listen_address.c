#include "listen_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loopback.h"

enum { HOST_MAX = 255 };

static bool is_port(const char *text)
{
    char *end = NULL;
    size_t digits = strspn(text, "0123456789");
    return digits > 0 && digits <= 5 && text[digits] == 0 && strtoul(text, &end, 10) <= 65535;
}

/* The host without its brackets; NULL: there is none, or no port. */
static const char *split(const char *text, char host[HOST_MAX + 1])
{
    const char *colon = strrchr(text, ':');
    size_t len = colon ? (size_t)(colon - text) : 0;
    if (len == 0 || len > HOST_MAX || !is_port(colon + 1)) return NULL;
    bool bracket = text[0] == '[' && text[len - 1] == ']';
    if (!bracket && memchr(text, ':', len)) return NULL;
    if (bracket) {
        text++;
        len -= 2;
    }
    memcpy(host, text, len);
    host[len] = 0;
    return colon + 1;
}

int es_listen_address_parse(es_listen_address_t *out, const char *text, char *err, size_t err_len)
{
    struct addrinfo hint = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV}, *found = NULL;
    char host[HOST_MAX + 1];
    const char *port = split(text, host);
    if (!port) {
        snprintf(err, err_len, "\"%.100s\" is no HOST:PORT; write 127.0.0.1:9100, or [::1]:9100", text);
        return -1;
    }
    int rc = getaddrinfo(host, port, &hint, &found);
    if (rc != 0) {
        snprintf(err, err_len, "\"%.100s\" is no address of this machine (%s); write 127.0.0.1:%s", host,
                 gai_strerror(rc), port);
        return -1;
    }
    memset(out, 0, sizeof *out);
    memcpy(&out->at, found->ai_addr, found->ai_addrlen);
    out->len = found->ai_addrlen;
    out->loopback = es_loopback_address(found->ai_addr);
    freeaddrinfo(found);
    return 0;
}

int es_listen_address_open(const es_listen_address_t *self, int backlog)
{
    int one = 1;
    int fd = socket(self->at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (self->shared) setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
    const struct sockaddr *at = (const struct sockaddr *)(const void *)&self->at;
    if (bind(fd, at, self->len) == 0 && listen(fd, backlog) == 0) return fd;
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

void es_listen_address_url(int fd, const char *scheme, char *out, size_t cap)
{
    union {
        struct sockaddr any;
        struct sockaddr_in four;
        struct sockaddr_in6 six;
    } at = {0};
    socklen_t len = sizeof at;
    char host[INET6_ADDRSTRLEN];
    getsockname(fd, &at.any, &len);
    if (at.any.sa_family == AF_INET6) {
        if (IN6_IS_ADDR_UNSPECIFIED(&at.six.sin6_addr)) at.six.sin6_addr = in6addr_loopback;
        inet_ntop(AF_INET6, &at.six.sin6_addr, host, sizeof host);
        snprintf(out, cap, "%s://[%s]:%u", scheme, host, ntohs(at.six.sin6_port));
    } else {
        if (at.four.sin_addr.s_addr == htonl(INADDR_ANY)) at.four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        inet_ntop(AF_INET, &at.four.sin_addr, host, sizeof host);
        snprintf(out, cap, "%s://%s:%u", scheme, host, ntohs(at.four.sin_port));
    }
}
