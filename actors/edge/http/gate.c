#include "gate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "addresses.h"
#include "alloc.h"
#include "edge_metrics.h"
#include "http_refused.h"
#include "log.h"
#include "timers.h"
#include "wire.h"

#define SECOND UINT64_C(1000000)

enum { FIELD_MAX = 512, HEAD_MAX = 4 * FIELD_MAX, RUNS_A_TURN = 4096, READ_AWAY = 16 };

typedef struct conn {
    es_gate_t *gate;
    es_http_exchange_t *x;
    es_edge_watch_t *watch;
    es_timer_t timer;
    struct conn *prev, *next; /* all */
    struct conn *next_marked;
    es_turnstile_t *turnstile; /* where it has a place */
    es_turnstile_place_t place;
    es_address_t *address;      /* NULL where they are not counted, or not by us */
    char peer[ES_ADDRESS_TEXT]; /* "" where they are not counted */
    bool marked;
    int fd;
} conn_t;

struct es_gate {
    es_gate_ops_t ops;
    es_gate_limits_t limits;
    es_edge_loop_t *loop;
    es_http_env_t env;
    es_timers_t timers;
    es_addresses_t *addresses; /* NULL: without a limit */
    conn_t *conns, *marked;
    size_t count;
    uint64_t now_us, date_s;
};

/* ---- the socket of a connection */

static ssize_t result_of(ssize_t n)
{
    if (n >= 0) return n;
    return errno == EAGAIN || errno == EINTR ? ES_HTTP_IO_NONE : ES_HTTP_IO_BROKEN;
}

static ssize_t io_read(void *io, void *data, size_t cap)
{
    conn_t *conn = io;
    return result_of(recv(conn->fd, data, cap, 0));
}

static ssize_t io_write(void *io, const void *data, size_t len)
{
    conn_t *conn = io;
    return result_of(send(conn->fd, data, len, MSG_NOSIGNAL));
}

static void io_half_close(void *io)
{
    conn_t *conn = io;
    shutdown(conn->fd, SHUT_WR);
}

static void on_ready(void *ctx, bool readable, bool writable);

static void io_want(void *io, bool reading, bool writing)
{
    conn_t *conn = io;
    if (!conn->watch) conn->watch = es_edge_watch_new(conn->gate->loop, conn->fd, on_ready, conn);
    es_edge_watch_set(conn->watch, reading, writing);
}

static void io_mark(void *io)
{
    conn_t *conn = io;
    if (conn->marked) return;
    conn->marked = true;
    conn->next_marked = conn->gate->marked;
    conn->gate->marked = conn;
}

static bool io_enter(void *io, es_http_exchange_t *x)
{
    conn_t *conn = io;
    const es_gate_ops_t *ops = &conn->gate->ops;
    conn->turnstile = ops->turnstile ? ops->turnstile(ops->ctx, x) : NULL;
    if (conn->turnstile) es_turnstile_join(conn->turnstile, &conn->place);
    return !conn->turnstile;
}

static void io_request(void *io, es_http_exchange_t *x)
{
    conn_t *conn = io;
    conn->gate->ops.serve(conn->gate->ops.ctx, x);
}

static const char *io_peer(void *io)
{
    conn_t *conn = io;
    return conn->peer;
}

static const es_http_io_ops_t io_ops = {.read = io_read,
                                        .write = io_write,
                                        .half_close = io_half_close,
                                        .want = io_want,
                                        .mark = io_mark,
                                        .enter = io_enter,
                                        .request = io_request,
                                        .peer = io_peer};

/* ---- WebSockets */

static const char *refusal_text(unsigned status)
{
    return status == 403   ? "Pages of this origin may not connect; see --allow-origin.\n"
           : status == 421 ? "The name in Host may be anybody's, and nobody is asked who comes; see --allow-origin.\n"
           : status == 404 ? "WebSocket is spoken at /api/audio/ws and /ws.\n"
           : status == 431 ? "The path, the query, Host or Origin is too long: each may have 511 bytes.\n"
                           : "This server takes no new clients now; try again later.\n";
}

/* 0, or -1 where it is too long. */
static int copy(es_span_t text, char out[FIELD_MAX])
{
    if (text.len >= FIELD_MAX) return -1;
    if (text.len) memcpy(out, text.ptr, text.len);
    out[text.len] = 0;
    return 0;
}

/* A head with nothing in it but what was checked. 0 with *len, or the status that refuses. */
static unsigned compose_head(es_gate_t *self, const es_http_exchange_t *x, char *out, size_t *len,
                             struct es_guest **guest)
{
    char path[FIELD_MAX], query[FIELD_MAX], host[FIELD_MAX], origin[FIELD_MAX], key[FIELD_MAX];
    if (copy(es_http_path(x), path) || es_http_query_without(x, "ticket", query, sizeof query) ||
        copy(es_http_header(x, "host"), host) || copy(es_http_header(x, "origin"), origin) ||
        copy(es_http_header(x, "sec-websocket-key"), key))
        return 431;
    unsigned status = self->ops.admit(self->ops.user, x, path, origin, host, guest);
    if (status) return status;
    *len = (size_t)snprintf(out, HEAD_MAX,
                            "GET %s%s%s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                            "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n\r\n",
                            path, *query ? "?" : "", query, host, key);
    return 0;
}

/* ---- connections */

static void unlink_conn(es_gate_t *self, conn_t *conn)
{
    conn_t **at = &self->marked;
    while (conn->marked && *at != conn) at = &(*at)->next_marked;
    if (conn->marked) *at = conn->next_marked;
    if (conn->prev) conn->prev->next = conn->next;
    if (conn->next) conn->next->prev = conn->prev;
    if (self->conns == conn) self->conns = conn->next;
    es_metric_set(&es_edge_http_connections, --self->count);
}

void es_gate_left(es_gate_t *self, void *peer)
{
    if (peer) es_addresses_leave(self->addresses, peer);
}

/* The socket stays open. */
static void forget(es_gate_t *self, conn_t *conn)
{
    es_gate_left(self, conn->address);
    if (conn->turnstile) es_turnstile_leave(conn->turnstile, &conn->place);
    es_timers_disarm(&self->timers, &conn->timer);
    es_edge_watch_destroy(&conn->watch);
    es_http_conn_destroy(&conn->x);
    unlink_conn(self, conn);
    free(conn);
}

static void hang_up(es_gate_t *self, conn_t *conn, bool reset)
{
    const struct linger at_once = {.l_onoff = 1};
    int fd = conn->fd;
    forget(self, conn);
    if (reset) setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    if (reset && self->ops.cut) self->ops.cut(self->ops.ctx, fd);
    close(fd);
}

/* Our memory is given back after libwebsockets has taken its own: what lives long would settle in the holes of what is short, and each connection would cost
 * half a kilobyte more. */
static void adopt(es_gate_t *self, conn_t *conn, const char *head, size_t len, struct es_guest *guest)
{
    es_span_t ahead = es_http_conn_ahead(conn->x);
    es_address_t *address = conn->address;
    char *bytes = es_alloc(len + ahead.len);
    memcpy(bytes, head, len);
    if (ahead.len) memcpy(bytes + len, ahead.ptr, ahead.len);
    es_edge_watch_destroy(&conn->watch);
    conn->address = NULL;
    self->ops.adopt(self->ops.user, conn->fd, bytes, len + ahead.len, address, guest);
    free(bytes);
    forget(self, conn);
}

/* True where the connection has gone on to libwebsockets; else it has its answer, which is to be sent. */
static bool hand_on(es_gate_t *self, conn_t *conn)
{
    char head[HEAD_MAX];
    size_t len = 0;
    struct es_guest *guest = NULL;
    unsigned status = compose_head(self, conn->x, head, &len, &guest);
    if (!status) {
        adopt(self, conn, head, len, guest);
        return true;
    }
    const char *text = refusal_text(status);
    es_http_reply(conn->x, status, "text/plain; charset=utf-8", NULL, text, strlen(text));
    return false;
}

static void run(es_gate_t *self, conn_t *conn, bool readable)
{
    es_conn_state_t state = es_http_conn_run(conn->x, readable, self->now_us);
    if (state == ES_CONN_UPGRADE) {
        if (hand_on(self, conn)) return;
        state = es_http_conn_run(conn->x, false, self->now_us);
    }
    if (state == ES_CONN_OPEN)
        es_timers_arm(&self->timers, &conn->timer, es_http_conn_deadline(conn->x));
    else
        hang_up(self, conn, state == ES_CONN_CUT);
}

static void keep_date(es_gate_t *self, uint64_t now_us)
{
    struct tm parts;
    self->now_us = now_us;
    if (self->date_s == now_us / SECOND + 1) return;
    self->date_s = now_us / SECOND + 1;
    time_t now = (time_t)(es_wall_us() / SECOND);
    gmtime_r(&now, &parts);
    strftime(self->env.date, sizeof self->env.date, "%a, %d %b %Y %H:%M:%S GMT", &parts);
}

static void on_ready(void *ctx, bool readable, bool writable)
{
    conn_t *conn = ctx;
    (void)writable;
    keep_date(conn->gate, es_now_us());
    run(conn->gate, conn, readable);
}

static void on_pass(es_turnstile_place_t *place)
{
    conn_t *conn = (conn_t *)((char *)place - offsetof(conn_t, place));
    conn->turnstile = NULL;
    es_http_conn_admit(conn->x);
    on_ready(conn, false, false);
}

/* What has come is read, so that its close resets nothing that the answer could be lost with. Whoever sends as fast as we read does not care for one. */
void es_gate_turn_away(int fd, es_http_why_t why)
{
    const es_http_refusal_t *refusal = es_http_refusal(why);
    char answer[512], rest[ES_HTTP_HEAD_MAX];
    int len = snprintf(answer, sizeof answer,
                       "HTTP/1.1 %u Service Unavailable\r\ncontent-type: text/plain; charset=utf-8\r\n"
                       "content-length: %zu\r\nretry-after: 10\r\nconnection: close\r\n\r\n%s\n",
                       refusal->status, strlen(refusal->message) + 1, refusal->message);
    for (int i = 0; i < READ_AWAY && recv(fd, rest, sizeof rest, MSG_DONTWAIT) > 0; i++) continue;
    (void)!send(fd, answer, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL);
    close(fd);
}

/* 0 with *out, NULL where addresses are not counted; -1 where this one has its limit. */
static int count_address(es_gate_t *self, int fd, es_address_t **out)
{
    struct sockaddr_storage from = {0};
    socklen_t len = sizeof from;
    *out = NULL;
    if (!self->addresses || getpeername(fd, (struct sockaddr *)&from, &len) || es_addresses_own(&from)) return 0;
    *out = es_addresses_enter(self->addresses, &from);
    return *out ? 0 : -1;
}

bool es_gate_enter(es_gate_t *self, int fd, size_t others, void **peer, es_http_why_t *why)
{
    es_address_t *address = NULL;
    bool full = self->count + others >= self->limits.connections;
    bool often = !full && count_address(self, fd, &address);
    *peer = address;
    if (!full && !often) return true;
    *why = full ? ES_HTTP_TOO_MANY : ES_HTTP_TOO_MANY_OF_ADDRESS;
    es_http_count_refusal(*why);
    es_log_warn("a connection is refused; see --max-http and --max-address",
                ES_S("reason", es_http_refusal(*why)->code));
    return false;
}

void es_gate_take(es_gate_t *self, int fd, void *peer, bool leaves, uint64_t now_us)
{
    keep_date(self, now_us);
    conn_t *conn = es_alloc_zero(sizeof *conn);
    conn->gate = self;
    conn->fd = fd;
    conn->place.pass = on_pass;
    conn->address = leaves ? peer : NULL;
    if (peer) es_address_text(peer, conn->peer);
    conn->x = es_http_conn_new(&self->env, conn, self->now_us);
    conn->next = self->conns;
    if (conn->next) conn->next->prev = conn;
    self->conns = conn;
    es_metric_set(&es_edge_http_connections, ++self->count);
    run(self, conn, true);
}

/* ---- the gate */

es_gate_t *es_gate_new(const es_gate_ops_t *ops, const es_gate_limits_t *limits, es_edge_loop_t *loop)
{
    es_gate_t *self = es_alloc_zero(sizeof *self);
    self->ops = *ops;
    self->limits = *limits;
    self->loop = loop;
    if (limits->address) self->addresses = es_addresses_new(limits->address);
    self->env = (es_http_env_t){.io_ops = &io_ops,
                                .head = limits->head,
                                .head_us = limits->head_us,
                                .body_us = limits->body_us,
                                .body_least = limits->body_least,
                                .idle_us = limits->idle_us,
                                .send_us = limits->send_us,
                                .linger_us = ES_GATE_LINGER_US};
    return self;
}

void es_gate_destroy(es_gate_t **self_p)
{
    es_gate_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    while (self->conns) hang_up(self, self->conns, false);
    es_timers_fini(&self->timers);
    es_addresses_destroy(&self->addresses);
    free(self);
}

static bool run_marked(es_gate_t *self)
{
    for (int i = 0; i < RUNS_A_TURN && self->marked; i++) {
        conn_t *conn = self->marked;
        self->marked = conn->next_marked;
        conn->marked = false;
        run(self, conn, false);
    }
    return self->marked != NULL;
}

static bool run_due(es_gate_t *self)
{
    es_timer_t *timer = NULL;
    for (int i = 0; i < RUNS_A_TURN && (timer = es_timers_due(&self->timers, self->now_us)); i++)
        run(self, (conn_t *)((char *)timer - offsetof(conn_t, timer)), false);
    return timer != NULL;
}

uint64_t es_gate_turn(es_gate_t *self, uint64_t now_us)
{
    keep_date(self, now_us);
    bool more = run_due(self);
    more = run_marked(self) || more;
    return more ? 0 : es_timers_next(&self->timers);
}

void es_gate_drain(es_gate_t *self, uint64_t now_us)
{
    self->env.closing = true;
    keep_date(self, now_us);
    for (conn_t *conn = self->conns, *next; conn; conn = next) {
        next = conn->next;
        run(self, conn, false);
    }
}

size_t es_gate_busy(const es_gate_t *self)
{
    size_t busy = 0;
    for (const conn_t *conn = self->conns; conn; conn = conn->next) busy += es_http_conn_busy(conn->x);
    return busy;
}
