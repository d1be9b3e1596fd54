#include "net.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net_tls.h"

static struct addrinfo *resolve(const char *host, uint16_t port, int flags, char *err, size_t err_len)
{
    char service[8];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = flags | AI_NUMERICSERV}, *found = NULL;
    snprintf(service, sizeof service, "%u", port);
    int code = getaddrinfo(host, service, &hints, &found);
    if (code == 0) return found;
    snprintf(err, err_len, "the name \"%s\" cannot be resolved (%s)", host, gai_strerror(code));
    return NULL;
}

/* Waits for a connect in progress. Returns 0 or an errno. */
static int settle(int fd, int timeout_ms)
{
    int error = 0;
    socklen_t len = sizeof error;
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    int n = poll(&p, 1, timeout_ms);
    if (n <= 0) return n == 0 ? ETIMEDOUT : errno;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1 ? errno : error;
}

static int dial(const char *host, uint16_t port, int timeout_ms, char *err, size_t err_len)
{
    struct addrinfo *found = resolve(host, port, 0, err, err_len);
    int error = 0, fd = -1;
    for (struct addrinfo *a = found; a; a = a->ai_next) {
        fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol);
        if (fd == -1) continue;
        error = connect(fd, a->ai_addr, a->ai_addrlen) == 0 ? 0 : errno;
        if (error == EINPROGRESS) error = settle(fd, timeout_ms);
        if (error == 0) break;
        close(fd);
        fd = -1;
    }
    if (found) freeaddrinfo(found);
    if (fd == -1 && found) snprintf(err, err_len, "%s", error ? strerror(error) : "no usable address");
    return fd;
}

int es_net_try(const char *host, uint16_t port, int timeout_ms, char *err, size_t err_len)
{
    int fd = dial(host, port, timeout_ms, err, err_len);
    if (fd == -1) return -1;
    close(fd);
    return 0;
}

/* As es_net_tls_ask, without TLS. */
static size_t ask(int fd, const char *question, size_t len, char *answer, size_t cap, int timeout_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    size_t have = 0;
    if (send(fd, question, len, MSG_NOSIGNAL) != (ssize_t)len) return 0;
    while (have < cap && poll(&p, 1, timeout_ms) == 1) {
        ssize_t got = recv(fd, answer + have, cap - have, 0);
        if (got <= 0) break;
        have += (size_t)got;
    }
    return have;
}

int es_net_get(const es_net_address_t *at, const char *path, int timeout_ms)
{
    char err[128], request[512], answer[sizeof "HTTP/1.1 200"] = "";
    int fd = dial(at->host, at->port, timeout_ms, err, sizeof err);
    if (fd == -1) return -1;
    int n = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: %s:%u\r\nConnection: close\r\n\r\n", path,
                     at->host, at->port);
    size_t have = 0, cap = sizeof answer - 1;
    if (n > 0 && n < (int)sizeof request)
        have = (at->tls ? es_net_tls_ask : ask)(fd, request, (size_t)n, answer, cap, timeout_ms);
    close(fd);
    return have == cap && strncmp(answer, "HTTP/1.", 7) == 0 ? (int)strtol(answer + 9, NULL, 10) : -1;
}

int es_net_certificate(const char *host, uint16_t port, int timeout_ms, int64_t *until_s, char *err, size_t err_len)
{
    int fd = dial(host, port, timeout_ms, err, err_len);
    if (fd == -1) return -1;
    int result = es_net_tls_certificate(fd, host, timeout_ms, until_s);
    if (result == -1) snprintf(err, err_len, "it does not speak TLS");
    close(fd);
    return result;
}

int es_net_free(const char *host, uint16_t port, char *err, size_t err_len)
{
    if (port == 0) return 0;
    struct addrinfo *found = resolve(host, port, AI_PASSIVE, err, err_len);
    if (!found) return -1;
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    int error = fd == -1 || bind(fd, found->ai_addr, found->ai_addrlen) == -1 || listen(fd, 1) == -1 ? errno : 0;
    if (error) snprintf(err, err_len, "%s", strerror(error));
    if (fd != -1) close(fd);
    freeaddrinfo(found);
    return error ? -1 : 0;
}

static const char *reachable(const char *host)
{
    if (strcmp(host, "0.0.0.0") == 0) return "127.0.0.1";
    if (strcmp(host, "::") == 0) return "::1";
    return host;
}

static bool take_scheme(char **text, bool *tls)
{
    *tls = strncmp(*text, "https://", 8) == 0;
    bool plain = strncmp(*text, "http://", 7) == 0;
    *text += *tls ? 8 : plain ? 7 : 0;
    return *tls || plain;
}

/* HOST:PORT, [HOST]:PORT, with an end of a line or a path behind it. */
static int split(char *name, es_net_address_t *out)
{
    char *colon = strrchr(name, ':'), *end;
    if (!colon || colon == name) return -1;
    *colon = '\0';
    long value = strtol(colon + 1, &end, 10);
    if (*name == '[' && colon[-1] == ']') {
        name++;
        colon[-1] = '\0';
    }
    if (end == colon + 1 || (*end && *end != '\n' && *end != '/') || value < 1 || value > 65535) return -1;
    out->port = (uint16_t)value;
    return snprintf(out->host, sizeof out->host, "%s", reachable(name)) < (int)sizeof out->host ? 0 : -1;
}

int es_net_read_addr(const char *file, es_net_address_t *out)
{
    char line[300], *text = line;
    FILE *f = fopen(file, "re");
    if (!f) return -1;
    char *got = fgets(line, sizeof line, f);
    fclose(f);
    return got && take_scheme(&text, &out->tls) ? split(text, out) : -1;
}

void es_net_url(char *out, size_t out_len, const es_net_address_t *at, const char *scheme, const char *path)
{
    bool bracket = strchr(at->host, ':');
    snprintf(out, out_len, "%s%s://%s%s%s:%u%s", scheme, at->tls ? "s" : "", bracket ? "[" : "", at->host,
             bracket ? "]" : "", at->port, path);
}
