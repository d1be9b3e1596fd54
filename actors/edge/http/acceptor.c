#include "acceptor.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "alloc.h"
#include "edge_metrics.h"
#include "listen_address.h"
#include "log.h"

enum { BACKLOG = 4096, BATCH = 64 };

struct es_acceptor {
    int reserved_from;
    int fd, spare; /* spare: a descriptor to give up when there are no others, so that a connection can be refused */
    void (*fn)(void *ctx, int fd);
    void *ctx;
    char url[96];
};

static int open_spare(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static int listen_on(const struct addrinfo *address, bool shared)
{
    es_listen_address_t at = {.len = address->ai_addrlen, .shared = shared};
    memcpy(&at.at, address->ai_addr, address->ai_addrlen);
    return es_listen_address_open(&at, BACKLOG);
}

static int bind_host(const es_acceptor_config_t *config, char *err, size_t err_len)
{
    struct addrinfo hint = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *found = NULL;
    char service[8];
    const char *host = config->host;
    snprintf(service, sizeof service, "%u", config->port);
    int rc = getaddrinfo(host, service, &hint, &found);
    if (rc) {
        snprintf(err, err_len, "--host %s is no address of this machine (%s); use 127.0.0.1, or 0.0.0.0 for all", host,
                 gai_strerror(rc));
        return -1;
    }
    int fd = listen_on(found, config->shared);
    freeaddrinfo(found);
    if (fd >= 0) return fd;
    const char *advice = errno == EADDRINUSE ? "; another program has the port: choose one with --port, or 0 for any; "
                                               "edges share one where each has --reuse-port"
                                             : "";
    snprintf(err, err_len, "cannot listen on %s port %u: %s%s", host, config->port, strerror(errno), advice);
    return -1;
}

es_acceptor_t *es_acceptor_new(const es_acceptor_config_t *config, void (*fn)(void *ctx, int fd), void *ctx, char *err,
                               size_t err_len)
{
    int fd = bind_host(config, err, err_len);
    if (fd < 0) return NULL;
    es_acceptor_t *self = es_alloc_zero(sizeof *self);
    self->fd = fd;
    self->spare = open_spare();
    self->reserved_from = config->reserved_from;
    self->fn = fn;
    self->ctx = ctx;
    es_listen_address_url(fd, config->scheme, self->url, sizeof self->url);
    return self;
}

void es_acceptor_destroy(es_acceptor_t **self_p)
{
    es_acceptor_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    close(self->fd);
    if (self->spare >= 0) close(self->spare);
    free(self);
}

int es_acceptor_fd(const es_acceptor_t *self)
{
    return self->fd;
}

const char *es_acceptor_url(const es_acceptor_t *self)
{
    return self->url;
}

static void note_refusal(void)
{
    es_metric_add(&es_edge_accept_failed, 1);
    es_log_warn("a connection is refused: no file descriptors are left for it; raise `ulimit -n`, see --file-reserve");
}

/* Out of descriptors: without this the connection would stay in the queue and the loop would spin on it. */
static void refuse_one(es_acceptor_t *self)
{
    note_refusal();
    if (self->spare < 0) return;
    close(self->spare);
    int fd = accept4(self->fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0) close(fd);
    self->spare = open_spare();
}

/* The kernel gives the lowest that is free: this one tells how many are in use. */
static void welcome(es_acceptor_t *self, int fd)
{
    int one = 1;
    if (fd >= self->reserved_from) {
        note_refusal();
        close(fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    self->fn(self->ctx, fd);
}

/* False: no more wait. */
static bool take_one(es_acceptor_t *self)
{
    int fd = accept4(self->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0)
        welcome(self, fd);
    else if (errno == EMFILE || errno == ENFILE)
        refuse_one(self);
    return fd >= 0 || errno == ECONNABORTED || errno == EINTR;
}

void es_acceptor_ready(void *ctx)
{
    es_acceptor_t *self = ctx;
    for (int i = 0; i < BATCH && take_one(self); i++) continue;
}

void es_acceptor_drain(es_acceptor_t **self_p)
{
    for (int i = 0; i < BACKLOG && take_one(*self_p); i++) continue;
    es_acceptor_destroy(self_p);
}
