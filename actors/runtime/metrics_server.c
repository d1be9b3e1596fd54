/* One thread, one poll: the listening socket, a descriptor that ends it, and at most ES_METRICS_CONNECTIONS connections, each of which reads a head, writes an
 * answer, and waits a moment for the other side to close, since closing on unread bytes would destroy the answer. */
#include "metrics_server.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "alloc.h"
#include "log.h"
#include "metrics_answer.h"
#include "wire.h"

enum { BACKLOG = 64, HEAD_US = 5000000, ANSWER_US = 10000000, LINGER_US = 1000000, DEAF_US = 100000 };

static ES_METRIC_COUNTER(answered, "earshot_metrics_requests_total{result=\"answered\"}",
                         "Requests to the server of metrics.");
static ES_METRIC_COUNTER(refused, "earshot_metrics_requests_total{result=\"refused\"}", "");
static ES_METRIC_COUNTER(slow, "earshot_metrics_requests_total{result=\"slow\"}", "");
static ES_METRIC_COUNTER(displaced, "earshot_metrics_requests_total{result=\"displaced\"}", "");

es_metric_t *const *es_metrics_server_metrics(void)
{
    static es_metric_t *const list[] = {&answered, &refused, &slow, &displaced, NULL};
    return list;
}

typedef enum { FREE, READING, WRITING, LINGERING } state_t;

typedef struct {
    state_t state;
    int fd;
    uint64_t due_us; /* it is closed then */
    es_http_head_t head;
    char in[ES_HTTP_HEAD_MAX];
    size_t in_len, sent;
    es_metrics_answer_t out;
} connection_t;

struct es_metrics_server {
    int listener, wake;
    char url[96];
    char token[ES_METRICS_TOKEN_MAX + 1]; /* empty: none */
    pthread_t thread;
    uint64_t deaf_us; /* nobody is accepted before: there were no descriptors left */
    connection_t connections[ES_METRICS_CONNECTIONS];
};

static void drop(connection_t *c)
{
    close(c->fd);
    free(c->out.bytes);
    c->out = (es_metrics_answer_t){.bytes = NULL};
    c->state = FREE;
}

static void begin(connection_t *c, int fd, uint64_t now_us)
{
    c->state = READING;
    c->fd = fd;
    c->due_us = now_us + HEAD_US;
    c->in_len = c->sent = 0;
    es_http_head_init(&c->head);
}

static void write_on(connection_t *c, uint64_t now_us)
{
    ssize_t n = send(c->fd, c->out.bytes + c->sent, c->out.len - c->sent, MSG_NOSIGNAL);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n < 0) {
        drop(c);
        return;
    }
    c->sent += (size_t)n;
    if (c->sent < c->out.len) return;
    shutdown(c->fd, SHUT_WR);
    c->state = LINGERING;
    c->due_us = now_us + LINGER_US;
}

static void give(connection_t *c, es_metrics_answer_t answer, uint64_t now_us)
{
    es_metric_add(answer.status < 400 || answer.status == 503 ? &answered : &refused, 1);
    c->out = answer;
    c->state = WRITING;
    c->due_us = now_us + ANSWER_US;
    write_on(c, now_us);
}

static void read_on(es_metrics_server_t *self, connection_t *c, uint64_t now_us)
{
    ssize_t n = recv(c->fd, c->in + c->in_len, sizeof c->in - c->in_len, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) {
        drop(c);
        return;
    }
    c->in_len += (size_t)n;
    es_http_parse_t parsed = es_http_head_feed(&c->head, c->in, c->in_len);
    if (parsed == ES_HTTP_DONE)
        give(c, es_metrics_answer(&c->head, self->token[0] ? self->token : NULL, now_us), now_us);
    else if (parsed == ES_HTTP_REFUSED || c->in_len == sizeof c->in)
        give(c, es_metrics_refuse(parsed == ES_HTTP_REFUSED ? c->head.why : ES_HTTP_HEAD_TOO_LARGE), now_us);
}

static void linger_on(connection_t *c)
{
    char sink[4096];
    ssize_t n = recv(c->fd, sink, sizeof sink, 0);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) drop(c);
}

static void serve(es_metrics_server_t *self, connection_t *c, uint64_t now_us)
{
    if (c->state == READING)
        read_on(self, c, now_us);
    else if (c->state == WRITING)
        write_on(c, now_us);
    else
        linger_on(c);
}

static void expire(connection_t *c, uint64_t now_us)
{
    if (c->state == FREE || now_us < c->due_us) return;
    bool late = c->state == READING;
    if (c->state != LINGERING) es_metric_add(&slow, 1);
    if (late && c->in_len)
        give(c, es_metrics_refuse(ES_HTTP_HEAD_SLOW), now_us);
    else
        drop(c);
}

/* A free one, or the one whose time is over first: who holds connections open keeps nobody out. */
static connection_t *make_room(es_metrics_server_t *self)
{
    connection_t *oldest = &self->connections[0];
    for (size_t i = 0; i < ES_METRICS_CONNECTIONS; i++) {
        connection_t *c = &self->connections[i];
        if (c->state == FREE) return c;
        if (c->due_us < oldest->due_us) oldest = c;
    }
    es_metric_add(&displaced, 1);
    drop(oldest);
    return oldest;
}

static void accept_all(es_metrics_server_t *self, uint64_t now_us)
{
    for (int i = 0; i < ES_METRICS_CONNECTIONS; i++) {
        int fd = accept4(self->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM))
            self->deaf_us = now_us + DEAF_US;
        if (fd < 0) return;
        begin(make_room(self), fd, now_us);
    }
}

/* Milliseconds until the next deadline, -1: none. */
static int patience(const es_metrics_server_t *self, uint64_t now_us)
{
    uint64_t due = self->deaf_us > now_us ? self->deaf_us : UINT64_MAX;
    for (size_t i = 0; i < ES_METRICS_CONNECTIONS; i++)
        if (self->connections[i].state != FREE && self->connections[i].due_us < due) due = self->connections[i].due_us;
    if (due == UINT64_MAX) return -1;
    return due > now_us ? (int)((due - now_us) / 1000 + 1) : 0;
}

static void fill(const es_metrics_server_t *self, struct pollfd polls[ES_METRICS_CONNECTIONS + 2], uint64_t now_us)
{
    for (size_t i = 0; i < ES_METRICS_CONNECTIONS; i++) {
        const connection_t *c = &self->connections[i];
        polls[i] =
            (struct pollfd){.fd = c->state == FREE ? -1 : c->fd, .events = c->state == WRITING ? POLLOUT : POLLIN};
    }
    polls[ES_METRICS_CONNECTIONS] =
        (struct pollfd){.fd = now_us < self->deaf_us ? -1 : self->listener, .events = POLLIN};
    polls[ES_METRICS_CONNECTIONS + 1] = (struct pollfd){.fd = self->wake, .events = POLLIN};
}

static void *run(void *arg)
{
    es_metrics_server_t *self = arg;
    struct pollfd polls[ES_METRICS_CONNECTIONS + 2];
    for (;;) {
        uint64_t now = es_now_us();
        fill(self, polls, now);
        if (poll(polls, ES_METRICS_CONNECTIONS + 2, patience(self, now)) < 0) {
            if (errno == EINTR) continue;
            break;
        }
        if (polls[ES_METRICS_CONNECTIONS + 1].revents) break;
        now = es_now_us();
        for (size_t i = 0; i < ES_METRICS_CONNECTIONS; i++) {
            if (polls[i].fd >= 0 && polls[i].revents) serve(self, &self->connections[i], now);
            expire(&self->connections[i], now);
        }
        if (polls[ES_METRICS_CONNECTIONS].revents) accept_all(self, now);
    }
    return NULL;
}

static void release(es_metrics_server_t *self)
{
    for (size_t i = 0; i < ES_METRICS_CONNECTIONS; i++)
        if (self->connections[i].state != FREE) drop(&self->connections[i]);
    if (self->listener >= 0) close(self->listener);
    if (self->wake >= 0) close(self->wake);
    explicit_bzero(self->token, sizeof self->token);
    free(self);
}

es_metrics_server_t *es_metrics_server_new(const es_listen_address_t *at, const char *token, char *err, size_t err_len)
{
    es_metrics_server_t *self = es_alloc_zero(sizeof *self);
    snprintf(self->token, sizeof self->token, "%s", token ? token : "");
    self->listener = es_listen_address_open(at, BACKLOG);
    int error = errno;
    self->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (self->listener >= 0 && self->wake >= 0) {
        es_listen_address_url(self->listener, "http", self->url, sizeof self->url);
        error = pthread_create(&self->thread, NULL, run, self);
        if (error == 0) return self;
    }
    snprintf(err, err_len, "%s%s", strerror(error),
             error == EADDRINUSE ? ": another program has the port; choose another, or 0 to have one drawn" : "");
    release(self);
    return NULL;
}

void es_metrics_server_destroy(es_metrics_server_t **self_p)
{
    es_metrics_server_t *self = *self_p;
    uint64_t one = 1;
    if (!self) return;
    *self_p = NULL;
    while (write(self->wake, &one, sizeof one) < 0 && errno == EINTR) {
    }
    pthread_join(self->thread, NULL);
    release(self);
}

const char *es_metrics_server_url(const es_metrics_server_t *self)
{
    return self->url;
}
